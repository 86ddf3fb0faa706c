-- amsbridge replay store, version 1, for PostgreSQL 12 and later. It needs no
-- other of amsbridge's tables.
--
-- Texts that are compared are bytes, so that they compare byte for byte whatever
-- the collation. Times are Unix microseconds.

CREATE TABLE amsbridge_replay_migration (
    version    integer PRIMARY KEY,
    applied_at bigint  NOT NULL
);

-- Tokens that were used. Insert-only, until a row is past its time.
CREATE TABLE amsbridge_replay (
    id         bytea  PRIMARY KEY,           -- SHA-256 of the three below, each after its length
    keep_until bigint NOT NULL,
    issuer     bytea  NOT NULL,
    audience   bytea  NOT NULL,
    token_id   bytea  NOT NULL
);

CREATE INDEX amsbridge_replay_keep_until ON amsbridge_replay (keep_until);

-- One row for each token that was signed, accepted or refused.
CREATE TABLE amsbridge_sso_audit (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       bigint NOT NULL,                -- by the program's clock
    action   text   NOT NULL,
    kind     text   NOT NULL,
    audience bytea  NOT NULL,
    user_id  bytea  NOT NULL,                -- empty where it is not known
    token_id bytea  NOT NULL,                -- likewise
    reason   text   NOT NULL
);

CREATE INDEX amsbridge_sso_audit_at ON amsbridge_sso_audit (at);
CREATE INDEX amsbridge_sso_audit_user ON amsbridge_sso_audit (user_id, at);

INSERT INTO amsbridge_replay_migration (version, applied_at)
VALUES (1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
