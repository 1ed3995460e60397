"""Keep chain heads: a month whose retention is over can be dropped, and the last hash of each of its calls stays.

Only the owner may drop. The heads are what a later signature covers.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CHAIN_HEAD = """
CREATE TABLE callguard.chain_head (
    call_month callguard.month NOT NULL,
    call_id callguard.id NOT NULL,
    seq integer NOT NULL CHECK (seq >= 0),
    hash callguard.digest NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (call_month, call_id)
)
"""

# Referencing tables go before the tables that they reference.
DROP_MONTH = """
CREATE FUNCTION callguard.callguard_drop_month(wanted date) RETURNS bigint LANGUAGE plpgsql
SET search_path = callguard, pg_temp AS $$
DECLARE
    first date := date_trunc('month', wanted)::date;
    parent text;
    child text;
    heads bigint;
BEGIN
    INSERT INTO chain_head (call_month, call_id, seq, hash)
    SELECT DISTINCT ON (call_id) call_month, call_id, seq, hash FROM channel_event
    WHERE call_month = first ORDER BY call_id, seq DESC;
    GET DIAGNOSTICS heads = ROW_COUNT;
    FOREACH parent IN ARRAY ARRAY[
        'incident', 'recording', 'key', 'party', 'raw_event', 'decision', 'channel_event', 'call'
    ] LOOP
        child := parent || '_' || to_char(first, 'YYYYMM');
        EXECUTE format('ALTER TABLE callguard.%I DETACH PARTITION callguard.%I', parent, child);
        EXECUTE format('DROP TABLE callguard.%I', child);
    END LOOP;
    RETURN heads;
END $$
"""


def upgrade() -> None:
    """Add the table, its guards, and the function."""
    for statement in (
        CHAIN_HEAD,
        DROP_MONTH,
        "CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON callguard.chain_head"
        " FOR EACH ROW EXECUTE FUNCTION callguard.refuse_change()",
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON callguard.chain_head"
        " FOR EACH STATEMENT EXECUTE FUNCTION callguard.refuse_change()",
        "REVOKE ALL ON FUNCTION callguard.callguard_drop_month(date) FROM PUBLIC",
        "GRANT SELECT ON callguard.chain_head TO callguard_app",
    ):
        op.execute(statement)


def downgrade() -> None:
    """Remove both; the heads of dropped months are gone."""
    op.execute("DROP FUNCTION callguard.callguard_drop_month(date)")
    op.execute("DROP TABLE callguard.chain_head")
