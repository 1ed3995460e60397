"""${message}"""

from __future__ import annotations

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do it."""
    ${upgrades if upgrades else "op.execute('')"}


def downgrade() -> None:
    """Undo it."""
    ${downgrades if downgrades else "op.execute('')"}
