-- amsbridge replay store, version 1, for SQLite 3.42 and later (unixepoch with
-- fractions). It needs no other of amsbridge's tables.
--
-- Texts that are compared are bytes, so that they compare byte for byte whatever
-- the collation. Times are Unix microseconds.

CREATE TABLE amsbridge_replay_migration (
    version    INTEGER PRIMARY KEY,
    applied_at INTEGER NOT NULL
);

-- Tokens that were used. Insert-only, until a row is past its time.
CREATE TABLE amsbridge_replay (
    id         BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the three below, each after its length
    keep_until INTEGER NOT NULL,
    issuer     BLOB    NOT NULL,
    audience   BLOB    NOT NULL,
    token_id   BLOB    NOT NULL
) WITHOUT ROWID;

CREATE INDEX amsbridge_replay_keep_until ON amsbridge_replay (keep_until);

-- One row for each token that was signed, accepted or refused.
CREATE TABLE amsbridge_sso_audit (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,               -- by the program's clock
    action   TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    audience BLOB    NOT NULL,
    user_id  BLOB    NOT NULL,               -- empty where it is not known
    token_id BLOB    NOT NULL,               -- likewise
    reason   TEXT    NOT NULL
);

CREATE INDEX amsbridge_sso_audit_at ON amsbridge_sso_audit (at);
CREATE INDEX amsbridge_sso_audit_user ON amsbridge_sso_audit (user_id, at);

INSERT INTO amsbridge_replay_migration (version, applied_at)
VALUES (1, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
