"""Keep artefacts: what is in the vault, under which key, until when; legal holds; what was deleted; and the job queue.

These tables have no months: an artefact outlives no policy, but may outlive the month of its call. A recording that
ended enqueues its own ingest, in the transaction that says so.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ENUMS = {
    "artefact_kind": "audio trimmed redacted transcript summary tags".split(),
    "artefact_state": "writing stored marked shredded deleted".split(),
}

TABLES = """
CREATE TABLE callguard.artefact (
    artefact_id callguard.id PRIMARY KEY,
    tenant text NOT NULL,
    pbx_id text NOT NULL,
    call_month callguard.month NOT NULL,
    call_id callguard.id NOT NULL,
    recording_id callguard.id NOT NULL,
    segment_no integer NOT NULL CHECK (segment_no >= 0),
    part text NOT NULL CHECK (part IN ('whole', 'left', 'right')),
    kind callguard.artefact_kind NOT NULL,
    parent_id callguard.id REFERENCES callguard.artefact,
    call_type text NOT NULL,
    purpose text NOT NULL CHECK (purpose <> ''),
    state callguard.artefact_state NOT NULL,
    object text NOT NULL UNIQUE CHECK (object ~ '^[0-9a-f]{32}[.]cgv$'),
    key_id uuid NOT NULL UNIQUE,
    size bigint CHECK (size > 0),
    sha256 callguard.digest,
    plain_size bigint CHECK (plain_size >= 0),
    plain_sha256 callguard.digest,
    began_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    promised_until timestamptz NOT NULL CHECK (isfinite(promised_until) AND promised_until > began_at),
    expires_at timestamptz NOT NULL CHECK (isfinite(expires_at)),
    reason text NOT NULL DEFAULT '',
    marked_at timestamptz,
    CONSTRAINT derived_from_another CHECK ((kind = 'audio') = (parent_id IS NULL)),
    CONSTRAINT measured CHECK (
        state = 'writing'
        OR size IS NOT NULL AND sha256 IS NOT NULL AND plain_size IS NOT NULL AND plain_sha256 IS NOT NULL
        OR reason = 'never stored'
    ),
    CONSTRAINT marked_for_a_reason CHECK ((state IN ('writing', 'stored')) = (marked_at IS NULL)
        AND (marked_at IS NULL OR reason <> ''))
);

