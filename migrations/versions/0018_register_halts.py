"""Register halts: that recording was halted, and that it was allowed again, are entries of the register."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the words."""
    for word in ("halt_placed", "halt_released"):
        op.execute(f"ALTER TYPE callguard.activation_kind ADD VALUE IF NOT EXISTS '{word}'")


def downgrade() -> None:
    """Leave them: Postgres takes no word out of an enum, and rows of evidence may hold them."""
