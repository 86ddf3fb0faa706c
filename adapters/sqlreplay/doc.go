// Package sqlreplay remembers in a SQL database which hand-offs were used, so
// that several processes, and one after a restart, accept each only once. It
// works through database/sql on PostgreSQL, MySQL, MariaDB and SQLite, imports
// no driver and owns no connection: the receiver opens and closes its [sql.DB],
// and chooses driver and DSN.
//
// A [Store] is an ssoverify.ReplayStore, and keeps the audit of hand-offs too
// ([Store.Audit] is an amsbridge.SSOAudit). All processes that receive for one
// audience share one database.
//
// [Migrate] makes the tables, all prefixed amsbridge_: a set of their own, that
// needs no outbox beside it. [MigrationSQL] is the same for those who run it by
// hand.
//
// What is not promised: that a token is remembered by a database that lost what
// it had confirmed, such as a replica that took over before it had received all,
// or a backup. Tokens live two minutes at most; after such a loss refuse
// hand-offs for as long.
package sqlreplay
