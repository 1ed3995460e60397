"""Say why a job failed: each attempt that came to nothing, with its reason, as long as the job is there."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE callguard.job_failure (
    job_id bigint NOT NULL REFERENCES callguard_jobs.procrastinate_jobs ON DELETE CASCADE,
    attempt integer NOT NULL CHECK (attempt > 0),
    at timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL CHECK (reason <> '')
)
"""


def upgrade() -> None:
    """Whoever works writes it down."""
    op.execute(TABLE)
    op.execute("CREATE INDEX job_failure_by_job ON callguard.job_failure (job_id)")
    op.execute("GRANT SELECT, INSERT ON callguard.job_failure TO callguard_app")


def downgrade() -> None:
    """Reasons are lost, jobs are not."""
    op.execute("DROP TABLE callguard.job_failure")
