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
    ordering_key  BIGINT         NOT NULL, -- a hash of association, destination and person
    scope         VARBINARY(255) NOT NULL, -- what of the person's it is about
    destination   VARBINARY(128) NOT NULL,
    `key`         VARBINARY(64)  NOT NULL,
    key_parts     MEDIUMBLOB     NOT NULL, -- JSON array of strings, for people
    kind          VARBINARY(64)  NOT NULL,
    version       INT            NOT NULL, -- of the payload
    person        VARBINARY(255) NOT NULL, -- may be empty for tasks
    subject       VARBINARY(255) NOT NULL, -- order ID
    items         LONGBLOB       NOT NULL, -- JSON array of line IDs
    facts         LONGBLOB       NOT NULL,
    sequel        VARBINARY(64)  NOT NULL, -- kind of what comes after an operator ends it
    trace_context VARBINARY(256) NOT NULL,
    created_at    BIGINT         NOT NULL,
    UNIQUE KEY amsbridge_message_key (`key`, destination),
    KEY amsbridge_message_person (ordering_key, scope, id),
    KEY amsbridge_message_subject (subject, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What is pending or parked; a row leaves when its message is settled, and the
-- profile with it. Only retries, parking and reaping update it.
CREATE TABLE IF NOT EXISTS amsbridge_queue (
    id              BIGINT         NOT NULL PRIMARY KEY,
    ordering_key    BIGINT         NOT NULL,
    shard           TINYINT        NOT NULL,           -- outbox.ShardOf of it
    stamp           BIGINT         NOT NULL DEFAULT 0, -- session of the sender that it was handed to, or 0
    destination     VARBINARY(128) NOT NULL,
    state           TINYINT        NOT NULL DEFAULT 0, -- 0 pending, 1 parked
    due_at          BIGINT,                            -- null until it is put off
    put_off_at      BIGINT,                            -- when due_at was set
    attempts        INT            NOT NULL DEFAULT 0,
    lost            INT            NOT NULL DEFAULT 0,
    doubt           TINYINT        NOT NULL DEFAULT 0, -- outbox.Doubt
    seq             BIGINT         NOT NULL DEFAULT 0, -- the greatest of its settlements
    entries         INT            NOT NULL DEFAULT 0, -- numbers given out in amsbridge_attempt
    not_ready_since BIGINT,
    reason          VARCHAR(1000)  NOT NULL DEFAULT '',
    profile         LONGBLOB,
    KEY amsbridge_queue_key (ordering_key, id),
    KEY amsbridge_queue_fresh (destination, state, due_at, id),
    KEY amsbridge_queue_due (state, due_at, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- A sender's membership: inserted when it joins, deleted when it leaves or is
-- reaped, and never updated, since whoever records something locks it.
CREATE TABLE IF NOT EXISTS amsbridge_session (
    id           BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    sender       VARCHAR(64)    NOT NULL,
    length_us    BIGINT         NOT NULL,              -- without a beat it is then taken for dead
    installation VARBINARY(767) NOT NULL,              -- its sender's identity
    joined_at    BIGINT         NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The identities of installations that may send from these tables. A copy has
-- another one.
CREATE TABLE IF NOT EXISTS amsbridge_installation (
    identity   VARBINARY(767) NOT NULL PRIMARY KEY,    -- a name, or what the server says of where the tables are
    adopted_at BIGINT         NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS amsbridge_beat (
    session BIGINT NOT NULL PRIMARY KEY,
    beats   BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS amsbridge_shard (
    shard TINYINT NOT NULL PRIMARY KEY,
    owner BIGINT  NOT NULL DEFAULT 0                   -- session, or 0
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

INSERT IGNORE INTO amsbridge_shard (shard) VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15),
    (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31),
    (32), (33), (34), (35), (36), (37), (38), (39), (40), (41), (42), (43), (44), (45), (46), (47),
    (48), (49), (50), (51), (52), (53), (54), (55), (56), (57), (58), (59), (60), (61), (62), (63);

-- What a session is about to send, or has sent and not settled.
CREATE TABLE IF NOT EXISTS amsbridge_flight (
    session     BIGINT   NOT NULL,
    n           BIGINT   NOT NULL,
    recorded_at BIGINT   NOT NULL,                     -- a message that was put off since is in flight no more
    ids         LONGTEXT NOT NULL,                     -- JSON array of message IDs
    PRIMARY KEY (session, n)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The log. The attempt that ended a message holds its final state and receipt.
CREATE TABLE IF NOT EXISTS amsbridge_attempt (
    message_id BIGINT      NOT NULL,
    n          INT         NOT NULL,
    at         BIGINT      NOT NULL,
    took_us    BIGINT      NOT NULL,
    outcome    TINYINT     NOT NULL,           -- outbox.Outcome
    state      TINYINT     NOT NULL,           -- outbox.State it became
    duplicate  TINYINT     NOT NULL,           -- 1 when an earlier send may have arrived
    doubt      TINYINT     NOT NULL,           -- outbox.Doubt of the message from then on
    seq        BIGINT      NOT NULL,           -- the greatest of the message's settlements so far
    code       VARCHAR(64) NOT NULL,
    reason     TEXT        NOT NULL,
    detail     TEXT        NOT NULL,
    receipt    LONGBLOB,
    releases   MEDIUMBLOB  NOT NULL,           -- JSON array of message IDs, or empty
    sender     VARCHAR(64) NOT NULL,
    PRIMARY KEY (message_id, n),
    KEY amsbridge_attempt_at (at, message_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What a producer of messages knew of a subject as of each change. Rows are only
-- inserted; senders mark that no task is to be told.
CREATE TABLE IF NOT EXISTS amsbridge_entry (
    `key`       VARBINARY(16)  NOT NULL,       -- a hash of association and subject
    n           INT            NOT NULL,
    association VARBINARY(64)  NOT NULL,
    subject     VARBINARY(255) NOT NULL,
    body        LONGBLOB       NOT NULL,
    tasks       LONGBLOB       NOT NULL,       -- JSON array of outbox.Task
    told        TINYINT        NOT NULL,       -- 0 some task may be to be told, 1 none, 2 it has none
    created_at  BIGINT         NOT NULL,
    PRIMARY KEY (`key`, n),
    KEY amsbridge_entry_created (created_at, `key`, n),
    KEY amsbridge_entry_tasks (told, created_at, `key`, n)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What became of tasks of subjects.
CREATE TABLE IF NOT EXISTS amsbridge_task (
    entry_key VARBINARY(16) NOT NULL,
    task      VARBINARY(64) NOT NULL,
    mark      TINYINT       NOT NULL,          -- 1 somebody was told of it, 2 an operator marked it done
    at        BIGINT        NOT NULL,
    PRIMARY KEY (entry_key, task, mark)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS amsbridge_destination (
    name          VARBINARY(128) NOT NULL PRIMARY KEY,
    pausing       TINYINT        NOT NULL DEFAULT 0,  -- 0 no, 1 by itself, 2 by an operator
    reason        VARCHAR(1000)  NOT NULL DEFAULT '',
    probe_at      BIGINT         NOT NULL DEFAULT 0,
    held_until    BIGINT         NOT NULL DEFAULT 0,
    breaker       TINYINT        NOT NULL DEFAULT 0,  -- 0 closed, 1 open
    breaker_until BIGINT         NOT NULL DEFAULT 0,
    closed_at     BIGINT         NOT NULL DEFAULT 0, -- when probe_at, held_until or breaker_until was last set
    rate_window   BIGINT         NOT NULL DEFAULT 0   -- what outbox.Rate.Spend returned
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS amsbridge_audit (
    id          BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    at          BIGINT         NOT NULL,
    actor       VARCHAR(255)   NOT NULL,
    role        TEXT           NOT NULL,
    verb        VARCHAR(64)    NOT NULL,
    reason      TEXT           NOT NULL,
    message_id  BIGINT,
    `key`       VARBINARY(64),
    was         TINYINT,                       -- outbox.State before
    destination VARBINARY(128) NOT NULL,
    association VARBINARY(64)  NOT NULL,       -- with subject and task, of a task marked done
    subject     VARBINARY(255) NOT NULL,
    task        VARBINARY(64)  NOT NULL,
    KEY amsbridge_audit_message (message_id, id),
    KEY amsbridge_audit_subject (subject, id),
    KEY amsbridge_audit_destination (destination, verb, id),
    KEY amsbridge_audit_actor (actor, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- How far each rule of forgetting has looked, so that it looks at each row once.
CREATE TABLE IF NOT EXISTS amsbridge_progress (
    name      VARBINARY(32) NOT NULL PRIMARY KEY,
    at        BIGINT        NOT NULL,
    entry_key VARBINARY(16) NOT NULL,
    id        BIGINT        NOT NULL           -- of a message, or an entry's number
) ENGINE = InnoDB;

INSERT INTO amsbridge_progress (name, at, entry_key, id)
VALUES ('replies', 0, '', 0), ('forget', 0, '', 0), ('entries', 0, '', 0)
ON DUPLICATE KEY UPDATE at = at;

-- Claims go one after another under a lock of this row.
INSERT INTO amsbridge_migration (version, applied_at)
VALUES (1, TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(6)));
