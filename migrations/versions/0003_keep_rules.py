"""Keep rule packs: calls name the rules that they stood under, and these must be read as long as the calls are.

A recording names the verdict under which it was started.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RULE_PACK = """
CREATE TABLE callguard.rule_pack (
    version text PRIMARY KEY CHECK (version ~ '^[0-9a-f]{64}$'),
    content jsonb NOT NULL CHECK (content ->> 'version' = version),
    kept_at timestamptz NOT NULL DEFAULT now()
)
"""


def upgrade() -> None:
    """Add the table with its guards, and the column."""
    for statement in (
        RULE_PACK,
        "CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON callguard.rule_pack"
        " FOR EACH ROW EXECUTE FUNCTION callguard.refuse_change()",
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON callguard.rule_pack"
        " FOR EACH STATEMENT EXECUTE FUNCTION callguard.refuse_change()",
        "GRANT SELECT, INSERT ON callguard.rule_pack TO callguard_app",
        "ALTER TABLE callguard.recording ADD COLUMN preflight_id text NOT NULL DEFAULT ''",
    ):
        op.execute(statement)


def downgrade() -> None:
    """Remove both; calls whose rules were not the shipped ones cannot be replayed any more."""
    op.execute("ALTER TABLE callguard.recording DROP COLUMN preflight_id")
    op.execute("DROP TABLE callguard.rule_pack")
