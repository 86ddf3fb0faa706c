// Package sqlstore keeps the outbox in the shop's own database through database/sql: PostgreSQL,
// MariaDB and SQLite. It imports no driver and owns no connection: the shop opens and closes its
// [sql.DB], and chooses driver and DSN. MySQL 8.0.22 and later should work like MariaDB, but is not
// tested.
//
// [Migrate] makes the tables, all prefixed amsbridge_. Run it before [New]; [MigrationSQL] returns the
// same as SQL to run by hand. Where the tables are missing, the first call returns [ErrSchema].
//
// Package pgxstore does the same for PostgreSQL alone, through pgx.
package sqlstore
