//go:build !race

package conformance

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

func (f *filled) requireIndexed(t *testing.T, when string) {
	t.Helper()
	f.plans.scans, f.plans.asked = nil, 0
	f.work(t, 50)
	require.Greater(t, f.plans.asked, 10, when)
	require.Empty(t, f.plans.scans, when)
}

// The hot path's statements use indexes where the outbox is young and where a
// million messages are kept, whatever the planner's statistics say.
//
// Nothing here is concurrent, and the detector of races makes SQLite, which is Go
// code, ten times as slow: make test runs it without.
func TestPlansUseIndexes(t *testing.T) {
	t.Parallel()
	for _, s := range []setup{setups[0], setups[2]} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := openFilled(t, s)
			if s.dialect == sqlstore.PostgreSQL {
				for _, table := range []string{"message", "queue", "attempt", "entry", "task", "destination", "session", "beat", "shard", "flight"} {
					f.exec(t, "ALTER TABLE amsbridge_"+table+" SET (autovacuum_enabled = off)")
				}
			}
			f.requireIndexed(t, "no rows, never analyzed")
			f.queue(t, 40_000)
			f.full = true
			f.requireIndexed(t, "40,000 waiting, never analyzed")
			f.exec(t, "ANALYZE")
			f.requireIndexed(t, "40,000 waiting, analyzed")
			f.keep(t, 10_000)
			f.entries(t, 0, 10_000)
			few := 0
			if s.dialect == sqlstore.PostgreSQL {
				few = f.swept(t).turnPages(t)
			}
			f.keep(t, 990_000)
			f.entries(t, 10_000, 190_000)
			f.requireIndexed(t, "most kept, analyzed before")
			f.exec(t, "ANALYZE")
			f.requireIndexed(t, "most kept, analyzed")
			if s.dialect == sqlstore.PostgreSQL {
				many := f.swept(t).turnPages(t)
				require.LessOrEqual(t, many, few+few/2, "pages read by a turn beside a million kept messages, and beside ten thousand")
				f.requireBoundedBesideSnapshot(t, many)
			}
			f.exec(t, "DELETE FROM amsbridge_queue")
			f.full = false
			f.requireIndexed(t, "most kept, none waiting, analyzed before")
			f.exec(t, "ANALYZE")
			f.requeue(t)
			f.full = true
			f.requireIndexed(t, "40,000 waiting, analyzed while empty")
			f.pause(t, 100_000)
			f.requireIndexed(t, "100,000 more paused, analyzed before")
			f.exec(t, "ANALYZE")
			f.requireIndexed(t, "100,000 paused, analyzed")
			f.exec(t, "DELETE FROM amsbridge_queue WHERE destination <> "+f.bytes("'elevate'"))
			f.requireIndexed(t, "none paused, analyzed while most were")
		})
	}
}

// swept clears away what no transaction in this database sees any more. Without
// it that would wait for the oldest transaction of the whole server, in whatever
// database.
func (f *filled) swept(t *testing.T) *filled {
	t.Helper()
	f.exec(t, "VACUUM amsbridge_queue")
	return f
}

// turnPages returns how many pages a sender's turn reads: a reading, a record, and a settlement that puts all back.
func (f *filled) turnPages(t *testing.T) int {
	t.Helper()
	least := 0
	for range 3 {
		s := join(t, f.core)
		f.plans.pages, f.plans.counted = 0, true
		begun := s.record(t, f.fresh(t, s, 500)...)
		f.plans.counted = false
		if least == 0 || f.plans.pages < least {
			least = f.plans.pages
		}
		require.NotEmpty(t, begun)
		_, err := f.core.Settle(t.Context(), outbox.Settling{Session: s.id, Over: []int64{s.n}})
		require.NoError(t, err)
		s.leave(t)
	}
	return least
}

// requireBoundedBesideSnapshot delivers while another transaction keeps the
// database from clearing away: a sender that goes on after its last reading steps over no dead row.
func (f *filled) requireBoundedBesideSnapshot(t *testing.T, quiet int) {
	t.Helper()
	f.swept(t)
	old, err := f.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	var n int
	require.NoError(t, old.QueryRowContext(t.Context(), "SELECT count(*) FROM amsbridge_destination").Scan(&n))
	s := join(t, f.core)
	owned := s.beat(t, outbox.Beat{}).Owned
	var last outbox.ID
	for round := range 8 {
		f.plans.pages, f.plans.counted = 0, true
		got, err := f.core.Read(t.Context(), outbox.Reading{Session: s.id, Shards: owned, After: last, Limit: 500})
		require.NoError(t, err)
		begun := s.record(t, got.Messages...)
		f.plans.counted = false
		require.Len(t, begun, 500)
		require.LessOrEqual(t, f.plans.pages, quiet+quiet/2, "pages read in round %d, each of which leaves 500 dead rows", round)
		last = got.Last
		settling := outbox.Settling{Session: s.id, Over: []int64{s.n}}
		for _, h := range begun {
			settling.Batch = append(settling.Batch, deliveredOf(h.Message))
		}
		settled, err := f.core.Settle(t.Context(), settling)
		require.NoError(t, err)
		require.Len(t, settled.Acked, 500)
	}
	s.leave(t)
	require.NoError(t, old.Rollback())
}
