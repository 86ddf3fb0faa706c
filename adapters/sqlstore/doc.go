// Package sqlstore keeps the outbox in the shop's own database through
// database/sql: PostgreSQL, MariaDB and SQLite. It imports no driver and owns no
// connection: the shop opens and closes its [sql.DB], and chooses driver and
// DSN. MySQL 8.0.22 and later should work as MariaDB does, and is not tested.
//
// [Migrate] makes the tables, all prefixed amsbridge_, and comes before [New];
// [MigrationSQL] is the same for those who run it by hand. Where the tables are
// missing, the first call says so: see [ErrSchema].
//
// Package pgxstore is the same for PostgreSQL through pgx alone.
package sqlstore
