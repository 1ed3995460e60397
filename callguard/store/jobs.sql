-- Every statement about jobs that callguard_app runs beside those of the queue's library; see queries.sql.

-- name: find_jobs
SELECT j.id AS job_id, j.queue_name AS queue, j.task_name AS task, coalesce(j.args ->> 'recording_id', '') AS recording_id,
    j.status::text, j.attempts, j.scheduled_at, coalesce(f.reason, '') AS reason
FROM callguard_jobs.procrastinate_jobs j
LEFT JOIN LATERAL (SELECT reason FROM callguard.job_failure WHERE job_id = j.id ORDER BY at DESC LIMIT 1) f ON true
WHERE (%(job_id)s::bigint IS NULL OR j.id = %(job_id)s)
    AND (%(states)s::text[] IS NULL OR j.status::text = ANY (%(states)s))
ORDER BY j.id

-- name: job_failures
SELECT attempt, at, reason FROM callguard.job_failure WHERE job_id = %(job_id)s ORDER BY at

-- name: note_failure
INSERT INTO callguard.job_failure (job_id, attempt, reason) VALUES (%(job_id)s, %(attempt)s, %(reason)s)

-- Done anew with all its attempts before it, at once.
-- name: retry_jobs
UPDATE callguard_jobs.procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = now()
WHERE id = ANY (%(job_ids)s) AND status IN ('failed', 'todo')

-- Only where no such job is there already: one that failed waits for a human.
-- name: enqueue
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
    %(queue)s::text, %(task)s::text, 0, %(recording_id)s::text, NULL, jsonb_build_object('recording_id', %(recording_id)s::text), NULL
)]::procrastinate_job_to_defer_v1[])
WHERE NOT EXISTS (
    SELECT FROM procrastinate_jobs
    WHERE lock = %(recording_id)s AND task_name = %(task)s AND status IN ('todo', 'doing', 'failed')
)
