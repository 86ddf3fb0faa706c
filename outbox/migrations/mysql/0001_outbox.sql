-- amsbridge outbox, version 1, for MariaDB 10.6 and MySQL 8.0 and later. It may
-- be run again from its start: a CREATE TABLE is not undone when a later
-- statement fails.
--
-- Keys, persons, subjects, destinations and tokens are bytes, so that they
-- compare byte for byte whatever the collation; what programs read is bytes too,
-- so that no connection's character set changes it. The texts are for people.
-- Times are Unix microseconds by the database's clock.

CREATE TABLE IF NOT EXISTS amsbridge_migration (
    version    INT    NOT NULL PRIMARY KEY,
    applied_at BIGINT NOT NULL
) ENGINE = InnoDB;

-- The kept record, and the home of the unique key. Insert-only: nothing but
-- erasing a person updates it.
CREATE TABLE IF NOT EXISTS amsbridge_message (
    id            BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    lane          BIGINT         NOT NULL, -- first 8 bytes of SHA-256(destination, 0, person)
    destination   VARBINARY(128) NOT NULL,
    `key`         VARBINARY(64)  NOT NULL,
    key_parts     MEDIUMBLOB     NOT NULL, -- JSON array of strings, for people
    kind          VARBINARY(64)  NOT NULL,
    version       INT            NOT NULL, -- of the payload
    person        VARBINARY(255) NOT NULL, -- empty for tasks and held messages
    subject       VARBINARY(255) NOT NULL, -- order ID
    items         LONGBLOB       NOT NULL, -- JSON array of line IDs
    facts         LONGBLOB       NOT NULL,
    fingerprint   VARBINARY(64)  NOT NULL,
    after_key     VARBINARY(64),           -- key of the predecessor
    trace_context VARBINARY(256) NOT NULL,
    created_at    BIGINT         NOT NULL,
    UNIQUE KEY amsbridge_message_key (`key`, destination),
    KEY amsbridge_message_person (person, id),
    KEY amsbridge_message_subject (subject, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What is pending, parked or held; a row leaves when its message is settled,
-- and the profile with it. No index names a lease column.
CREATE TABLE IF NOT EXISTS amsbridge_queue (
    lane            BIGINT         NOT NULL,
    id              BIGINT         NOT NULL,
    destination     VARBINARY(128) NOT NULL,
    state           TINYINT        NOT NULL,           -- 0 pending, 1 parked, 2 held
    due_at          BIGINT         NOT NULL,
    attempts        INT            NOT NULL DEFAULT 0,
    lost            INT            NOT NULL DEFAULT 0,
    doubt           TINYINT        NOT NULL DEFAULT 0, -- 1 lease lost, 2 answer unknown
    entries         INT            NOT NULL DEFAULT 0, -- numbers given out in amsbridge_attempt
    token           VARBINARY(16),
    lease_until     BIGINT,
    not_ready_since BIGINT,
    after_key       VARBINARY(64),
    waits           TINYINT        NOT NULL DEFAULT 0, -- 1 when parked with its predecessor
    reason          VARCHAR(1000)  NOT NULL,
    profile         LONGBLOB,
    PRIMARY KEY (lane, id),
    KEY amsbridge_queue_due (state, destination, due_at, id),
    KEY amsbridge_queue_after (after_key)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The log. The entry that ended a message holds its final state and receipt.
CREATE TABLE IF NOT EXISTS amsbridge_attempt (
    message_id BIGINT      NOT NULL,
    n          INT         NOT NULL,
    at         BIGINT      NOT NULL,
    took_us    BIGINT      NOT NULL,
    outcome    TINYINT     NOT NULL,           -- outbox.Outcome
    state      TINYINT     NOT NULL,           -- outbox.State it became
    duplicate  TINYINT     NOT NULL,           -- 1 when an earlier send may have arrived
    code       VARCHAR(64) NOT NULL,
    reason     TEXT        NOT NULL,
    detail     TEXT        NOT NULL,
    receipt    LONGBLOB,
    sender     VARCHAR(64) NOT NULL,
    PRIMARY KEY (message_id, n),
    KEY amsbridge_attempt_at (at, message_id)  -- used from version 2 on
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS amsbridge_destination (
    name          VARBINARY(128) NOT NULL PRIMARY KEY,
    pausing       TINYINT        NOT NULL DEFAULT 0,  -- 0 no, 1 by itself, 2 by an operator
    reason        VARCHAR(1000)  NOT NULL DEFAULT '',
    probe_at      BIGINT         NOT NULL DEFAULT 0,
    held_until    BIGINT         NOT NULL DEFAULT 0,
    breaker       TINYINT        NOT NULL DEFAULT 0,  -- 0 closed, 1 open
    breaker_until BIGINT         NOT NULL DEFAULT 0,
    failures      INT            NOT NULL DEFAULT 0,  -- reserved
    rate_window   BIGINT         NOT NULL DEFAULT 0,  -- what outbox.Rate.Spend returned
    rate_used     INT            NOT NULL DEFAULT 0   -- reserved
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS amsbridge_audit (
    id          BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    at          BIGINT         NOT NULL,
    actor       TEXT           NOT NULL,
    role        TEXT           NOT NULL,
    verb        VARCHAR(64)    NOT NULL,
    reason      TEXT           NOT NULL,
    message_id  BIGINT,
    `key`       VARBINARY(64),
    was         TINYINT,                       -- outbox.State before
    destination VARBINARY(128) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Claims go one after another under a lock of this row.
INSERT INTO amsbridge_migration (version, applied_at)
VALUES (1, TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(6)));
