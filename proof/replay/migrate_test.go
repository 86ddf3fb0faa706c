package replay

import (
	"database/sql"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlreplay"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

func validate(t *testing.T, s setup, db *sql.DB) error {
	t.Helper()
	store, err := sqlreplay.New(sqlreplay.Config{DB: db, Dialect: s.dialect})
	require.NoError(t, err)
	return store.Validate(t.Context())
}

func TestMigrateAgainAndAtOnce(t *testing.T) {
	each(t, setups, func(t *testing.T, s setup) {
		db := s.bare(t)
		require.ErrorIs(t, validate(t, s, db), sqlreplay.ErrSchema)
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { errs[i] = sqlreplay.Migrate(t.Context(), db, s.dialect) })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.NoError(t, validate(t, s, db))
		require.Equal(t, 1, count(t, db, "amsbridge_replay_migration"))
		s.store(t, db, sqlreplay.Config{})
		require.NoError(t, sqlreplay.Migrate(t.Context(), db, s.dialect))
		require.Equal(t, 1, count(t, db, "amsbridge_replay"), "nothing was lost")
	})
}

func TestMigrationByHand(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		db := s.bare(t)
		text, err := sqlreplay.MigrationSQL(s.dialect)
		require.NoError(t, err)
		for _, statement := range strings.SplitAfter(strings.TrimSpace(text), ";\n") {
			_, err := db.ExecContext(t.Context(), statement)
			require.NoError(t, err, statement)
		}
		require.NoError(t, validate(t, s, db))
		require.NoError(t, sqlreplay.Migrate(t.Context(), db, s.dialect))
		require.NoError(t, validate(t, s, db))
	})
}

// MySQL keeps what a failed migration made: it goes on from there.
func TestMigrateGoesOnAfterAFailure(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		db := s.bare(t)
		_, err := db.ExecContext(t.Context(), "CREATE TABLE amsbridge_sso_audit (x INT)")
		require.NoError(t, err)
		err = sqlreplay.Migrate(t.Context(), db, s.dialect)
		if s.dialect == sqlreplay.MySQL {
			require.NoError(t, err, "the table was there")
			require.ErrorIs(t, validate(t, s, db), sqlreplay.ErrSchema, "but is not ours")
			_, err = db.ExecContext(t.Context(), "DELETE FROM amsbridge_replay_migration")
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, "0001_replay.sql")
			require.Error(t, db.QueryRowContext(t.Context(), "SELECT 1 FROM amsbridge_replay").Err(), "all of it or nothing")
		}
		_, err = db.ExecContext(t.Context(), "DROP TABLE amsbridge_sso_audit")
		require.NoError(t, err)
		require.NoError(t, sqlreplay.Migrate(t.Context(), db, s.dialect))
		require.NoError(t, validate(t, s, db))
	})
}

func TestValidateRefusesWhatTheProgramDoesNotKnow(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		for name, change := range map[string]string{
			"version missing":         "DELETE FROM amsbridge_replay_migration",
			"newer version":           "INSERT INTO amsbridge_replay_migration (version, applied_at) VALUES (2, 1)",
			"only a newer version":    "UPDATE amsbridge_replay_migration SET version = 2",
			"versions' table missing": "DROP TABLE amsbridge_replay_migration",
			"tokens' table missing":   "DROP TABLE amsbridge_replay",
			"audit missing":           "DROP TABLE amsbridge_sso_audit",
			"column renamed":          "ALTER TABLE amsbridge_replay RENAME COLUMN token_id TO jti",
			"column of the audit":     "ALTER TABLE amsbridge_sso_audit DROP COLUMN reason",
		} {
			t.Run(name, func(t *testing.T) {
				db, _ := s.migrated(t)
				_, err := db.ExecContext(t.Context(), change)
				require.NoError(t, err)
				require.ErrorIs(t, validate(t, s, db), sqlreplay.ErrSchema)
			})
		}
	})
}

// The outbox and the replay store may share a database.
func TestBesideTheOutbox(t *testing.T) {
	each(t, engines[:2], func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		dialect := sqlstore.Dialect(s.dialect)
		require.NoError(t, sqlstore.Migrate(t.Context(), db, dialect))
		require.NoError(t, validate(t, s, db))
		outbox, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: dialect, Now: time.Now})
		require.NoError(t, err)
		require.NoError(t, outbox.Validate(t.Context()))
	})
}
