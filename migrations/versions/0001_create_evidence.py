"""Create the evidence: calls, chained events, decisions, parties, keys, recordings and incidents.

Everything lives in the schema "callguard", owned by callguard_owner. callguard_app may insert, not rewrite; triggers
stop the owner too. Rows of a call stay in the partition of the month of its start, which is part of every key.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

EVENT_TYPES = """
    call_started channel_seen channel_answered channel_left channel_held channel_unheld channel_hung_up
    bridged unbridged party_identified rule_resolved rule_reevaluated
    notice_started notice_ended notice_failed digit_pressed
    consent_granted consent_refused consent_silent consent_withdrawn
    recording_requested recording_acknowledged recording_opened recording_growing
    mask_requested mask_acknowledged mask_observed unmask_requested unmask_acknowledged unmask_observed
    stop_requested stop_acknowledged stop_observed
    recording_discarded recording_verified recording_damaged recording_lost rogue_recording_seen
    call_merged link_lost link_restored deadline_passed effect_failed unexpected operator_acted
    incident_opened incident_closed
""".split()
ENUMS = {
    "event_type": EVENT_TYPES,
    "direction": ["inbound", "outbound", "internal"],
    "party_role": ["far", "agent", "guest", "plumbing"],
    "recording_state": (
        "requested acknowledged opened growing masked stopping stopped verified damaged lost discarded".split()
    ),
}

DOMAINS = """
    CREATE DOMAIN callguard.id AS text CHECK (VALUE ~ '^[A-Za-z0-9_-]{1,64}$');
    CREATE DOMAIN callguard.digest AS bytea CHECK (octet_length(VALUE) = 32);
    CREATE DOMAIN callguard.month AS date CHECK (extract(day FROM VALUE) = 1)
"""

TABLES = """
CREATE TABLE callguard.call (
    call_month callguard.month NOT NULL,
    call_id callguard.id NOT NULL,
    tenant text NOT NULL,
    pbx_id text NOT NULL,
    linked_id text NOT NULL,
    direction callguard.direction NOT NULL,
    call_type text NOT NULL,
    policy_version text NOT NULL,
    rule_pack text NOT NULL,
    policy jsonb NOT NULL CHECK (jsonb_typeof(policy) = 'object'),
    started_at timestamptz NOT NULL,
    PRIMARY KEY (call_month, call_id),
    CONSTRAINT starts_in_its_month CHECK (call_month = date_trunc('month', started_at AT TIME ZONE 'UTC')::date)
) PARTITION BY RANGE (call_month);

CREATE TABLE callguard.channel_event (
    call_month callguard.month NOT NULL,
    call_id callguard.id NOT NULL,
    seq integer NOT NULL CHECK (seq >= 0),
    event_id text NOT NULL,
    channel_id text NOT NULL,
    type callguard.event_type NOT NULL,
    derived boolean NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    monotonic_ns bigint NOT NULL CHECK (monotonic_ns >= 0),
    clock_sync boolean NOT NULL,
    offset_samples bigint CHECK (offset_samples >= -1),
    data jsonb NOT NULL CHECK (jsonb_typeof(data) = 'object'),
    dedup text NOT NULL,
    prev_hash callguard.digest NOT NULL,
    hash callguard.digest NOT NULL,
    PRIMARY KEY (call_month, call_id, seq),
    FOREIGN KEY (call_month, call_id) REFERENCES callguard.call
) PARTITION BY RANGE (call_month);

CREATE TABLE callguard.decision (
    call_month callguard.month NOT NULL,
    call_id callguard.id NOT NULL,
    seq integer NOT NULL CHECK (seq >= 0),
    event_seq integer NOT NULL,
    state jsonb,
    effects jsonb,
    reasons jsonb,
    extra jsonb NOT NULL,
    PRIMARY KEY (call_month, call_id, seq),
    UNIQUE (call_month, call_id, event_seq),
    FOREIGN KEY (call_month, call_id, event_seq) REFERENCES callguard.channel_event
) PARTITION BY RANGE (call_month);

