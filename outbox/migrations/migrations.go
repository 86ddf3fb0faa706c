// Package migrations holds the only copy of the outbox's schema: plain SQL for
// each database, one file per version, for use through sqlstore.Migrate and
// pgxstore.Migrate, or by hand with the database's own client.
//
// Every statement ends with a semicolon at the end of a line, and none holds
// one elsewhere at the end of a line. Each file ends by recording its version
// in amsbridge_migration, so that a schema made by hand is known to Validate.
package migrations

import "embed"

// Files holds postgres/NNNN_name.sql, and the same for mysql and sqlite.
//
//go:embed postgres/*.sql mysql/*.sql sqlite/*.sql
var Files embed.FS
