-- Every statement that callguard_app runs. A line "-- name: x" opens the statement x; store/query.py reads this file.

-- name: ensure_month
SELECT callguard.callguard_ensure_month(%(call_month)s::date)

-- name: insert_call
INSERT INTO callguard.call (call_month, call_id, tenant, pbx_id, linked_id, direction, call_type, policy_version, rule_pack,
    policy, started_at)
VALUES (%(call_month)s, %(call_id)s, %(tenant)s, %(pbx_id)s, %(linked_id)s, %(direction)s, %(call_type)s, %(policy_version)s,
    %(rule_pack)s, %(policy)s, %(started_at)s)
ON CONFLICT (call_month, call_id) DO NOTHING

-- A row that came before is skipped by the trigger "chain", which refuses any other that does not continue its chain.
-- name: insert_event
INSERT INTO callguard.channel_event (call_month, call_id, seq, event_id, channel_id, type, derived, at, recorded_at,
    monotonic_ns, clock_sync, offset_samples, data, dedup, prev_hash, hash)
VALUES (%(call_month)s, %(call_id)s, %(seq)s, %(event_id)s, %(channel_id)s, %(type)s, %(derived)s, %(at)s, %(recorded_at)s,
    %(monotonic_ns)s, %(clock_sync)s, %(offset_samples)s, %(data)s, %(dedup)s, %(prev_hash)s, %(hash)s)

-- name: insert_decision
INSERT INTO callguard.decision (call_month, call_id, seq, event_seq, state, effects, reasons, extra)
SELECT %(call_month)s::date, %(call_id)s::text, coalesce(max(seq) + 1, 0), %(seq)s, %(state)s, %(effects)s, %(reasons)s, %(extra)s
FROM (
    SELECT seq FROM callguard.decision WHERE call_month = %(call_month)s::date AND call_id = %(call_id)s::text
    ORDER BY seq DESC LIMIT 1
) AS last
ON CONFLICT (call_month, call_id, event_seq) DO NOTHING

-- The key is kept only where its row is new: a batch may come twice, sealed under a fresh key each time.
-- name: insert_party
WITH added AS (
    INSERT INTO callguard.party (call_month, call_id, party_id, channel_id, role, key_id, sealed, search_hmac)
    VALUES (%(call_month)s, %(call_id)s, %(party_id)s, %(channel_id)s, %(role)s, %(key_id)s, %(sealed)s, %(search_hmac)s)
    ON CONFLICT (call_month, call_id, party_id) DO NOTHING
    RETURNING call_month, key_id
)
INSERT INTO callguard.key (call_month, key_id, wrapped) SELECT call_month, key_id, %(wrapped)s FROM added

-- name: insert_raw
WITH added AS (
    INSERT INTO callguard.raw_event (call_month, call_id, seq, key_id, sealed)
    VALUES (%(call_month)s, %(call_id)s, %(seq)s, %(key_id)s, %(sealed)s)
    ON CONFLICT (call_month, call_id, seq) DO NOTHING
    RETURNING call_month, key_id
)
INSERT INTO callguard.key (call_month, key_id, wrapped) SELECT call_month, key_id, %(wrapped)s FROM added
ON CONFLICT (call_month, key_id) DO NOTHING

-- An old batch that comes again must not take a recording back to an older state: last_seq is the batch's last row, and
-- the call's chain has gone on since.
-- name: upsert_recording
INSERT INTO callguard.recording (call_month, call_id, recording_id, segment_no, state, expires_at, preflight_id)
SELECT %(call_month)s::date, %(call_id)s::text, %(recording_id)s, %(segment_no)s, %(state)s::callguard.recording_state, %(expires_at)s,
    %(preflight_id)s
WHERE NOT EXISTS (
    SELECT FROM callguard.channel_event
    WHERE call_month = %(call_month)s::date AND call_id = %(call_id)s::text AND seq > %(last_seq)s::integer
)
ON CONFLICT (call_month, recording_id, segment_no) DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at

-- name: upsert_incident
INSERT INTO callguard.incident (call_month, call_id, incident_id, kind, opened_at, closed_at)
VALUES (%(call_month)s, %(call_id)s, %(incident_id)s, %(kind)s, %(opened_at)s, %(closed_at)s)
ON CONFLICT (call_month, incident_id) DO UPDATE SET closed_at = coalesce(incident.closed_at, excluded.closed_at)