CREATE TABLE callguard.artefact_key (
    key_id uuid PRIMARY KEY,
    kid text NOT NULL CHECK (kid ~ '^[0-9a-f]{16}$'),
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE callguard.tombstone (
    artefact_id callguard.id PRIMARY KEY,
    tenant text NOT NULL,
    call_id callguard.id NOT NULL,
    recording_id callguard.id NOT NULL,
    kind callguard.artefact_kind NOT NULL,
    object text NOT NULL,
    sha256 callguard.digest,
    plain_sha256 callguard.digest,
    reason text NOT NULL CHECK (reason <> ''),
    expires_at timestamptz NOT NULL,
    marked_at timestamptz NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE callguard.legal_hold (
    hold_id callguard.id PRIMARY KEY,
    tenant text NOT NULL,
    case_name text NOT NULL CHECK (case_name ~ '^[A-Za-z0-9._-]{1,64}$'),
    call_id callguard.id NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now(),
    review_on date NOT NULL,
    key_id callguard.id NOT NULL,
    wrapped bytea NOT NULL,
    sealed bytea NOT NULL,
    released_at timestamptz,
    release_sealed bytea,
    CONSTRAINT released_with_a_reason CHECK ((released_at IS NULL) = (release_sealed IS NULL))
);

CREATE TABLE callguard.retention_run (
    run_id callguard.id PRIMARY KEY,
    tenant text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL CHECK (ended_at >= started_at),
    due bigint NOT NULL CHECK (due >= 0),
    deleted bigint NOT NULL CHECK (deleted >= 0),
    failed bigint NOT NULL CHECK (failed >= 0),
    held bigint NOT NULL CHECK (held >= 0),
    seal bytea NOT NULL,
    CONSTRAINT adds_up CHECK (due = deleted + failed + held)
);

CREATE UNIQUE INDEX artefact_original ON callguard.artefact (recording_id, segment_no, part) WHERE parent_id IS NULL;
CREATE INDEX artefact_by_expiry ON callguard.artefact (expires_at) WHERE state = 'stored';
CREATE INDEX artefact_going ON callguard.artefact (state) WHERE state IN ('writing', 'marked', 'shredded');
CREATE INDEX artefact_by_parent ON callguard.artefact (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX artefact_by_call ON callguard.artefact (call_id);
CREATE INDEX artefact_key_by_kid ON callguard.artefact_key (kid);
CREATE UNIQUE INDEX legal_hold_live ON callguard.legal_hold (case_name, call_id) WHERE released_at IS NULL;
CREATE INDEX legal_hold_by_call ON callguard.legal_hold (call_id) WHERE released_at IS NULL;
CREATE INDEX tombstone_by_recording ON callguard.tombstone (recording_id);
CREATE INDEX retention_run_by_end ON callguard.retention_run (tenant, ended_at)
"""

IS_HELD = """
CREATE FUNCTION callguard.is_held(wanted text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = callguard, pg_temp AS $$
    SELECT EXISTS (SELECT FROM legal_hold WHERE call_id = wanted AND released_at IS NULL)
$$
"""

# A hold that is being placed and a deletion that is being marked wait for one another on the call's own lock.
CHECK_ARTEFACT = """
CREATE FUNCTION callguard.check_artefact() RETURNS trigger LANGUAGE plpgsql SET search_path = callguard, pg_temp AS $$
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
        IF NEW.expires_at > parent.expires_at OR parent.state <> 'stored' THEN
            RAISE EXCEPTION 'artefact % would outlive what it came from', NEW.artefact_id
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$
"""

# What was derived never outlives its parent, whoever shortens that.
SHORTEN_DERIVED = """
CREATE FUNCTION callguard.shorten_derived() RETURNS trigger LANGUAGE plpgsql SET search_path = callguard, pg_temp AS $$
BEGIN
    UPDATE artefact SET expires_at = NEW.expires_at
    WHERE parent_id = NEW.artefact_id AND expires_at > NEW.expires_at AND state IN ('writing', 'stored');
    RETURN NEW;
END $$
"""

CHECK_KEY = """
CREATE FUNCTION callguard.check_artefact_key() RETURNS trigger LANGUAGE plpgsql
SET search_path = callguard, pg_temp AS $$
DECLARE
    owned record;
BEGIN
    SELECT artefact_id, call_id, state INTO owned FROM artefact WHERE key_id = OLD.key_id;
    IF owned.state = 'stored' THEN
        RAISE EXCEPTION 'the key of artefact % goes with it, not before', owned.artefact_id
            USING ERRCODE = 'check_violation';
    END IF;
    IF owned.state IS NOT NULL AND owned.state <> 'writing' AND is_held(owned.call_id) THEN
        RAISE EXCEPTION 'artefact % is under a legal hold', owned.artefact_id USING ERRCODE = 'raise_exception';
    END IF;
    RETURN OLD;
END $$
"""

CHECK_HOLD = """
CREATE FUNCTION callguard.check_hold() RETURNS trigger LANGUAGE plpgsql SET search_path = callguard, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.released_at IS NOT NULL THEN
            RAISE EXCEPTION 'hold % was released before', OLD.hold_id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('hold ' || NEW.call_id));
    RETURN NEW;
END $$
"""

# A legal hold keeps the month's log too.
KEEP_HELD = """
CREATE FUNCTION callguard.keep_held() RETURNS trigger LANGUAGE plpgsql SET search_path = callguard, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM legal_hold h JOIN call c USING (call_id) WHERE c.call_month = NEW.call_month
            AND h.released_at IS NULL
    ) THEN
        RAISE EXCEPTION 'a call of this month is under a legal hold' USING ERRCODE = 'raise_exception';
    END IF;
    RETURN NEW;
END $$
"""

ENQUEUE = """
CREATE FUNCTION callguard.enqueue_ended() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = callguard_jobs, callguard, pg_temp AS $$
DECLARE
    place text;
    task text := CASE WHEN NEW.state = 'discarded' THEN 'discard' ELSE 'ingest' END;
BEGIN
    IF NEW.state NOT IN ('verified', 'damaged', 'discarded') OR TG_OP = 'UPDATE' AND NEW.state = OLD.state THEN
        RETURN NEW;
    END IF;
    SELECT pbx_id INTO place FROM call WHERE call_month = NEW.call_month AND call_id = NEW.call_id;
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        CASE task WHEN 'ingest' THEN 'pbx.' || place ELSE 'vault' END, task, 0, NEW.recording_id::text, NULL,
        jsonb_build_object('recording_id', NEW.recording_id, 'segment_no', NEW.segment_no), NULL
    )]::procrastinate_job_to_defer_v1[]);
    RETURN NEW;