CREATE TABLE callguard.raw_event (
    call_month callguard.month NOT NULL,
    call_id callguard.id NOT NULL,
    seq integer NOT NULL CHECK (seq >= 0),
    key_id callguard.id NOT NULL,
    sealed bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (call_month, call_id, seq),
    FOREIGN KEY (call_month, call_id) REFERENCES callguard.call
) PARTITION BY RANGE (call_month);

CREATE TABLE callguard.party (
    call_month callguard.month NOT NULL,
    call_id callguard.id NOT NULL,
    party_id callguard.id NOT NULL,
    channel_id text NOT NULL,
    role callguard.party_role NOT NULL,
    key_id callguard.id NOT NULL,
    sealed bytea,
    search_hmac callguard.digest,
    PRIMARY KEY (call_month, call_id, party_id),
    FOREIGN KEY (call_month, call_id) REFERENCES callguard.call
) PARTITION BY RANGE (call_month);

CREATE TABLE callguard.key (
    call_month callguard.month NOT NULL,
    key_id callguard.id NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (call_month, key_id)
) PARTITION BY RANGE (call_month);

CREATE TABLE callguard.recording (
    call_month callguard.month NOT NULL,
    call_id callguard.id NOT NULL,
    recording_id callguard.id NOT NULL,
    segment_no integer NOT NULL CHECK (segment_no >= 0),
    state callguard.recording_state NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (call_month, recording_id, segment_no),
    FOREIGN KEY (call_month, call_id) REFERENCES callguard.call
) PARTITION BY RANGE (call_month);

CREATE TABLE callguard.incident (
    call_month callguard.month NOT NULL,
    incident_id callguard.id NOT NULL,
    call_id text NOT NULL,
    kind text NOT NULL CHECK (kind <> ''),
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (call_month, incident_id)
) PARTITION BY RANGE (call_month);

CREATE INDEX call_by_id ON callguard.call (call_id);
CREATE INDEX call_by_linked_id ON callguard.call (linked_id);
CREATE INDEX call_by_start ON callguard.call (started_at);
CREATE INDEX channel_event_by_channel ON callguard.channel_event (channel_id, call_id);
CREATE INDEX party_by_key ON callguard.party (key_id);
CREATE INDEX party_by_hmac ON callguard.party (search_hmac) WHERE search_hmac IS NOT NULL;
CREATE INDEX recording_by_call ON callguard.recording (call_id);
CREATE INDEX recording_by_expiry ON callguard.recording (expires_at);
CREATE INDEX incident_open ON callguard.incident (opened_at) WHERE closed_at IS NULL;
CREATE INDEX incident_by_call ON callguard.incident (call_id)
"""

REFUSE_CHANGE = """
CREATE FUNCTION callguard.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = callguard, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% on % refused: evidence only ever grows', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""

# A row that is there already, with the same hash, is skipped: a batch may come twice. Anything else that does not
# continue the chain is refused, whoever writes.
CHECK_CHAIN = """
CREATE FUNCTION callguard.check_chain() RETURNS trigger LANGUAGE plpgsql SET search_path = callguard, pg_temp AS $$
DECLARE
    genesis CONSTANT bytea := decode(repeat('00', 32), 'hex');
    head record;
BEGIN
    SELECT seq, hash INTO head FROM channel_event
    WHERE call_month = NEW.call_month AND call_id = NEW.call_id ORDER BY seq DESC LIMIT 1;
    IF NEW.seq <= head.seq THEN
        PERFORM 1 FROM channel_event
        WHERE call_month = NEW.call_month AND call_id = NEW.call_id AND seq = NEW.seq AND hash = NEW.hash;
        IF FOUND THEN
            RETURN NULL;
        END IF;
        RAISE EXCEPTION 'call % has another row % already', NEW.call_id, NEW.seq
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.seq <> coalesce(head.seq + 1, 1) OR NEW.prev_hash <> coalesce(head.hash, genesis) THEN
        RAISE EXCEPTION 'row % does not continue the chain of call %', NEW.seq, NEW.call_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""

# Destroying a key is erasure: whatever could find or identify the party goes with it.
FORGET_PARTY = """
CREATE FUNCTION callguard.forget_party() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = callguard, pg_temp AS $$
BEGIN
    UPDATE party SET sealed = NULL, search_hmac = NULL WHERE call_month = OLD.call_month AND key_id = OLD.key_id;
    RETURN OLD;
