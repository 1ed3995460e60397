"""Guard wrapped keys: only a rotation's own function replaces one, and what it replaced stays until the key goes.

The application's role must be able to rotate, and nobody can tell from a wrapped key whether it opens: so one that was
overwritten can always be brought back, whether a legal hold stands or not.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KEEP_KEY = """
CREATE OR REPLACE FUNCTION callguard.keep_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = callguard, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM artefact_key_former WHERE key_id = OLD.key_id;
    ELSE
        INSERT INTO artefact_key_former (key_id, kid, wrapped) VALUES (OLD.key_id, OLD.kid, OLD.wrapped);
    END IF;
    RETURN NULL;
END $$
"""
KEPT_BEFORE = """
CREATE OR REPLACE FUNCTION callguard.keep_key() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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

REWRAP = """
CREATE FUNCTION callguard.rewrap(wanted uuid, old_kid text, new_kid text, anew bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = callguard, pg_temp AS $$
BEGIN
    IF new_kid = old_kid THEN
        RAISE EXCEPTION 'key % is wrapped anew under another pair, or not at all', wanted
            USING ERRCODE = 'check_violation';
    END IF;
    UPDATE artefact_key SET kid = new_kid, wrapped = anew WHERE key_id = wanted AND kid = old_kid;
    RETURN FOUND;
END $$
"""
RENAMES = (("artefact_key_held", "artefact_key_former"), ("artefact_key_held_by_key", "artefact_key_former_by_key"))
"""A table and its index."""


def upgrade() -> None:
    """The application calls the function, and changes no key by itself."""
    (table, former), (index, by_former) = RENAMES
    op.execute(f"ALTER TABLE callguard.{table} RENAME TO {former}")
    op.execute(f"ALTER INDEX callguard.{index} RENAME TO {by_former}")
    op.execute(KEEP_KEY)
    op.execute(REWRAP)
    op.execute("REVOKE ALL ON FUNCTION callguard.rewrap(uuid, text, text, bytea) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION callguard.rewrap(uuid, text, text, bytea) TO callguard_app")
    op.execute("REVOKE UPDATE (kid, wrapped) ON callguard.artefact_key FROM callguard_app")


def downgrade() -> None:
    """As 0016 guarded it: what was replaced without a legal hold is forgotten from here on."""
    (table, former), (index, by_former) = RENAMES
    op.execute("GRANT UPDATE (kid, wrapped) ON callguard.artefact_key TO callguard_app")
    op.execute("DROP FUNCTION callguard.rewrap(uuid, text, text, bytea)")
    op.execute(f"ALTER INDEX callguard.{by_former} RENAME TO {index}")
    op.execute(f"ALTER TABLE callguard.{former} RENAME TO {table}")
    op.execute(KEPT_BEFORE)