END $$
"""

TRIGGERS = (
    "CREATE TRIGGER bounds BEFORE INSERT OR UPDATE ON callguard.artefact"
    " FOR EACH ROW EXECUTE FUNCTION callguard.check_artefact()",
    "CREATE TRIGGER derived AFTER UPDATE OF expires_at ON callguard.artefact"
    " FOR EACH ROW EXECUTE FUNCTION callguard.shorten_derived()",
    "CREATE TRIGGER bounds BEFORE DELETE ON callguard.artefact_key"
    " FOR EACH ROW EXECUTE FUNCTION callguard.check_artefact_key()",
    "CREATE TRIGGER bounds BEFORE INSERT OR UPDATE ON callguard.legal_hold"
    " FOR EACH ROW EXECUTE FUNCTION callguard.check_hold()",
    "CREATE TRIGGER held BEFORE INSERT ON callguard.chain_head FOR EACH ROW EXECUTE FUNCTION callguard.keep_held()",
    "CREATE TRIGGER ended AFTER INSERT OR UPDATE OF state ON callguard.recording"
    " FOR EACH ROW EXECUTE FUNCTION callguard.enqueue_ended()",
    "CREATE TRIGGER no_delete BEFORE DELETE ON callguard.artefact"
    " FOR EACH ROW EXECUTE FUNCTION callguard.refuse_change()",
    "CREATE TRIGGER no_delete BEFORE DELETE ON callguard.legal_hold"
    " FOR EACH ROW EXECUTE FUNCTION callguard.refuse_change()",
    *(
        f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON callguard.{table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION callguard.refuse_change()"
        for table in ("artefact", "artefact_key", "legal_hold", "tombstone", "retention_run")
    ),
    *(
        f"CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON callguard.{table}"
        " FOR EACH ROW EXECUTE FUNCTION callguard.refuse_change()"
        for table in ("tombstone", "retention_run")
    ),
)

GRANTS = (
    "REVOKE ALL ON FUNCTION callguard.is_held(text), callguard.check_artefact(), callguard.shorten_derived(),"
    " callguard.check_artefact_key(), callguard.check_hold(), callguard.keep_held(), callguard.enqueue_ended()"
    " FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION callguard.is_held(text) TO callguard_app",
    "GRANT SELECT, INSERT ON callguard.artefact, callguard.artefact_key, callguard.tombstone, callguard.legal_hold,"
    " callguard.retention_run TO callguard_app",
    "GRANT UPDATE (state, object, key_id, size, sha256, plain_size, plain_sha256, expires_at, reason, marked_at)"
    " ON callguard.artefact TO callguard_app",
    "GRANT UPDATE (kid, wrapped), DELETE ON callguard.artefact_key TO callguard_app",
    "GRANT UPDATE (released_at, release_sealed) ON callguard.legal_hold TO callguard_app",
)
JOB_GRANTS = (
    "GRANT USAGE ON SCHEMA callguard_jobs TO callguard_app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA callguard_jobs TO callguard_app",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA callguard_jobs TO callguard_app",
    "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA callguard_jobs FROM PUBLIC",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA callguard_jobs TO callguard_app",
)
TABLE_NAMES = ("retention_run", "legal_hold", "tombstone", "artefact_key", "artefact")
FUNCTIONS = (
    "enqueue_ended()",
    "keep_held()",
    "check_hold()",
    "check_artefact_key()",
    "shorten_derived()",
    "check_artefact()",
    "is_held(text)",
)


def upgrade() -> None:
    """The queue first: a recording's end goes into it."""
    before = op.get_bind().exec_driver_sql("SHOW search_path").scalar_one()
    op.execute("CREATE SCHEMA callguard_jobs")
    op.execute("SET LOCAL search_path = callguard_jobs")
    op.execute((Path(__file__).parent.parent / "procrastinate.sql").read_text("utf-8"))
    op.execute(f"SET LOCAL search_path = {before}")
    for name, words in ENUMS.items():
        op.execute(f"CREATE TYPE callguard.{name} AS ENUM ({', '.join(repr(word) for word in words)})")
    for statement in TABLES.split(";"):
        op.execute(statement)
    functions = (IS_HELD, CHECK_ARTEFACT, SHORTEN_DERIVED, CHECK_KEY, CHECK_HOLD, KEEP_HELD, ENQUEUE)
    for statement in (*functions, *TRIGGERS, *GRANTS, *JOB_GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Drop all of it: without its wrapped keys nothing in the vault opens again."""
    op.execute("DROP TRIGGER ended ON callguard.recording")
    op.execute("DROP TRIGGER held ON callguard.chain_head")
    for table in TABLE_NAMES:
        op.execute(f"DROP TABLE callguard.{table}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION callguard.{function}")
    for enum in ENUMS:
        op.execute(f"DROP TYPE callguard.{enum}")
    op.execute("DROP SCHEMA callguard_jobs CASCADE")
