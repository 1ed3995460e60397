"""Name listeners, who hear a channel without being in a bridge with it; consent that never counted; roll calls."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

EVENTS = ("listening_started", "listening_ended", "consent_void", "roster_confirmed")


def upgrade() -> None:
    """Add the words."""
    for word in EVENTS:
        op.execute(f"ALTER TYPE callguard.event_type ADD VALUE IF NOT EXISTS '{word}'")


def downgrade() -> None:
    """Leave them: Postgres takes no word out of an enum, and rows of evidence may hold them."""
