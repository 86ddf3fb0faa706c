-- amsbridge outbox, version 2, for SQLite: what forgetting needs.

CREATE INDEX IF NOT EXISTS amsbridge_attempt_at ON amsbridge_attempt (at, message_id);

-- How far each rule has looked through the log, so that it looks at each
-- attempt once.
CREATE TABLE amsbridge_progress (
    name       TEXT    PRIMARY KEY,
    at         INTEGER NOT NULL,
    message_id INTEGER NOT NULL
);

INSERT INTO amsbridge_progress (name, at, message_id) VALUES ('replies', 0, 0), ('forget', 0, 0);

INSERT INTO amsbridge_migration (version, applied_at)
VALUES (2, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
