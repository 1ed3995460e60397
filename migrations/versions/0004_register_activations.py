"""Register activations: which policy and which rules were put into force, when, by whom and why.

One chain a tenant, without months: it is short, and calls of any month point at its versions. Author and reason are
sealed under a key in the month of the entry; the chain holds their digest, and proves without them.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ACTIVATION = """
CREATE TABLE callguard.activation (
    tenant text NOT NULL,
    seq integer NOT NULL CHECK (seq >= 1),
    at timestamptz NOT NULL,
    kind callguard.activation_kind NOT NULL,
    version text NOT NULL CHECK (version ~ '^[0-9a-f]{64}$'),
    previous text NOT NULL CHECK (previous = '' OR previous ~ '^[0-9a-f]{64}$'),
    key_id callguard.id NOT NULL,
    said_digest callguard.digest NOT NULL,
    sealed bytea NOT NULL,
    content jsonb NOT NULL,
    prev_hash callguard.digest NOT NULL,
    hash callguard.digest NOT NULL,
    PRIMARY KEY (tenant, seq)
)
"""

# Two who activate at once read the same head; the second one waits on the key of the first, and is refused.
CHECK_REGISTER = """
CREATE FUNCTION callguard.check_register() RETURNS trigger LANGUAGE plpgsql SET search_path = callguard, pg_temp AS $$
DECLARE
    genesis CONSTANT bytea := decode(repeat('00', 32), 'hex');
    head record;
BEGIN
    SELECT seq, hash INTO head FROM activation WHERE tenant = NEW.tenant ORDER BY seq DESC LIMIT 1;
    IF NEW.seq <= head.seq THEN
        PERFORM 1 FROM activation WHERE tenant = NEW.tenant AND seq = NEW.seq AND hash = NEW.hash;
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    IF NEW.seq <> coalesce(head.seq + 1, 1) OR NEW.prev_hash <> coalesce(head.hash, genesis) THEN
        RAISE EXCEPTION 'activation % does not continue the register', NEW.seq
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Add the table with its guards."""
    for statement in (
        "CREATE TYPE callguard.activation_kind AS ENUM ('policy', 'rules')",
        ACTIVATION,
        CHECK_REGISTER,
        "REVOKE ALL ON FUNCTION callguard.check_register() FROM PUBLIC",
        "CREATE TRIGGER chain BEFORE INSERT ON callguard.activation"
        " FOR EACH ROW EXECUTE FUNCTION callguard.check_register()",
        "CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON callguard.activation"
        " FOR EACH ROW EXECUTE FUNCTION callguard.refuse_change()",
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON callguard.activation"
        " FOR EACH STATEMENT EXECUTE FUNCTION callguard.refuse_change()",
        "GRANT SELECT, INSERT ON callguard.activation TO callguard_app",
    ):
        op.execute(statement)


def downgrade() -> None:
    """Remove it; who put which policy into force is gone, calls keep their own call type."""
    op.execute("DROP TABLE callguard.activation")
    op.execute("DROP FUNCTION callguard.check_register()")
    op.execute("DROP TYPE callguard.activation_kind")
