-- Every statement about deletions, holds and runs that callguard_app runs; see queries.sql.

-- name: mark
UPDATE callguard.artefact SET state = 'marked', reason = CASE state WHEN 'writing' THEN 'never stored' ELSE %(reason)s END,
    marked_at = %(at)s
WHERE artefact_id = %(artefact_id)s AND state IN ('writing', 'stored')

-- name: shredded
UPDATE callguard.artefact SET state = 'shredded' WHERE artefact_id = %(artefact_id)s AND state = 'marked'

-- What was made in the place of an original outlives it: that the original's key is gone is told of it.
-- name: tell_shredded
INSERT INTO callguard.artefact_event (artefact_id, type, tenant, call_month, call_id, recording_id, kind, parent_id, parent_sha256,
    sha256, data)
SELECT c.artefact_id, 'original_shredded', c.tenant, c.call_month, c.call_id, c.recording_id, c.kind, c.parent_id, p.plain_sha256,
    c.plain_sha256, jsonb_build_object('reason', p.reason)
FROM callguard.artefact p JOIN callguard.artefact c ON c.parent_id = p.artefact_id AND c.state = 'stored'
WHERE p.artefact_id = %(artefact_id)s AND p.state = 'shredded'
ON CONFLICT (artefact_id, type) DO NOTHING

-- name: bury
INSERT INTO callguard.tombstone (artefact_id, tenant, call_id, recording_id, kind, object, sha256, plain_sha256, reason, expires_at,
    marked_at)
SELECT artefact_id, tenant, call_id, recording_id, kind, object, sha256, plain_sha256, reason, expires_at, marked_at
FROM callguard.artefact WHERE artefact_id = %(artefact_id)s AND state = 'shredded'

-- name: deleted
UPDATE callguard.artefact SET state = 'deleted' WHERE artefact_id = %(artefact_id)s AND state = 'shredded'

-- What was derived comes first.
-- name: derived
SELECT artefact_id FROM callguard.artefact WHERE parent_id = %(artefact_id)s AND state <> 'deleted' ORDER BY created_at

-- Derived before what it came from; what a legal hold keeps is counted, not listed.
-- name: due
SELECT artefact_id FROM callguard.artefact
WHERE state = 'stored' AND expires_at <= %(now)s AND NOT callguard.is_held(call_id) AND NOT artefact_id = ANY (%(but)s)
ORDER BY parent_id IS NULL, expires_at LIMIT %(page)s

-- What is over by then and still there, what of it is held, since when the oldest is over; `going`: begun, not finished.
-- name: count_due
SELECT count(*) FILTER (WHERE state = 'stored' AND NOT held) AS due, count(*) FILTER (WHERE state <> 'stored' AND NOT held) AS going,
    count(*) FILTER (WHERE held) AS held, min(expires_at) AS oldest
FROM (
    SELECT state, expires_at, callguard.is_held(call_id) AS held FROM callguard.artefact
    WHERE state = 'stored' AND expires_at <= %(now)s OR state IN ('marked', 'shredded') AND reason = %(over)s
) over

-- name: ends
SELECT kind::text, call_type, expires_at, callguard.is_held(call_id) AS held FROM callguard.artefact WHERE state = 'stored'

-- name: facts
SELECT a.artefact_id, a.recording_id, a.kind::text, a.state::text, a.purpose, a.call_type, a.reason, a.created_at, a.expires_at,
    a.marked_at,
    (SELECT coalesce(array_agg(DISTINCT h.case_name ORDER BY h.case_name), '{}') FROM callguard.legal_hold h
        WHERE h.call_id = a.call_id AND h.released_at IS NULL) AS cases,
    EXISTS (SELECT FROM callguard.recording r WHERE r.call_month = a.call_month AND r.call_id = a.call_id
        AND r.recording_id = a.recording_id AND r.state = 'discarded') AS discarded
