package sqlcore

import (
	"context"
	"fmt"

	"github.com/amsbridge/amsbridge/internal/sqlmigrate"
	"github.com/amsbridge/amsbridge/outbox/migrations"
)

// Schema is the outbox's migration set.
func Schema(d Dialect) sqlmigrate.Set {
	return sqlmigrate.Set{Files: migrations.Files, Folder: string(d), Dialect: string(d), Versions: "amsbridge_migration"}
}

// Validate returns the store's error of the schema unless the tables are those
// that this program needs, and names what else is in the way of a reader.
func (s *Store) Validate(ctx context.Context) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	err := s.environment(ctx)
	problem := ""
	if err == nil {
		problem, err = s.versions(ctx)
	}
	if err == nil && problem == "" {
		problem, err = s.problem(ctx)
	}
	if err == nil && problem != "" {
		return fmt.Errorf("%w: %s", s.errSchema, problem)
	}
	return s.failed("validate", explained(err))
}

// versions says what is wrong with the versions that were applied, or nothing.
func (s *Store) versions(ctx context.Context) (string, error) {
	done := map[int]bool{}
	err := each(ctx, s.db, func(r Rows) error {
		var version int
		err := r.Scan(&version)
		done[version] = true
		return err
	}, "SELECT version FROM amsbridge_migration")
	if err != nil && !s.d.noTable(err) {
		return "", err
	}
	return Schema(s.d.folder).Compare(done)
}

// problem says what makes the tables unfit for this program: another encoding,
// or a column that is not there. It is empty when nothing does.
func (s *Store) problem(ctx context.Context) (string, error) {
	if s.d.encoding != "" {
		var encoding string
		if _, err := one(ctx, s.db, []any{&encoding}, s.d.encoding); err != nil {
			return "", err
		}
		if encoding != "UTF8" && encoding != "SQL_ASCII" {
			return fmt.Sprintf("the database's encoding is %s, which cannot hold every name: it must be UTF8", encoding), nil
		}
	}
	for _, table := range tables {
		none := func(Rows) error { return nil }
		err := each(ctx, s.db, none, s.d.render("SELECT "+table.columns+" FROM "+table.name+" WHERE 1 = 0"))
		if denied(err) {
			return "", fmt.Errorf("the role may not SELECT FROM %s: %w", table.name, err)
		}
		if err != nil {
			return fmt.Sprintf("%s: %s", table.name, err), nil
		}
	}
	return "", nil
}

// tables are the columns that statements use.
var tables = []struct{ name, columns string }{
	{"amsbridge_message", "id, created_at, " + stored},
	{"amsbridge_queue", "id, ordering_key, shard, stamp, destination, state, due_at, put_off_at, attempts, lost, doubt, seq, entries, not_ready_since, reason, profile"},
	{"amsbridge_session", "id, sender, length_us, installation, joined_at"},
	{"amsbridge_installation", "identity, adopted_at"},
	{"amsbridge_beat", "session, beats"},
	{"amsbridge_shard", "shard, owner"},
	{"amsbridge_flight", "session, n, recorded_at, ids"},
	{"amsbridge_attempt", attemptColumns},
	{"amsbridge_entry", entryColumns},
	{"amsbridge_task", "entry_key, task, mark, at"},
	{"amsbridge_destination", "name, pausing, reason, probe_at, held_until, breaker, breaker_until, closed_at, rate_window"},
	{"amsbridge_progress", "name, at, entry_key, id"},
	{"amsbridge_audit", "id, at, actor, role, verb, reason, message_id, key, was, destination, association, subject, task"},
}