-- name: find_call
SELECT call_id, call_month, tenant, pbx_id, direction::text, call_type, policy_version, rule_pack, policy, started_at, linked_id
FROM callguard.call
WHERE call_id = %(id)s OR linked_id = %(id)s
    OR call_id IN (SELECT call_id FROM callguard.channel_event WHERE channel_id = %(id)s)
ORDER BY call_id = %(id)s DESC,
    call_id IN (SELECT call_id FROM callguard.channel_event WHERE channel_id = %(id)s AND type = 'call_merged'),
    started_at DESC
LIMIT 1

-- name: calls
SELECT call_id, call_month, tenant, pbx_id, direction::text, call_type, policy_version, rule_pack, policy, started_at, linked_id
FROM callguard.call
WHERE (started_at, call_id) < (%(started_at)s, %(call_id)s)
ORDER BY started_at DESC, call_id DESC
LIMIT %(page)s

-- name: events
SELECT e.call_id, e.call_month, e.seq, e.event_id, e.channel_id, e.type::text, e.derived, e.at, e.recorded_at, e.monotonic_ns,
    e.clock_sync, e.offset_samples, e.data, e.dedup, e.prev_hash, e.hash, d.state, d.effects, d.reasons, d.extra
FROM callguard.channel_event e
LEFT JOIN callguard.decision d
    ON d.call_month = e.call_month AND d.call_id = e.call_id AND d.event_seq = e.seq
WHERE e.call_month = %(call_month)s AND e.call_id = %(call_id)s ORDER BY e.seq

-- name: recordings
SELECT recording_id, call_id, call_month, segment_no, state::text, expires_at, preflight_id FROM callguard.recording
WHERE call_month = %(call_month)s AND call_id = %(call_id)s ORDER BY segment_no, recording_id

-- name: insert_rules
INSERT INTO callguard.rule_pack (version, content) VALUES (%(version)s, %(content)s) ON CONFLICT (version) DO NOTHING

-- name: rules
SELECT content FROM callguard.rule_pack WHERE version = %(version)s

-- A row that is there is skipped by the trigger "chain", which refuses any other that does not continue the register.
-- name: insert_activation
WITH added AS (
    INSERT INTO callguard.activation (tenant, seq, at, kind, version, previous, key_id, said_digest, sealed, content, prev_hash, hash)
    VALUES (%(tenant)s, %(seq)s, %(at)s, %(kind)s, %(version)s, %(previous)s, %(key_id)s, %(said_digest)s, %(sealed)s, %(content)s,
        %(prev_hash)s, %(hash)s)
    RETURNING key_id
)
INSERT INTO callguard.key (call_month, key_id, wrapped) SELECT %(key_month)s, key_id, %(wrapped)s FROM added

-- name: activations
SELECT a.tenant, a.seq, a.at, a.kind::text, a.version, a.previous, a.key_id, a.said_digest, a.content, a.prev_hash, a.hash,
    a.sealed, k.wrapped
FROM callguard.activation a LEFT JOIN callguard.key k
    ON k.call_month = date_trunc('month', a.at AT TIME ZONE 'UTC')::date AND k.key_id = a.key_id
WHERE a.tenant = %(tenant)s ORDER BY a.seq

-- name: incidents
SELECT incident_id, call_id, call_month, kind, opened_at, closed_at FROM callguard.incident
WHERE call_month = %(call_month)s AND call_id = %(call_id)s ORDER BY opened_at, incident_id

-- name: find_incidents
SELECT incident_id, call_id, call_month, kind, opened_at, closed_at FROM callguard.incident
WHERE (closed_at IS NULL OR NOT %(open_only)s::boolean)
    AND opened_at >= coalesce(%(since)s::timestamptz, '-infinity')
    AND %(kind)s::text IN ('', kind)
    AND call_id = coalesce(%(call_id)s::text, call_id)
ORDER BY opened_at, incident_id

-- name: known_recordings
SELECT DISTINCT recording_id FROM callguard.recording WHERE recording_id = ANY(%(ids)s::text[])

