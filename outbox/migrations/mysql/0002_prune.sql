-- amsbridge outbox, version 2, for MariaDB and MySQL: what forgetting needs. Its
-- index is made by version 1, for MySQL cannot make one that may be there.

-- How far each rule has looked through the log, so that it looks at each
-- attempt once.
CREATE TABLE IF NOT EXISTS amsbridge_progress (
    name       VARBINARY(32) NOT NULL PRIMARY KEY,
    at         BIGINT        NOT NULL,
    message_id BIGINT        NOT NULL
) ENGINE = InnoDB;

INSERT INTO amsbridge_progress (name, at, message_id) VALUES ('replies', 0, 0), ('forget', 0, 0)
ON DUPLICATE KEY UPDATE at = at;

INSERT INTO amsbridge_migration (version, applied_at)
VALUES (2, TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(6)));
