"""Tell what was made of what: both hashes, the settings, and what became of the original, as rows that only grow."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TYPES = "made original_held original_shredded".split()

TABLE = """
CREATE TABLE callguard.artefact_event (
    artefact_id callguard.id NOT NULL,
    type callguard.artefact_event_type NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    tenant text NOT NULL,
    call_month callguard.month NOT NULL,
    call_id callguard.id NOT NULL,
    recording_id callguard.id NOT NULL,
    kind callguard.artefact_kind NOT NULL,
    parent_id callguard.id NOT NULL,
    parent_sha256 callguard.digest NOT NULL,
    sha256 callguard.digest NOT NULL,
    data jsonb NOT NULL,
    PRIMARY KEY (artefact_id, type)
)
"""

# An event says of two artefacts what their rows say, and that an original is gone only once its key is.
CHECK = """
CREATE FUNCTION callguard.check_artefact_event() RETURNS trigger LANGUAGE plpgsql
SET search_path = callguard, pg_temp AS $$
DECLARE
    known boolean;
BEGIN
    SELECT c.plain_sha256 = NEW.sha256 AND p.plain_sha256 = NEW.parent_sha256 AND c.kind = NEW.kind
        AND (c.tenant, c.call_month, c.call_id, c.recording_id, c.parent_id)
            = (NEW.tenant, NEW.call_month, NEW.call_id, NEW.recording_id, NEW.parent_id)
        AND p.state::text = ANY (CASE NEW.type WHEN 'original_shredded' THEN ARRAY['shredded', 'deleted']
            ELSE ARRAY['stored', 'marked'] END)
    INTO known
    FROM artefact c JOIN artefact p ON p.artefact_id = c.parent_id WHERE c.artefact_id = NEW.artefact_id;
    IF known IS NOT TRUE THEN
        RAISE EXCEPTION 'what is told of artefact % is not what is stored', NEW.artefact_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""

STATEMENTS = (
    f"CREATE TYPE callguard.artefact_event_type AS ENUM ({', '.join(repr(word) for word in TYPES)})",
    TABLE,
    "CREATE INDEX artefact_event_by_recording ON callguard.artefact_event (recording_id)",
    CHECK,
    "REVOKE ALL ON FUNCTION callguard.check_artefact_event() FROM PUBLIC",
    "GRANT SELECT, INSERT ON callguard.artefact_event TO callguard_app",
    "CREATE TRIGGER bounds BEFORE INSERT ON callguard.artefact_event"
    " FOR EACH ROW EXECUTE FUNCTION callguard.check_artefact_event()",
    "CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON callguard.artefact_event"
    " FOR EACH ROW EXECUTE FUNCTION callguard.refuse_change()",
    "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON callguard.artefact_event"
    " FOR EACH STATEMENT EXECUTE FUNCTION callguard.refuse_change()",
)


def upgrade() -> None:
    """What was made before this is not told: its settings stand behind its sound."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them: the artefacts' own rows hold the hashes."""
    op.execute("DROP TABLE callguard.artefact_event")
    op.execute("DROP FUNCTION callguard.check_artefact_event()")
    op.execute("DROP TYPE callguard.artefact_event_type")