-- name: parties
SELECT p.call_id, p.call_month, p.party_id, p.channel_id, p.role::text, p.key_id, p.sealed, k.wrapped
FROM callguard.party p LEFT JOIN callguard.key k ON k.call_month = p.call_month AND k.key_id = p.key_id
WHERE p.call_id = %(call_id)s ORDER BY p.party_id

-- name: raw
SELECT r.call_id, r.call_month, r.seq, r.key_id, r.sealed, k.wrapped
FROM callguard.raw_event r JOIN callguard.key k ON k.call_month = r.call_month AND k.key_id = r.key_id
WHERE r.call_id = %(call_id)s ORDER BY r.seq

-- The months are named so that the partitions of older calls are not read.
-- name: count_modes
SELECT c.call_type, e.data ->> 'mode', e.data -> 'jurisdictions' @> '["ZZ"]', count(*)
FROM callguard.call c JOIN callguard.channel_event e ON e.call_month = c.call_month AND e.call_id = c.call_id
WHERE c.started_at >= %(since)s AND e.type = 'rule_resolved'
    AND c.call_month >= date_trunc('month', %(since)s::timestamptz)::date
    AND e.call_month >= date_trunc('month', %(since)s::timestamptz)::date
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3

-- name: dialplans
SELECT c.call_id, e.data ->> 'dialplan' AS dialplan
FROM callguard.call c JOIN callguard.channel_event e ON e.call_month = c.call_month AND e.call_id = c.call_id
WHERE c.started_at >= %(since)s AND e.seq = 1 AND e.data ->> 'dialplan' <> ''
    AND c.call_month >= date_trunc('month', %(since)s::timestamptz)::date
    AND e.call_month >= date_trunc('month', %(since)s::timestamptz)::date

-- Only an answer of a party of that call whose number can still be found is kept: an erased number does not come back
-- with an old batch, and nor does an older answer.
-- name: keep_answer
INSERT INTO callguard.answer (tenant, search_hmac, call_type, answer, at, until, call_id)
SELECT %(tenant)s, search_hmac, %(call_type)s, %(answer)s::callguard.remembered, %(at)s, %(until)s, %(call_id)s::text
FROM callguard.party
WHERE call_month = %(call_month)s::date AND call_id = %(call_id)s::text AND role = 'far' AND search_hmac = %(search_hmac)s::bytea
LIMIT 1
ON CONFLICT (tenant, search_hmac, call_type) DO UPDATE
SET answer = excluded.answer, at = excluded.at, until = excluded.until, call_id = excluded.call_id
WHERE answer.at <= excluded.at

-- name: answer_of
SELECT answer::text FROM callguard.answer
WHERE tenant = %(tenant)s AND search_hmac = %(search_hmac)s::bytea AND call_type = %(call_type)s AND until > %(at)s

-- name: answers
SELECT search_hmac AS pseudonym, call_type, answer::text, at, until, call_id FROM callguard.answer
WHERE tenant = %(tenant)s ORDER BY at DESC, call_id

-- name: answers_of
SELECT search_hmac AS pseudonym, call_type, answer::text, at, until, call_id FROM callguard.answer
WHERE tenant = %(tenant)s AND search_hmac = %(search_hmac)s::bytea ORDER BY at DESC, call_id

-- name: forget_answers
DELETE FROM callguard.answer WHERE tenant = %(tenant)s AND search_hmac = %(search_hmac)s::bytea

-- name: forget_expired
DELETE FROM callguard.answer WHERE tenant = %(tenant)s AND until <= %(at)s

-- name: erase_key
DELETE FROM callguard.key WHERE key_id = %(key_id)s

-- Through the calls: their start is indexed, so that a window of days reads these days only. A call whose newest raw
-- message is younger keeps its key.
-- name: purge_raw
WITH old AS (
    SELECT r.call_month, r.key_id
    FROM callguard.call c JOIN callguard.raw_event r ON r.call_month = c.call_month AND r.call_id = c.call_id
    WHERE c.started_at >= %(since)s AND c.started_at < %(before)s
        AND c.call_month >= date_trunc('month', %(since)s::timestamptz)::date
        AND r.call_month >= date_trunc('month', %(since)s::timestamptz)::date
    GROUP BY r.call_month, r.key_id HAVING max(r.recorded_at) < %(before)s
)
DELETE FROM callguard.key k USING old WHERE k.call_month = old.call_month AND k.key_id = old.key_id
