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
    lane          bigint  NOT NULL,          -- first 8 bytes of SHA-256(destination, 0, person)
    destination   bytea   NOT NULL,
    key           bytea   NOT NULL,
    key_parts     text    NOT NULL,          -- JSON array of strings, for people
    kind          text    NOT NULL,
    version       integer NOT NULL,          -- of the payload
    person        bytea   NOT NULL,          -- empty for tasks and held messages
    subject       bytea   NOT NULL,          -- order ID
    items         text    NOT NULL,          -- JSON array of line IDs
    facts         bytea   NOT NULL,
    fingerprint   bytea   NOT NULL,
    after_key     bytea,                     -- key of the predecessor
    trace_context text    NOT NULL,
    created_at    bigint  NOT NULL
);

CREATE UNIQUE INDEX amsbridge_message_key ON amsbridge_message (key, destination);
CREATE INDEX amsbridge_message_person ON amsbridge_message (person, id);
CREATE INDEX amsbridge_message_subject ON amsbridge_message (subject, id);

-- What is pending, parked or held; a row leaves when its message is settled,
-- and the profile with it. No index names a lease column, so that leasing and
-- releasing are HOT updates.
CREATE TABLE amsbridge_queue (
    lane            bigint   NOT NULL,
    id              bigint   NOT NULL,
    destination     bytea    NOT NULL,
    state           smallint NOT NULL,       -- 0 pending, 1 parked, 2 held
    due_at          bigint   NOT NULL,
    attempts        integer  NOT NULL DEFAULT 0,
    lost            integer  NOT NULL DEFAULT 0,
    doubt           smallint NOT NULL DEFAULT 0,  -- 1 lease lost, 2 answer unknown
    entries         integer  NOT NULL DEFAULT 0,  -- numbers given out in amsbridge_attempt
    token           bytea,
    lease_until     bigint,
    not_ready_since bigint,
    after_key       bytea,
    waits           smallint NOT NULL DEFAULT 0,  -- 1 when parked with its predecessor
    reason          text     NOT NULL,
    profile         bytea,
    PRIMARY KEY (lane, id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX amsbridge_queue_due ON amsbridge_queue (destination, due_at, id) WHERE state = 0;
CREATE INDEX amsbridge_queue_rest ON amsbridge_queue (state, id) WHERE state <> 0;
CREATE INDEX amsbridge_queue_after ON amsbridge_queue (after_key) WHERE after_key IS NOT NULL;

-- The log. The entry that ended a message holds its final state and receipt.
CREATE TABLE amsbridge_attempt (
    message_id bigint   NOT NULL,
    n          integer  NOT NULL,
    at         bigint   NOT NULL,
    took_us    bigint   NOT NULL,
    outcome    smallint NOT NULL,            -- outbox.Outcome
    state      smallint NOT NULL,            -- outbox.State it became
    duplicate  smallint NOT NULL,            -- 1 when an earlier send may have arrived
    code       text     NOT NULL,
    reason     text     NOT NULL,
    detail     text     NOT NULL,
    receipt    bytea,
    sender     text     NOT NULL,
    PRIMARY KEY (message_id, n)
);

CREATE TABLE amsbridge_destination (
    name          bytea    PRIMARY KEY,
    pausing       smallint NOT NULL DEFAULT 0,   -- 0 no, 1 by itself, 2 by an operator
    reason        text     NOT NULL DEFAULT '',
    probe_at      bigint   NOT NULL DEFAULT 0,
    held_until    bigint   NOT NULL DEFAULT 0,
    breaker       smallint NOT NULL DEFAULT 0,   -- reserved: 0 closed, 1 open, 2 half open
    breaker_until bigint   NOT NULL DEFAULT 0,   -- reserved
    failures      integer  NOT NULL DEFAULT 0,   -- reserved
    rate_window   bigint   NOT NULL DEFAULT 0,   -- reserved
    rate_used     integer  NOT NULL DEFAULT 0    -- reserved
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
    destination bytea    NOT NULL
);

INSERT INTO amsbridge_migration (version, applied_at)
VALUES (1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