END $$
"""

ENSURE_MONTH = """
CREATE FUNCTION callguard.callguard_ensure_month(wanted date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = callguard, pg_temp AS $$
DECLARE
    first date := date_trunc('month', wanted)::date;
    parent text;
    child text;
BEGIN
    IF to_regclass(format('callguard.%I', 'incident_' || to_char(first, 'YYYYMM'))) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('callguard_ensure_month'));
    FOREACH parent IN ARRAY ARRAY[
        'call', 'channel_event', 'decision', 'raw_event', 'party', 'key', 'recording', 'incident'
    ] LOOP
        child := parent || '_' || to_char(first, 'YYYYMM');
        CONTINUE WHEN to_regclass(format('callguard.%I', child)) IS NOT NULL;
        EXECUTE format('CREATE TABLE callguard.%I PARTITION OF callguard.%I FOR VALUES FROM (%L) TO (%L)',
                       child, parent, first, (first + interval '1 month')::date);
        IF parent IN ('call', 'channel_event', 'decision', 'raw_event') THEN
            EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON callguard.%I'
                           ' FOR EACH STATEMENT EXECUTE FUNCTION callguard.refuse_change()', child);
        END IF;
    END LOOP;
END $$
"""

TRIGGERS = [
    statement
    for table in ("call", "channel_event", "decision", "raw_event")
    for statement in (
        f"CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON callguard.{table}"
        " FOR EACH ROW EXECUTE FUNCTION callguard.refuse_change()",
        f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON callguard.{table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION callguard.refuse_change()",
    )
] + [
    "CREATE TRIGGER chain BEFORE INSERT ON callguard.channel_event"
    " FOR EACH ROW EXECUTE FUNCTION callguard.check_chain()",
    "CREATE TRIGGER erasure AFTER DELETE ON callguard.key FOR EACH ROW EXECUTE FUNCTION callguard.forget_party()",
]

GRANTS = """
    GRANT USAGE ON SCHEMA callguard TO callguard_app;
    GRANT SELECT ON callguard.alembic_version TO callguard_app;
    GRANT SELECT, INSERT ON callguard.call, callguard.channel_event, callguard.decision, callguard.raw_event,
        callguard.party, callguard.key, callguard.recording, callguard.incident TO callguard_app;
    GRANT UPDATE (state, expires_at) ON callguard.recording TO callguard_app;
    GRANT UPDATE (closed_at) ON callguard.incident TO callguard_app;
    GRANT DELETE ON callguard.key TO callguard_app;
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA callguard FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION callguard.callguard_ensure_month(date) TO callguard_app
"""

TABLE_NAMES = ("incident", "recording", "key", "party", "raw_event", "decision", "channel_event", "call")
FUNCTIONS = ("callguard_ensure_month(date)", "forget_party()", "check_chain()", "refuse_change()")


def upgrade() -> None:
    """Create types, tables, guards, grants."""
    for name, words in ENUMS.items():
        op.execute(f"CREATE TYPE callguard.{name} AS ENUM ({', '.join(repr(word) for word in words)})")
    for statement in (DOMAINS + ";" + TABLES).split(";"):
        op.execute(statement)
    for statement in (REFUSE_CHANGE, CHECK_CHAIN, FORGET_PARTY, ENSURE_MONTH, *TRIGGERS, *GRANTS.split(";")):
        op.execute(statement)


def downgrade() -> None:
    """Drop all of it, the evidence too."""
    for table in TABLE_NAMES:
        op.execute(f"DROP TABLE callguard.{table} CASCADE")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION callguard.{function}")
    for domain in ("id", "digest", "month"):
        op.execute(f"DROP DOMAIN callguard.{domain}")
    for enum in ENUMS:
        op.execute(f"DROP TYPE callguard.{enum}")
    op.execute("REVOKE ALL ON callguard.alembic_version FROM callguard_app")
    op.execute("REVOKE USAGE ON SCHEMA callguard FROM callguard_app")
