"""Bound recordings: no call may be recorded without a purpose of the closed list, and no recording is kept for ever.

Calls that are there already are not looked at again: what they lack is evidence too.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# A head without a mode is one that asks.
PURPOSE = """
CREATE FUNCTION callguard.has_purpose(policy jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = callguard, pg_temp AS $$
    SELECT coalesce(policy ->> 'purpose', '') IN
        ('qa', 'training', 'dispute', 'compliance', 'order_evidence', 'safety', 'investigation')
$$
"""
CALL = """
ALTER TABLE callguard.call ADD CONSTRAINT recorded_for_a_purpose CHECK (
    callguard.has_purpose(policy)
    OR coalesce(policy ->> 'mode', '') = 'never' AND coalesce(policy ->> 'internal', 'never') = 'never'
) NOT VALID
"""
RECORDING = """
ALTER TABLE callguard.recording ADD CONSTRAINT kept_for_a_time CHECK (isfinite(expires_at)) NOT VALID
"""

# What a recording may be hangs on its call, which a CHECK cannot see.
CHECK_RECORDING = """
CREATE FUNCTION callguard.check_recording() RETURNS trigger LANGUAGE plpgsql SET search_path = callguard, pg_temp AS $$
DECLARE
    head record;
BEGIN
    SELECT started_at, has_purpose(policy) AS purpose INTO head FROM call
    WHERE call_month = NEW.call_month AND call_id = NEW.call_id;
    IF NEW.expires_at <= head.started_at THEN
        RAISE EXCEPTION 'recording % expires before its call began', NEW.recording_id
            USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'INSERT' AND NOT head.purpose THEN
        RAISE EXCEPTION 'recording % has no purpose', NEW.recording_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Add the constraints and the trigger."""
    for statement in (
        PURPOSE,
        CALL,
        RECORDING,
        CHECK_RECORDING,
        "REVOKE ALL ON FUNCTION callguard.has_purpose(jsonb), callguard.check_recording() FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION callguard.has_purpose(jsonb) TO callguard_app",
        "CREATE TRIGGER bounds BEFORE INSERT OR UPDATE ON callguard.recording"
        " FOR EACH ROW EXECUTE FUNCTION callguard.check_recording()",
    ):
        op.execute(statement)


def downgrade() -> None:
    """Remove them."""
    op.execute("DROP TRIGGER bounds ON callguard.recording")
    op.execute("DROP FUNCTION callguard.check_recording()")
    op.execute("ALTER TABLE callguard.recording DROP CONSTRAINT kept_for_a_time")
    op.execute("ALTER TABLE callguard.call DROP CONSTRAINT recorded_for_a_purpose")
    op.execute("DROP FUNCTION callguard.has_purpose(jsonb)")
