-- amsbridge outbox, version 2, for PostgreSQL: what forgetting needs.
--
-- The index is built while settlements wait. With many millions of attempts,
-- make it beforehand by CREATE INDEX CONCURRENTLY under the same name.

CREATE INDEX IF NOT EXISTS amsbridge_attempt_at ON amsbridge_attempt (at, message_id);

-- How far each rule has looked through the log, so that it looks at each
-- attempt once.
CREATE TABLE amsbridge_progress (
    name       text   PRIMARY KEY,
    at         bigint NOT NULL,
    message_id bigint NOT NULL
);

INSERT INTO amsbridge_progress (name, at, message_id) VALUES ('replies', 0, 0), ('forget', 0, 0);

INSERT INTO amsbridge_migration (version, applied_at)
VALUES (2, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
