-- Every statement about artefacts, their keys, holds and deletions that callguard_app runs; see queries.sql.

-- What a recording says of itself, and what its log says of the file: the newest verdict's hash.
-- name: find_recording
SELECT r.recording_id, r.segment_no, r.call_id, r.call_month, r.state::text, r.expires_at, c.tenant, c.pbx_id, c.call_type,
    coalesce(nullif(c.policy ->> 'purpose', ''), 'unknown') AS purpose, c.started_at,
    (
        SELECT e.data ->> 'sha256' FROM callguard.channel_event e
        WHERE e.call_month = r.call_month AND e.call_id = r.call_id AND e.data ->> 'recording_id' = r.recording_id
            AND e.type IN ('recording_verified', 'recording_damaged')
        ORDER BY e.seq DESC LIMIT 1
    ) AS sha256
FROM callguard.recording r JOIN callguard.call c ON c.call_month = r.call_month AND c.call_id = r.call_id
WHERE r.recording_id = %(recording_id)s
ORDER BY r.segment_no DESC LIMIT 1

-- A party is whoever was played a notice, or said something to one.
-- name: told
SELECT channel_id, bool_or(type = 'notice_ended') AS told, bool_or(type = 'consent_granted') AS granted,
    bool_or(type IN ('consent_refused', 'consent_silent', 'consent_withdrawn')) AS refused
FROM callguard.channel_event
WHERE call_month = %(call_month)s AND call_id = %(call_id)s AND (
    type IN ('consent_granted', 'consent_refused', 'consent_silent', 'consent_withdrawn')
    OR type = 'notice_ended' AND data ->> 'script' = 'notice')
GROUP BY channel_id ORDER BY channel_id

-- name: facts_of
SELECT type, at, channel_id, data FROM callguard.channel_event
WHERE call_month = %(call_month)s AND call_id = %(call_id)s AND NOT derived ORDER BY seq

-- name: stored_policy
SELECT policy FROM callguard.call WHERE call_month = %(call_month)s AND call_id = %(call_id)s

-- name: insert_artefact
INSERT INTO callguard.artefact (artefact_id, tenant, pbx_id, call_month, call_id, recording_id, segment_no, part, kind, parent_id,
    call_type, purpose, state, object, key_id, began_at, promised_until, expires_at)
VALUES (%(artefact_id)s, %(tenant)s, %(pbx_id)s, %(call_month)s, %(call_id)s, %(recording_id)s, %(segment_no)s, %(part)s,
    %(kind)s::callguard.artefact_kind, %(parent_id)s, %(call_type)s, %(purpose)s, 'writing', %(object)s, %(key_id)s, %(began_at)s,
    %(promised_until)s, %(expires_at)s)

-- name: insert_key
INSERT INTO callguard.artefact_key (key_id, kid, wrapped) VALUES (%(key_id)s, %(kid)s, %(wrapped)s)

-- name: begin_again
UPDATE callguard.artefact SET object = %(object)s, key_id = %(key_id)s WHERE artefact_id = %(artefact_id)s AND state = 'writing'

-- name: stored
UPDATE callguard.artefact SET state = 'stored', size = %(size)s, sha256 = %(sha256)s, plain_size = %(plain_size)s,
    plain_sha256 = %(plain_sha256)s
WHERE artefact_id = %(artefact_id)s AND state = 'writing' AND key_id = %(key_id)s

-- What a derived artefact was made of, with both hashes as their rows hold them.
-- name: tell
INSERT INTO callguard.artefact_event (artefact_id, type, tenant, call_month, call_id, recording_id, kind, parent_id, parent_sha256,
    sha256, data)
SELECT c.artefact_id, %(type)s::callguard.artefact_event_type, c.tenant, c.call_month, c.call_id, c.recording_id, c.kind, c.parent_id,
    p.plain_sha256, c.plain_sha256, %(data)s
FROM callguard.artefact c JOIN callguard.artefact p ON p.artefact_id = c.parent_id WHERE c.artefact_id = %(artefact_id)s
ON CONFLICT (artefact_id, type) DO NOTHING

-- name: find_told
SELECT artefact_id, type::text, at, parent_id, kind::text, parent_sha256, sha256, data FROM callguard.artefact_event
WHERE recording_id = %(recording_id)s ORDER BY at, artefact_id, type

-- Everything that can hold something; partitions are of their parent's class.
-- name: holders
SELECT c.relname AS name, 'table' AS what FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('callguard', 'callguard_jobs') AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
UNION ALL SELECT unnest(enum_range(NULL::callguard.artefact_kind))::text, 'kind' ORDER BY 2, 1

-- name: find_artefacts
SELECT artefact_id, tenant, pbx_id, call_month, call_id, recording_id, segment_no, part, kind::text, parent_id, call_type, purpose,
    state::text, object, key_id, size, sha256, plain_size, plain_sha256, began_at, created_at, promised_until, expires_at, reason,
    marked_at
FROM callguard.artefact
WHERE (%(recording_id)s::text IS NULL OR recording_id = %(recording_id)s)
    AND (%(call_id)s::text IS NULL OR call_id = %(call_id)s)
    AND (%(artefact_id)s::text IS NULL OR artefact_id = %(artefact_id)s)
    AND (%(states)s::text[] IS NULL OR state::text = ANY (%(states)s))
ORDER BY created_at, artefact_id

-- name: find_key
SELECT kid, wrapped FROM callguard.artefact_key WHERE key_id = %(key_id)s

-- name: wrapped_elsewhere
SELECT key_id, kid, wrapped FROM callguard.artefact_key WHERE kid <> %(kid)s ORDER BY key_id LIMIT %(page)s

-- Only where nobody wrapped it anew meanwhile.
-- name: rewrap
SELECT callguard.rewrap(%(key_id)s, %(old)s, %(kid)s, %(wrapped)s) AS done

-- name: count_keys
SELECT kid, count(*) FROM callguard.artefact_key GROUP BY kid ORDER BY kid

-- name: delete_key
DELETE FROM callguard.artefact_key WHERE key_id = %(key_id)s

-- name: take_turn
SELECT pg_try_advisory_lock(hashtext('ingest ' || %(recording_id)s))

-- name: end_turn
SELECT pg_advisory_unlock(hashtext('ingest ' || %(recording_id)s))

-- name: open_incident
INSERT INTO callguard.incident (call_month, incident_id, call_id, kind, opened_at)
VALUES (%(call_month)s, %(incident_id)s, %(call_id)s, %(kind)s, %(opened_at)s)
ON CONFLICT (call_month, incident_id) DO NOTHING
RETURNING incident_id

-- name: stray_keys
SELECT k.key_id FROM callguard.artefact_key k WHERE NOT EXISTS (SELECT FROM callguard.artefact a WHERE a.key_id = k.key_id)

-- name: keyless
SELECT artefact_id FROM callguard.artefact a
WHERE state = 'stored' AND NOT EXISTS (SELECT FROM callguard.artefact_key k WHERE k.key_id = a.key_id)

-- name: remove_stray_keys
DELETE FROM callguard.artefact_key k WHERE NOT EXISTS (SELECT FROM callguard.artefact a WHERE a.key_id = k.key_id)
