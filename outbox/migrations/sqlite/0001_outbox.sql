-- amsbridge outbox, version 1, for SQLite 3.42 and later (unixepoch with
-- fractions, RETURNING).
--
-- Keys, persons, subjects, destinations and tokens are bytes, so that they
-- compare byte for byte whatever the collation. Times are Unix microseconds by
-- the database's clock.

CREATE TABLE amsbridge_migration (
    version         INTEGER PRIMARY KEY,
    applied_at      INTEGER NOT NULL
);

-- The kept record, and the home of the unique key. Insert-only: nothing but
-- erasing a person updates it.
CREATE TABLE amsbridge_message (
    id              INTEGER PRIMARY KEY,
    lane            INTEGER NOT NULL,  -- first 8 bytes of SHA-256(destination, 0, person)
    destination     BLOB    NOT NULL,
    key             BLOB    NOT NULL,
    key_parts       TEXT    NOT NULL,  -- JSON array of strings, for people
    kind            TEXT    NOT NULL,
    version         INTEGER NOT NULL,  -- of the payload
    person          BLOB    NOT NULL,  -- empty for tasks and held messages
    subject         BLOB    NOT NULL,  -- order ID
    items           TEXT    NOT NULL,  -- JSON array of line IDs
    facts           BLOB    NOT NULL,
    fingerprint     BLOB    NOT NULL,
    after_key     BLOB,                     -- key of the predecessor
    trace_context   TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
);

CREATE UNIQUE INDEX amsbridge_message_key ON amsbridge_message (key, destination);
CREATE INDEX amsbridge_message_person ON amsbridge_message (person, id);
CREATE INDEX amsbridge_message_subject ON amsbridge_message (subject, id);

-- What is pending, parked or held; a row leaves when its message is settled,
-- and the profile with it.
CREATE TABLE amsbridge_queue (
    lane            INTEGER NOT NULL,
    id              INTEGER NOT NULL,
    destination     BLOB    NOT NULL,
    state           INTEGER NOT NULL,  -- 0 pending, 1 parked, 2 held
    due_at          INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    lost            INTEGER NOT NULL DEFAULT 0,
    doubt           INTEGER NOT NULL DEFAULT 0,  -- 1 lease lost, 2 answer unknown
    entries         INTEGER NOT NULL DEFAULT 0,  -- numbers given out in amsbridge_attempt
    token           BLOB,
    lease_until     INTEGER,
    not_ready_since INTEGER,
    after_key       BLOB,
    waits           INTEGER NOT NULL DEFAULT 0,  -- 1 when parked with its predecessor
    reason          TEXT    NOT NULL,
    profile         BLOB,
    PRIMARY KEY (lane, id)
) WITHOUT ROWID;

CREATE INDEX amsbridge_queue_due ON amsbridge_queue (destination, due_at, id) WHERE state = 0;
CREATE INDEX amsbridge_queue_rest ON amsbridge_queue (state, id) WHERE state <> 0;
CREATE INDEX amsbridge_queue_after ON amsbridge_queue (after_key) WHERE after_key IS NOT NULL;

-- The log. The entry that ended a message holds its final state and receipt.
CREATE TABLE amsbridge_attempt (
    message_id      INTEGER NOT NULL,
    n               INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    took_us         INTEGER NOT NULL,
    outcome         INTEGER NOT NULL,  -- outbox.Outcome
    state           INTEGER NOT NULL,  -- outbox.State it became
    duplicate       INTEGER NOT NULL,  -- 1 when an earlier send may have arrived
    code            TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    detail          TEXT    NOT NULL,
    receipt    BLOB,
    sender          TEXT    NOT NULL,
    PRIMARY KEY (message_id, n)
);

CREATE TABLE amsbridge_destination (
    name            BLOB    PRIMARY KEY,
    pausing         INTEGER NOT NULL DEFAULT 0,  -- 0 no, 1 by itself, 2 by an operator
    reason          TEXT    NOT NULL DEFAULT '',
    probe_at        INTEGER NOT NULL DEFAULT 0,
    held_until      INTEGER NOT NULL DEFAULT 0,
    breaker         INTEGER NOT NULL DEFAULT 0,  -- reserved: 0 closed, 1 open, 2 half open
    breaker_until   INTEGER NOT NULL DEFAULT 0,  -- reserved
    failures        INTEGER NOT NULL DEFAULT 0,  -- reserved
    rate_window     INTEGER NOT NULL DEFAULT 0,  -- reserved
    rate_used       INTEGER NOT NULL DEFAULT 0  -- reserved
);

CREATE TABLE amsbridge_audit (
    id              INTEGER PRIMARY KEY,
    at              INTEGER NOT NULL,
    actor           TEXT    NOT NULL,
    role            TEXT    NOT NULL,
    verb            TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    message_id  INTEGER,
    key         BLOB,
    was         INTEGER,                    -- outbox.State before
    destination     BLOB    NOT NULL
);

INSERT INTO amsbridge_migration (version, applied_at)
VALUES (1, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
