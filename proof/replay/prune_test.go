package replay

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlreplay"
)

// Rows go an hour after their time, by the database's clock or ours, and not a
// moment before.
func TestRowsAreDeletedAfterTheirTimeAndNeverBefore(t *testing.T) {
	each(t, setups, func(t *testing.T, s setup) {
		for name, clock := range map[string]func() time.Time{
			"the database's clock": nil,
			"our clock":            func() time.Time { return time.Now().Add(30 * 24 * time.Hour) },
		} {
			t.Run(name, func(t *testing.T) {
				db, _ := s.migrated(t)
				store := s.store(t, db, sqlreplay.Config{Now: clock})
				now := time.Now()
				if clock != nil {
					now = clock()
				}
				kept := map[string]time.Duration{"valid": time.Minute, "just ended": -time.Second, "ended 59 minutes ago": -59 * time.Minute}
				gone := map[string]time.Duration{"ended 61 minutes ago": -61 * time.Minute, "ended yesterday": -24 * time.Hour}
				for id, after := range kept {
					consumeUntil(t, store, id, now.Add(after), true)
				}
				for id, after := range gone {
					consumeUntil(t, store, id, now.Add(after), true)
				}
				deleted, err := store.Prune(t.Context())
				require.NoError(t, err)
				require.EqualValues(t, len(gone), deleted)
				for id := range kept {
					consume(t, store, id, false)
				}
				deleted, err = store.Prune(t.Context())
				require.NoError(t, err)
				require.Zero(t, deleted)
			})
		}
	})
}

// backlog inserts rows of tokens that ended long ago.
func backlog(t *testing.T, s setup, db *sql.DB, rows int) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	statement := "INSERT INTO amsbridge_replay (id, keep_until, issuer, audience, token_id) VALUES (?, ?, ?, ?, ?)"
	if s.dialect == sqlreplay.PostgreSQL {
		statement = "INSERT INTO amsbridge_replay (id, keep_until, issuer, audience, token_id) VALUES ($1, $2, $3, $4, $5)"
	}
	for i := range rows {
		id := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		_, err := tx.ExecContext(t.Context(), statement, id[:], i, []byte("i"), []byte("a"), []byte("t"))
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
}

func TestPruneDeletesABacklogInBatches(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		backlog(t, s, db, 1203)
		store, err := sqlreplay.New(sqlreplay.Config{DB: db, Dialect: s.dialect})
		require.NoError(t, err)

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = store.Prune(ended)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 1203, count(t, db, "amsbridge_replay"))

		consume(t, store, "the first to come", true)
		left := count(t, db, "amsbridge_replay")
		require.Less(t, left, 1204, "whoever is first deletes a batch")
		require.Greater(t, left, 1+1203/2, "and no more")
		deleted, err := store.Prune(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, left-1, deleted)
		consume(t, store, "the first to come", false)
	})
}

// Tables do not grow, whoever calls Prune or not.
func TestConsumeDeletesFasterThanItInserts(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		store := s.store(t, db, sqlreplay.Config{})
		for i := range 10 {
			for n := range 64 {
				consumeUntil(t, store, fmt.Sprintf("%d of round %d", n, i), time.Now().Add(-2*time.Hour), true)
			}
			require.LessOrEqual(t, count(t, db, "amsbridge_replay"), 1+64)
		}
	})
}
