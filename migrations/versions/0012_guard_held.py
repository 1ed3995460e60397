"""Guard what a legal hold keeps: what is stored keeps its name, key and hashes; a wrapped key that is replaced while a
hold stands is kept beside the new one until the key goes. Runs are counted by tombstones: these can be found by time.
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE callguard.artefact_key_held (
    key_id uuid NOT NULL,
    kid text NOT NULL,
    wrapped bytea NOT NULL,
    replaced_at timestamptz NOT NULL DEFAULT now()
)
"""

KEEP_STORED = """
CREATE FUNCTION callguard.keep_stored() RETURNS trigger LANGUAGE plpgsql SET search_path = callguard, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'artefact % is stored as it is', OLD.artefact_id USING ERRCODE = 'check_violation';
END $$
"""

KEEP_KEY = """
CREATE FUNCTION callguard.keep_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = callguard, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM artefact_key_held WHERE key_id = OLD.key_id;
    ELSIF EXISTS (SELECT FROM artefact WHERE key_id = OLD.key_id AND is_held(call_id)) THEN
        INSERT INTO artefact_key_held (key_id, kid, wrapped) VALUES (OLD.key_id, OLD.kid, OLD.wrapped);
    END IF;
    RETURN NULL;
END $$
"""

MEASURES = ("object", "key_id", "size", "sha256", "plain_size", "plain_sha256")
SAME = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in MEASURES)

STATEMENTS = (
    TABLE,
    "CREATE INDEX artefact_key_held_by_key ON callguard.artefact_key_held (key_id)",
    "CREATE INDEX tombstone_by_time ON callguard.tombstone (tenant, deleted_at)",
    KEEP_STORED,
    KEEP_KEY,
    "REVOKE ALL ON FUNCTION callguard.keep_stored(), callguard.keep_key() FROM PUBLIC",
    "GRANT SELECT ON callguard.artefact_key_held TO callguard_app",
    "CREATE TRIGGER as_stored BEFORE UPDATE ON callguard.artefact"
    f" FOR EACH ROW WHEN (OLD.state <> 'writing' AND ({SAME})) EXECUTE FUNCTION callguard.keep_stored()",
    "CREATE TRIGGER replaced AFTER UPDATE OR DELETE ON callguard.artefact_key"
    " FOR EACH ROW EXECUTE FUNCTION callguard.keep_key()",
)


def upgrade() -> None:
    """The application can read what was kept, and cannot change it."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """As 0011 guarded it."""
    op.execute("DROP TRIGGER as_stored ON callguard.artefact")
    op.execute("DROP TRIGGER replaced ON callguard.artefact_key")
    op.execute("DROP FUNCTION callguard.keep_stored(), callguard.keep_key()")
    op.execute("DROP INDEX callguard.tombstone_by_time")
    op.execute("DROP TABLE callguard.artefact_key_held")
