"""Name pauses: what began and ended one, sound that went with it, and the sealed words of who ended it.

Such words lie where a party's values do, under a key of their own; their role is `operator`.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

EVENTS = ("pause_signalled", "pause_started", "pause_ended", "recording_blanked")


def upgrade() -> None:
    """Add the words."""
    for word in EVENTS:
        op.execute(f"ALTER TYPE callguard.event_type ADD VALUE IF NOT EXISTS '{word}'")
    op.execute("ALTER TYPE callguard.party_role ADD VALUE IF NOT EXISTS 'operator'")


def downgrade() -> None:
    """Leave them: Postgres takes no word out of an enum, and rows of evidence may hold them."""
