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
    id              INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given again
    ordering_key    INTEGER NOT NULL,  -- a hash of association, destination and person
    scope           BLOB    NOT NULL,  -- what of the person's it is about
    destination     BLOB    NOT NULL,
    key             BLOB    NOT NULL,
    key_parts       TEXT    NOT NULL,  -- JSON array of strings, for people
    kind            TEXT    NOT NULL,
    version         INTEGER NOT NULL,  -- of the payload
    person          BLOB    NOT NULL,  -- may be empty for tasks
    subject         BLOB    NOT NULL,  -- order ID
    items           TEXT    NOT NULL,  -- JSON array of line IDs
    facts           BLOB    NOT NULL,
    sequel          TEXT    NOT NULL,  -- kind of what comes after an operator ends it
    trace_context   TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
);

CREATE UNIQUE INDEX amsbridge_message_key ON amsbridge_message (key, destination);
CREATE INDEX amsbridge_message_person ON amsbridge_message (ordering_key, scope, id);
CREATE INDEX amsbridge_message_subject ON amsbridge_message (subject, id);

-- What is pending or parked; a row leaves when its message is settled, and the
-- profile with it. Only retries, parking and reaping update it. Its key is an
-- index that statements can be held to: a table that was analyzed while it had
-- one row would be read whole.
CREATE TABLE amsbridge_queue (
    id              INTEGER NOT NULL PRIMARY KEY,
    ordering_key    INTEGER NOT NULL,
    shard           INTEGER NOT NULL,            -- outbox.ShardOf of it
    stamp           INTEGER NOT NULL DEFAULT 0,  -- session of the sender that it was handed to, or 0
    destination     BLOB    NOT NULL,
    state           INTEGER NOT NULL DEFAULT 0,  -- 0 pending, 1 parked
    due_at          INTEGER,                     -- null until it is put off
    put_off_at      INTEGER,                     -- when due_at was set
    attempts        INTEGER NOT NULL DEFAULT 0,
    lost            INTEGER NOT NULL DEFAULT 0,
    doubt           INTEGER NOT NULL DEFAULT 0,  -- outbox.Doubt
    seq             INTEGER NOT NULL DEFAULT 0,  -- the greatest of its settlements
    entries         INTEGER NOT NULL DEFAULT 0,  -- numbers given out in amsbridge_attempt
    not_ready_since INTEGER,
    reason          TEXT    NOT NULL DEFAULT '',
    profile         BLOB
) WITHOUT ROWID;

CREATE INDEX amsbridge_queue_key ON amsbridge_queue (ordering_key, id);
CREATE INDEX amsbridge_queue_fresh ON amsbridge_queue (destination, id) WHERE state = 0 AND due_at IS NULL;
CREATE INDEX amsbridge_queue_due ON amsbridge_queue (due_at, id) WHERE state = 0 AND due_at IS NOT NULL;
CREATE INDEX amsbridge_queue_retry ON amsbridge_queue (destination, due_at, id) WHERE state = 0 AND due_at IS NOT NULL;
CREATE INDEX amsbridge_queue_stamp ON amsbridge_queue (stamp, id) WHERE stamp <> 0;
CREATE INDEX amsbridge_queue_rest ON amsbridge_queue (state, id) WHERE state <> 0;

-- A sender's membership: inserted when it joins, deleted when it leaves or is
-- reaped. AUTOINCREMENT: no ID is given out twice.
CREATE TABLE amsbridge_session (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    sender       TEXT    NOT NULL,
    length_us    INTEGER NOT NULL,               -- without a beat it is then taken for dead
    installation BLOB    NOT NULL,               -- its sender's identity, or empty
    joined_at    INTEGER NOT NULL
);

-- The identities of installations that may send from these tables. A copy has
-- another one.
CREATE TABLE amsbridge_installation (
    identity   BLOB    PRIMARY KEY,              -- a name, or what the database says of where it is
    adopted_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE amsbridge_beat (
    session INTEGER PRIMARY KEY,
    beats   INTEGER NOT NULL
);

CREATE TABLE amsbridge_shard (
    shard INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL DEFAULT 0             -- session, or 0
);

INSERT INTO amsbridge_shard (shard)
WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 63) SELECT n FROM s;

-- What a session is about to send, or has sent and not settled.
CREATE TABLE amsbridge_flight (
    session     INTEGER NOT NULL,
    n           INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,                -- a message that was put off since is in flight no more
    ids         TEXT    NOT NULL,                -- JSON array of message IDs
    PRIMARY KEY (session, n)
) WITHOUT ROWID;

