"""Name segments: a side that a file misses, and the segment that takes over from it."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

EVENTS = ("leg_silent", "recording_continued")


def upgrade() -> None:
    """Add the words."""
    for word in EVENTS:
        op.execute(f"ALTER TYPE callguard.event_type ADD VALUE IF NOT EXISTS '{word}'")


def downgrade() -> None:
    """Leave them: Postgres takes no word out of an enum, and rows of evidence may hold them."""
