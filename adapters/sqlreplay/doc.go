// Package sqlreplay remembers in a SQL database which hand-offs were used, so that several processes
// accept each only once, after restarts too. It works through database/sql on PostgreSQL, MySQL,
// MariaDB and SQLite. It imports no driver and owns no connection: the receiver opens and closes its
// [sql.DB], and chooses driver and DSN.
//
// A [Store] is an ssoverify.ReplayStore, and keeps the audit of hand-offs too ([Store.Audit] is an
// amsbridge.SSOAudit). All processes that receive for one audience must share one database.
//
// [Migrate] makes the tables, all prefixed amsbridge_; they need no outbox beside them. [MigrationSQL]
// returns the same as SQL to run by hand.
//
// It is not promised that a token is remembered by a database that lost confirmed writes, such as a
// replica that took over too early, or a restored backup; nor by one whose clock runs more than an hour ahead
// of the verifiers', which deletes rows of tokens that still live. Tokens live two minutes at most: refuse
// hand-offs for that long after such a loss, or after such a clock was set right.
package sqlreplay
