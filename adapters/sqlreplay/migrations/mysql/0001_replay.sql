-- amsbridge replay store, version 1, for MariaDB 10.5 and MySQL 8.0 and later. It
-- needs no other of amsbridge's tables. It may be run again from its start: a
-- CREATE TABLE is not undone when a later statement fails.
--
-- All texts are bytes, so that neither collation nor the connection's character
-- set changes what they are. Times are Unix microseconds.

CREATE TABLE IF NOT EXISTS amsbridge_replay_migration (
    version    INT    NOT NULL PRIMARY KEY,
    applied_at BIGINT NOT NULL
) ENGINE = InnoDB;

-- Tokens that were used. Insert-only, until a row is past its time.
CREATE TABLE IF NOT EXISTS amsbridge_replay (
    id         BINARY(32)     NOT NULL PRIMARY KEY, -- SHA-256 of the three below, each after its length
    keep_until BIGINT         NOT NULL,
    issuer     VARBINARY(255) NOT NULL,
    audience   VARBINARY(255) NOT NULL,
    token_id   VARBINARY(255) NOT NULL,
    KEY amsbridge_replay_keep_until (keep_until)
) ENGINE = InnoDB;

-- One row for each token that was signed, accepted or refused.
CREATE TABLE IF NOT EXISTS amsbridge_sso_audit (
    id       BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
    at       BIGINT         NOT NULL,               -- by the program's clock
    action   VARBINARY(32)  NOT NULL,
    kind     VARBINARY(32)  NOT NULL,
    audience VARBINARY(255) NOT NULL,
    user_id  VARBINARY(255) NOT NULL,               -- empty where it is not known
    token_id VARBINARY(255) NOT NULL,               -- likewise
    reason   VARBINARY(500) NOT NULL,
    KEY amsbridge_sso_audit_at (at),
    KEY amsbridge_sso_audit_user (user_id, at)
) ENGINE = InnoDB;

INSERT INTO amsbridge_replay_migration (version, applied_at)
VALUES (1, UNIX_TIMESTAMP() * 1000000);