FROM callguard.artefact a
WHERE a.state <> 'deleted' AND (%(recording_id)s::text IS NULL OR a.recording_id = %(recording_id)s)
ORDER BY a.created_at, a.artefact_id

-- What it comes from goes with it, or goes first: the database sees to that.
-- name: set_end
UPDATE callguard.artefact SET expires_at = %(at)s WHERE artefact_id = %(artefact_id)s AND state IN ('writing', 'stored')

-- name: clock
SELECT clock_timestamp() AS now

-- name: insert_run
INSERT INTO callguard.retention_run (run_id, tenant, started_at, ended_at, due, deleted, failed, held, seal)
VALUES (%(run_id)s, %(tenant)s, %(started_at)s, %(ended_at)s, %(due)s, %(deleted)s, %(failed)s, %(held)s, %(seal)s)

-- name: find_runs
SELECT run_id, started_at, ended_at, due, deleted, failed, held, seal FROM callguard.retention_run
WHERE tenant = %(tenant)s ORDER BY ended_at, run_id

-- name: last_run
SELECT run_id, started_at, ended_at, due, deleted, failed, held, seal FROM callguard.retention_run
WHERE tenant = %(tenant)s ORDER BY ended_at DESC, run_id DESC LIMIT 1

-- name: first_stored
SELECT min(created_at) AS at FROM callguard.artefact WHERE state = 'stored'

-- How long after its time each one went; a legal hold that stood over its time puts that off until the release.
-- name: tombstones
SELECT count(*) AS count,
    coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY late), 0)::float AS lag_p50,
    coalesce(percentile_disc(0.95) WITHIN GROUP (ORDER BY late), 0)::float AS lag_p95, coalesce(max(late), 0)::float AS lag_max
FROM (
    SELECT extract(epoch FROM t.deleted_at - greatest(t.expires_at, (
        SELECT max(h.released_at) FROM callguard.legal_hold h WHERE h.call_id = t.call_id AND h.released_at <= t.deleted_at
    ))) AS late
    FROM callguard.tombstone t
    WHERE t.tenant = %(tenant)s AND t.reason = %(over)s AND t.deleted_at > %(since)s AND t.deleted_at <= %(until)s
) each_one

-- name: count_other_tombstones
SELECT reason, count(*) AS count FROM callguard.tombstone
WHERE tenant = %(tenant)s AND reason <> %(over)s AND deleted_at > %(since)s AND deleted_at <= %(until)s GROUP BY reason ORDER BY reason

-- name: find_tombstones
SELECT artefact_id, kind::text, reason, expires_at, marked_at, deleted_at FROM callguard.tombstone
WHERE recording_id = %(recording_id)s ORDER BY deleted_at

-- name: place_hold
INSERT INTO callguard.legal_hold (hold_id, tenant, case_name, call_id, review_on, key_id, wrapped, sealed)
VALUES (%(hold_id)s, %(tenant)s, %(case_name)s, %(call_id)s, %(review_on)s, %(key_id)s, %(wrapped)s, %(sealed)s)
ON CONFLICT (case_name, call_id) WHERE released_at IS NULL DO NOTHING
RETURNING hold_id

-- name: release_hold
UPDATE callguard.legal_hold SET released_at = now(), release_sealed = %(release_sealed)s
WHERE hold_id = %(hold_id)s AND released_at IS NULL

-- name: closed
SELECT call_id, max(released_at) AS closed_at FROM callguard.legal_hold
WHERE tenant = %(tenant)s GROUP BY call_id HAVING bool_and(released_at IS NOT NULL)

-- name: find_holds
SELECT hold_id, case_name, call_id, placed_at, review_on, key_id, wrapped, sealed, released_at, release_sealed
FROM callguard.legal_hold
WHERE tenant = %(tenant)s AND (%(case_name)s::text IS NULL OR case_name = %(case_name)s)
    AND (%(released)s OR released_at IS NULL)
ORDER BY placed_at, hold_id
