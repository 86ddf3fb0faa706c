// Package pgxstore keeps the outbox in the shop's own PostgreSQL database through pgx: messages are
// inserted in the shop's own [pgx.Tx], and everything else uses its [pgxpool.Pool]. It is a module of
// its own, so that a shop without pgx does not build it.
//
// [Migrate] makes the tables, all prefixed amsbridge_. Run it before [New]; [MigrationSQL] returns the
// same as SQL to run by hand. Where the tables are missing, the first call returns [ErrSchema].
//
// Tables and keys are those of package sqlstore: a shop may move from database/sql to pgx, or use both
// at once, and keeps its rows.
//
// Every query execution mode of pgx works. With the default one, each connection prepares a statement
// at its first use, which takes one more round trip. Behind PgBouncer in transaction mode, set
// default_query_exec_mode to exec or simple_protocol in the pool's configuration, or let PgBouncer
// (1.21 and later) keep the prepared statements: max_prepared_statements.
//
// A sender in another process learns of new messages by polling. To wake it at once, give the hook a
// [Notifier]'s Wake, and run [Listen] beside the sender.
package pgxstore
