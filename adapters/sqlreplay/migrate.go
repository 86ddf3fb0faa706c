package sqlreplay

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/sqlmigrate"
)

// ErrSchema is returned by [Store.Validate] when the tables are not those that this program needs. The
// error says what is wrong.
var ErrSchema = errors.New("sqlreplay: the tables are not as this program needs them")

//go:embed migrations
var files embed.FS

// set is the migration set of a dialect.
func set(d Dialect) (sqlmigrate.Set, error) {
	if _, err := dialectOf(d); err != nil {
		return sqlmigrate.Set{}, err
	}
	return sqlmigrate.Set{
		Files: files, Folder: "migrations/" + string(d), Dialect: string(d), Versions: "amsbridge_replay_migration",
	}, nil
}

// Migrate creates the tables or brings them up to date; programs that start together wait for each
// other. The role needs the right to create tables; the receiver's role only to select, insert and
// delete. Running it again changes nothing. It returns an *amsbridge.InputError that names the bad
// argument.
func Migrate(ctx context.Context, db *sql.DB, dialect Dialect) error {
	if db == nil {
		return check.Bad("sqlreplay", "db", "is nil")
	}
	s, err := set(dialect)
	if err != nil {
		return err
	}
	if err := s.Migrate(ctx, db); err != nil {
		return fmt.Errorf("sqlreplay: migrate: %w", err)
	}
	return nil
}

// MigrationSQL returns the whole schema as plain SQL, to run with the database's own client.
func MigrationSQL(dialect Dialect) (string, error) {
	s, err := set(dialect)
	if err != nil {
		return "", err
	}
	return s.SQL()
}

// Validate returns [ErrSchema] unless the tables have exactly the versions that this program knows and
// every column that it uses. Call it when the program starts: without the tables every hand-off is
// refused.
func (s *Store) Validate(ctx context.Context) error {
	problem, err := s.set.Problem(ctx, s.cfg.DB)
	if err != nil {
		return fmt.Errorf("sqlreplay: validate: %w", err)
	}
	if problem != "" {
		return fmt.Errorf("%w: %s", ErrSchema, problem)
	}
	for _, look := range []string{
		"SELECT count(*) FROM (SELECT id, keep_until, issuer, audience, token_id FROM amsbridge_replay WHERE 1 = 0) AS r",
		"SELECT count(*) FROM (SELECT at, action, kind, audience, user_id, token_id, reason FROM amsbridge_sso_audit WHERE 1 = 0) AS a",
	} {
		var none int
		if err := s.cfg.DB.QueryRowContext(ctx, look).Scan(&none); err != nil {
			return fmt.Errorf("%w: %w", ErrSchema, err)
		}
	}
	return nil
}
