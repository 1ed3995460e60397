-- Every statement about deletions, holds and runs that callguard_app runs; see queries.sql.

-- name: mark
UPDATE callguard.artefact SET state = 'marked', reason = CASE state WHEN 'writing' THEN 'never stored' ELSE %(reason)s END,
    marked_at = %(at)s
WHERE artefact_id = %(artefact_id)s AND state IN ('writing', 'stored')

-- name: shredded
UPDATE callguard.artefact SET state = 'shredded' WHERE artefact_id = %(artefact_id)s AND state = 'marked'

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
