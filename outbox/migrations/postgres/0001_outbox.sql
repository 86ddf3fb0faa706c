-- amsbridge outbox, version 1, for PostgreSQL 12 and later.
--
-- Keys, persons, subjects, destinations and tokens are bytes, so that they
-- compare byte for byte whatever the collation. Times are Unix microseconds by
-- the database's clock.

CREATE TABLE amsbridge_migration (
    version    integer PRIMARY KEY,
    applied_at bigint  NOT NULL
);

-- The kept record, and the home of the unique key. Insert-only: nothing but
-- erasing a person updates it.
CREATE TABLE amsbridge_message (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ordering_key  bigint  NOT NULL,          -- a hash of association, destination and person
    scope         bytea   NOT NULL,          -- what of the person's it is about
    destination   bytea   NOT NULL,
    key           bytea   NOT NULL,
    key_parts     text    NOT NULL,          -- JSON array of strings, for people
    kind          text    NOT NULL,
    version       integer NOT NULL,          -- of the payload
    person        bytea   NOT NULL,          -- may be empty for tasks
    subject       bytea   NOT NULL,          -- order ID
    items         text    NOT NULL,          -- JSON array of line IDs
    facts         bytea   NOT NULL,
    sequel        text    NOT NULL,          -- kind of what comes after an operator ends it
    trace_context text    NOT NULL,
    created_at    bigint  NOT NULL
);

CREATE UNIQUE INDEX amsbridge_message_key ON amsbridge_message (key, destination);
CREATE INDEX amsbridge_message_person ON amsbridge_message (ordering_key, scope, id);
CREATE INDEX amsbridge_message_subject ON amsbridge_message (subject, id);

