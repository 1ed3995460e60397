"""Register incidents: that one was closed, by whom and why, and those that belong to no call, are entries of the chain.

Recordings are found by their id: a file that nobody knows is told from one of ours by that.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the words and the index."""
    for word in ("incident_opened", "incident_closed"):
        op.execute(f"ALTER TYPE callguard.activation_kind ADD VALUE IF NOT EXISTS '{word}'")
    op.execute("CREATE INDEX recording_by_id ON callguard.recording (recording_id)")


def downgrade() -> None:
    """Remove the index. The words stay: entries may hold them, and nobody may take an entry out of its chain."""
    op.execute("DROP INDEX callguard.recording_by_id")
