"""Let a trimmed recording stay when its original goes: what is derived needs its parent while it is made."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

CHECK_ARTEFACT = """
CREATE OR REPLACE FUNCTION callguard.check_artefact() RETURNS trigger LANGUAGE plpgsql
SET search_path = callguard, pg_temp AS $$
DECLARE
    parent record;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.state < OLD.state OR TG_OP = 'UPDATE' AND OLD.state = 'deleted' THEN
        RAISE EXCEPTION 'artefact % does not come back from %', OLD.artefact_id, OLD.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state NOT IN ('writing', 'stored') AND (TG_OP = 'INSERT' OR OLD.state IN ('writing', 'stored')) THEN
        PERFORM pg_advisory_xact_lock(hashtext('hold ' || NEW.call_id));
        IF is_held(NEW.call_id) THEN
            RAISE EXCEPTION 'artefact % is under a legal hold', NEW.artefact_id USING ERRCODE = 'raise_exception';
        END IF;
    END IF;
    IF NEW.state IN ('shredded', 'deleted') AND EXISTS (SELECT FROM artefact_key WHERE key_id = NEW.key_id) THEN
        RAISE EXCEPTION 'the key of artefact % is still there', NEW.artefact_id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.parent_id IS NOT NULL AND NEW.state IN ('writing', 'stored') THEN
        SELECT expires_at, state INTO parent FROM artefact WHERE artefact_id = NEW.parent_id FOR SHARE;
        IF NEW.expires_at > parent.expires_at
            OR parent.state <> 'stored' AND (TG_OP = 'INSERT' OR OLD.state = 'writing') THEN
            RAISE EXCEPTION 'artefact % would outlive what it came from', NEW.artefact_id
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$
"""
BEFORE = CHECK_ARTEFACT.replace(
    """parent.expires_at
            OR parent.state <> 'stored' AND (TG_OP = 'INSERT' OR OLD.state = 'writing') THEN""",
    "parent.expires_at OR parent.state <> 'stored' THEN",
)


def upgrade() -> None:
    """The end stays bound by the parent's, whether that is still there or not."""
    op.execute(CHECK_ARTEFACT)


def downgrade() -> None:
    """What was trimmed in the place of its original cannot change its end any more."""
    op.execute(BEFORE)