-- What is pending or parked; a row leaves when its message is settled, and the
-- profile with it. Only retries, parking and reaping update it.
CREATE TABLE amsbridge_queue (
    id              bigint   PRIMARY KEY,
    ordering_key    bigint   NOT NULL,
    shard           smallint NOT NULL,            -- outbox.ShardOf of it
    stamp           bigint   NOT NULL DEFAULT 0,  -- session of the sender that it was handed to, or 0
    destination     bytea    NOT NULL,
    state           smallint NOT NULL DEFAULT 0,  -- 0 pending, 1 parked
    due_at          bigint,                       -- null until it is put off
    put_off_at      bigint,                       -- when due_at was set
    attempts        integer  NOT NULL DEFAULT 0,
    lost            integer  NOT NULL DEFAULT 0,
    doubt           smallint NOT NULL DEFAULT 0,  -- outbox.Doubt
    seq             bigint   NOT NULL DEFAULT 0,  -- the greatest of its settlements
    entries         integer  NOT NULL DEFAULT 0,  -- numbers given out in amsbridge_attempt
    not_ready_since bigint,
    reason          text     NOT NULL DEFAULT '',
    profile         bytea
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX amsbridge_queue_key ON amsbridge_queue (ordering_key, id);
CREATE INDEX amsbridge_queue_fresh ON amsbridge_queue (destination, id) WHERE state = 0 AND due_at IS NULL;
CREATE INDEX amsbridge_queue_due ON amsbridge_queue (due_at, id) WHERE state = 0 AND due_at IS NOT NULL;
CREATE INDEX amsbridge_queue_retry ON amsbridge_queue (destination, due_at, id) WHERE state = 0 AND due_at IS NOT NULL;
CREATE INDEX amsbridge_queue_stamp ON amsbridge_queue (stamp, id) WHERE stamp <> 0;
CREATE INDEX amsbridge_queue_rest ON amsbridge_queue (state, id) WHERE state <> 0;

-- A sender's membership: inserted when it joins, deleted when it leaves or is
-- reaped, and never updated, since whoever records something locks it.
CREATE TABLE amsbridge_session (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sender       text   NOT NULL,
    length_us    bigint NOT NULL,                -- without a beat it is then taken for dead
    installation bytea  NOT NULL,                -- its sender's identity
    joined_at    bigint NOT NULL
);

-- The identities of installations that may send from these tables. A copy has
-- another one.
CREATE TABLE amsbridge_installation (
    identity   bytea  PRIMARY KEY,               -- a name, or what the server says of where the tables are
    adopted_at bigint NOT NULL
);

CREATE TABLE amsbridge_beat (
    session bigint PRIMARY KEY,
    beats   bigint NOT NULL
);

CREATE TABLE amsbridge_shard (
    shard smallint PRIMARY KEY,
    owner bigint   NOT NULL DEFAULT 0            -- session, or 0
);

INSERT INTO amsbridge_shard (shard) SELECT generate_series(0, 63);

-- What a session is about to send, or has sent and not settled.
CREATE TABLE amsbridge_flight (
    session     bigint NOT NULL,
    n           bigint NOT NULL,
    recorded_at bigint NOT NULL,                 -- a message that was put off since is in flight no more
    ids         text   NOT NULL,                 -- JSON array of message IDs
    PRIMARY KEY (session, n)
);

-- The log. The attempt that ended a message holds its final state and receipt.
CREATE TABLE amsbridge_attempt (
    message_id bigint   NOT NULL,
    n          integer  NOT NULL,
    at         bigint   NOT NULL,
    took_us    bigint   NOT NULL,
    outcome    smallint NOT NULL,            -- outbox.Outcome
    state      smallint NOT NULL,            -- outbox.State it became
    duplicate  smallint NOT NULL,            -- 1 when an earlier send may have arrived
    doubt      smallint NOT NULL,            -- outbox.Doubt of the message from then on
    seq        bigint   NOT NULL,            -- the greatest of the message's settlements so far
    code       text     NOT NULL,
    reason     text     NOT NULL,
    detail     text     NOT NULL,
    receipt    bytea,
    releases   text     NOT NULL,            -- JSON array of message IDs, or empty
    sender     text     NOT NULL,
    PRIMARY KEY (message_id, n)
);

CREATE INDEX amsbridge_attempt_at ON amsbridge_attempt (at, message_id);

-- What a producer of messages knew of a subject as of each change. Rows are only
-- inserted; senders mark that no task is to be told.
CREATE TABLE amsbridge_entry (
    key         bytea    NOT NULL,           -- 16 bytes: a hash of association and subject
    n           integer  NOT NULL,
    association bytea    NOT NULL,
    subject     bytea    NOT NULL,
    body        bytea    NOT NULL,
    tasks       text     NOT NULL,           -- JSON array of outbox.Task
    told        smallint NOT NULL,           -- 0 some task may be to be told, 1 none, 2 it has none
    created_at  bigint   NOT NULL,
    PRIMARY KEY (key, n)
);

CREATE INDEX amsbridge_entry_created ON amsbridge_entry (created_at, key, n) WHERE n > 1; -- the first of a subject is never forgotten
CREATE INDEX amsbridge_entry_tasks ON amsbridge_entry (created_at, key, n) WHERE told < 2;

-- What became of tasks of subjects.
CREATE TABLE amsbridge_task (
    entry_key bytea    NOT NULL,
    task      bytea    NOT NULL,
    mark      smallint NOT NULL,             -- 1 somebody was told of it, 2 an operator marked it done
    at        bigint   NOT NULL,
    PRIMARY KEY (entry_key, task, mark)
);

CREATE TABLE amsbridge_destination (
    name          bytea    PRIMARY KEY,
    pausing       smallint NOT NULL DEFAULT 0,   -- 0 no, 1 by itself, 2 by an operator
    reason        text     NOT NULL DEFAULT '',
    probe_at      bigint   NOT NULL DEFAULT 0,
    held_until    bigint   NOT NULL DEFAULT 0,
    breaker       smallint NOT NULL DEFAULT 0,   -- 0 closed, 1 open
    breaker_until bigint   NOT NULL DEFAULT 0,
    closed_at     bigint   NOT NULL DEFAULT 0,   -- when probe_at, held_until or breaker_until was last set
    rate_window   bigint   NOT NULL DEFAULT 0    -- what outbox.Rate.Spend returned
);

CREATE TABLE amsbridge_audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          bigint   NOT NULL,
    actor       text     NOT NULL,
    role        text     NOT NULL,
    verb        text     NOT NULL,
    reason      text     NOT NULL,
    message_id  bigint,
    key         bytea,
    was         smallint,                    -- outbox.State before
    destination bytea    NOT NULL,
    association bytea    NOT NULL,           -- with subject and task, of a task marked done
    subject     bytea    NOT NULL,
    task        bytea    NOT NULL
);

CREATE INDEX amsbridge_audit_message ON amsbridge_audit (message_id, id) WHERE message_id IS NOT NULL;
CREATE INDEX amsbridge_audit_subject ON amsbridge_audit (subject, id);
CREATE INDEX amsbridge_audit_destination ON amsbridge_audit (destination, verb, id);
CREATE INDEX amsbridge_audit_actor ON amsbridge_audit (actor, id);

-- How far each rule of forgetting has looked, so that it looks at each row once.
CREATE TABLE amsbridge_progress (
    name      text   PRIMARY KEY,
    at        bigint NOT NULL,
    entry_key bytea  NOT NULL,
    id        bigint NOT NULL                -- of a message, or an entry's number
);

INSERT INTO amsbridge_progress (name, at, entry_key, id)
VALUES ('replies', 0, '', 0), ('forget', 0, '', 0), ('entries', 0, '', 0);

INSERT INTO amsbridge_migration (version, applied_at)
VALUES (1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