-- The log. The attempt that ended a message holds its final state and receipt.
CREATE TABLE amsbridge_attempt (
    message_id      INTEGER NOT NULL,
    n               INTEGER NOT NULL,
    at              INTEGER NOT NULL,
    took_us         INTEGER NOT NULL,
    outcome         INTEGER NOT NULL,  -- outbox.Outcome
    state           INTEGER NOT NULL,  -- outbox.State it became
    duplicate       INTEGER NOT NULL,  -- 1 when an earlier send may have arrived
    doubt           INTEGER NOT NULL,  -- outbox.Doubt of the message from then on
    seq             INTEGER NOT NULL,  -- the greatest of the message's settlements so far
    code            TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    detail          TEXT    NOT NULL,
    receipt         BLOB,
    releases        TEXT    NOT NULL,  -- JSON array of message IDs, or empty
    sender          TEXT    NOT NULL,
    PRIMARY KEY (message_id, n)
);

CREATE INDEX amsbridge_attempt_at ON amsbridge_attempt (at, message_id);

-- What a producer of messages knew of a subject as of each change. Rows are only
-- inserted; senders mark that no task is to be told.
CREATE TABLE amsbridge_entry (
    key             BLOB    NOT NULL,  -- 16 bytes: a hash of association and subject
    n               INTEGER NOT NULL,
    association     BLOB    NOT NULL,
    subject         BLOB    NOT NULL,
    body            BLOB    NOT NULL,
    tasks           TEXT    NOT NULL,  -- JSON array of outbox.Task
    told            INTEGER NOT NULL,  -- 0 some task may be to be told, 1 none, 2 it has none
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (key, n)
);

CREATE INDEX amsbridge_entry_created ON amsbridge_entry (created_at, key, n) WHERE n > 1; -- the first of a subject is never forgotten
CREATE INDEX amsbridge_entry_tasks ON amsbridge_entry (created_at, key, n) WHERE told < 2;

-- What became of tasks of subjects.
CREATE TABLE amsbridge_task (
    entry_key       BLOB    NOT NULL,
    task            BLOB    NOT NULL,
    mark            INTEGER NOT NULL,  -- 1 somebody was told of it, 2 an operator marked it done
    at              INTEGER NOT NULL,
    PRIMARY KEY (entry_key, task, mark)
) WITHOUT ROWID;

CREATE TABLE amsbridge_destination (
    name            BLOB    PRIMARY KEY,
    pausing         INTEGER NOT NULL DEFAULT 0,  -- 0 no, 1 by itself, 2 by an operator
    reason          TEXT    NOT NULL DEFAULT '',
    probe_at        INTEGER NOT NULL DEFAULT 0,
    held_until      INTEGER NOT NULL DEFAULT 0,
    breaker         INTEGER NOT NULL DEFAULT 0,  -- 0 closed, 1 open
    breaker_until   INTEGER NOT NULL DEFAULT 0,
    closed_at       INTEGER NOT NULL DEFAULT 0,  -- when probe_at, held_until or breaker_until was last set
    rate_window     INTEGER NOT NULL DEFAULT 0   -- what outbox.Rate.Spend returned
);

CREATE TABLE amsbridge_audit (
    id              INTEGER PRIMARY KEY,
    at              INTEGER NOT NULL,
    actor           TEXT    NOT NULL,
    role            TEXT    NOT NULL,
    verb            TEXT    NOT NULL,
    reason          TEXT    NOT NULL,
    message_id      INTEGER,
    key             BLOB,
    was             INTEGER,           -- outbox.State before
    destination     BLOB    NOT NULL,
    association     BLOB    NOT NULL,  -- with subject and task, of a task marked done
    subject         BLOB    NOT NULL,
    task            BLOB    NOT NULL
);

CREATE INDEX amsbridge_audit_message ON amsbridge_audit (message_id, id) WHERE message_id IS NOT NULL;
CREATE INDEX amsbridge_audit_subject ON amsbridge_audit (subject, id);
CREATE INDEX amsbridge_audit_destination ON amsbridge_audit (destination, verb, id);
CREATE INDEX amsbridge_audit_actor ON amsbridge_audit (actor, id);

-- How far each rule of forgetting has looked, so that it looks at each row once.
CREATE TABLE amsbridge_progress (
    name            TEXT    PRIMARY KEY,
    at              INTEGER NOT NULL,
    entry_key       BLOB    NOT NULL,
    id              INTEGER NOT NULL   -- of a message, or an entry's number
);

INSERT INTO amsbridge_progress (name, at, entry_key, id)
VALUES ('replies', 0, x'', 0), ('forget', 0, x'', 0), ('entries', 0, x'', 0);

INSERT INTO amsbridge_migration (version, applied_at)
VALUES (1, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
