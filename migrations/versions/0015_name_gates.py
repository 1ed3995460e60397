"""Name who waits at the gate of a call."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the word."""
    op.execute("ALTER TYPE callguard.event_type ADD VALUE IF NOT EXISTS 'channel_entered'")


def downgrade() -> None:
    """Leave it: Postgres takes no word out of an enum, and rows of evidence may hold it."""
