"""Remember answers: what a caller said to a call type, under the search code of its number, until it expires.

No evidence: it may be changed and deleted, and goes with the key of the party that it belongs to.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ANSWER = """
CREATE TABLE callguard.answer (
    tenant text NOT NULL,
    search_hmac callguard.digest NOT NULL,
    call_type text NOT NULL,
    answer callguard.remembered NOT NULL,
    at timestamptz NOT NULL,
    until timestamptz NOT NULL CHECK (until > at),
    call_id callguard.id NOT NULL,
    PRIMARY KEY (tenant, search_hmac, call_type)
)
"""

FORGET_PARTY = """
CREATE OR REPLACE FUNCTION callguard.forget_party() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = callguard, pg_temp AS $$
BEGIN{before}
    UPDATE party SET sealed = NULL, search_hmac = NULL WHERE call_month = OLD.call_month AND key_id = OLD.key_id;
    RETURN OLD;
END $$
"""

# The search code is gone from `party` afterwards: what it finds in `answer` goes first.
FORGET_ANSWERS = """
    DELETE FROM answer USING party, call
    WHERE party.call_month = OLD.call_month AND party.key_id = OLD.key_id
        AND call.call_month = party.call_month AND call.call_id = party.call_id
        AND answer.tenant = call.tenant AND answer.search_hmac = party.search_hmac;"""


def upgrade() -> None:
    """Add the table, and let erasure reach it."""
    for statement in (
        "CREATE TYPE callguard.remembered AS ENUM ('refused', 'granted')",
        ANSWER,
        "GRANT SELECT, INSERT, UPDATE, DELETE ON callguard.answer TO callguard_app",
        FORGET_PARTY.format(before=FORGET_ANSWERS),
    ):
        op.execute(statement)


def downgrade() -> None:
    """Remove it: everybody is asked again."""
    op.execute(FORGET_PARTY.format(before=""))
    op.execute("DROP TABLE callguard.answer")
    op.execute("DROP TYPE callguard.remembered")
