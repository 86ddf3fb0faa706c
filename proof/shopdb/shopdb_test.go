package shopdb_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/proof/shopdb"
)

// The database is there while it is used, and gone afterwards even where the run
// was interrupted.
func TestWith(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	ctx, cancel := context.WithCancel(t.Context())
	failed, seen := errors.New("the run failed"), 0
	err := shopdb.With(ctx, sqlstore.SQLite, func(dsn string) error {
		db, err := shopdb.Open(sqlstore.SQLite, dsn, 1)
		require.NoError(t, err)
		require.NoError(t, sqlstore.Migrate(ctx, db, sqlstore.SQLite))
		require.NoError(t, shopdb.EachRow(ctx, db, "SELECT 1 UNION SELECT 2", func(*sql.Rows) error {
			seen++
			return nil
		}))
		require.ErrorIs(t, shopdb.EachRow(ctx, db, "SELECT 1", func(*sql.Rows) error { return failed }), failed)
		require.NoError(t, db.Close())
		cancel()
		return failed
	})
	require.ErrorIs(t, err, failed)
	require.Equal(t, 2, seen)
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
	require.ErrorContains(t, shopdb.With(t.Context(), "oracle", nil), "neither sqlite nor postgres")
	_, err = shopdb.Open("oracle", "", 1)
	require.Error(t, err)
}
