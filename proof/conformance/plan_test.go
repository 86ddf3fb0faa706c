//go:build !race

package conformance

import (
	"database/sql"
	"testing"
	"time"

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
				for _, table := range []string{"message", "queue", "attempt", "entry", "task", "destination"} {
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
				few = f.swept(t).claimPages(t)
			}
			f.keep(t, 990_000)
			f.entries(t, 10_000, 190_000)
			f.requireIndexed(t, "most kept, analyzed before")
			f.exec(t, "ANALYZE")
			f.requireIndexed(t, "most kept, analyzed")
			if s.dialect == sqlstore.PostgreSQL {
				many := f.swept(t).claimPages(t)
				require.LessOrEqual(t, many, few+few/2, "pages read by a claim beside a million kept messages, and beside ten thousand")
				f.requireBoundedBesideSnapshot(t, many)
			}
			f.exec(t, "DELETE FROM amsbridge_queue")
			f.requireIndexed(t, "most kept, none waiting, analyzed before")
			f.exec(t, "ANALYZE")
			f.requeue(t)
			f.requireIndexed(t, "40,000 waiting, analyzed while empty")
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

// claimPages returns how many pages a claim reads; it gives back what it took.
func (f *filled) claimPages(t *testing.T) int {
	t.Helper()
	least := 0
	for range 3 {
		f.plans.pages, f.plans.counted = 0, true
		batch := f.claimed(t)
		f.plans.counted = false
		if least == 0 || f.plans.pages < least {
			least = f.plans.pages
		}
		for i := range batch {
			batch[i].State, batch[i].Deferred, batch[i].Unlogged = outbox.StatePending, true, true
		}
		_, err := f.core.Settle(t.Context(), batch)
		require.NoError(t, err)
	}
	return least
}

// claimed claims 500 messages, and returns what settles them as delivered.
func (f *filled) claimed(t *testing.T) (batch []outbox.Settlement) {
	t.Helper()
	req := outbox.ClaimRequest{Token: outbox.NewToken(), By: "plan", Lease: time.Hour, Limit: 500, DestinationLimit: 500, KeyLimit: 10, ProbeEvery: time.Hour}
	claim, err := f.core.Claim(t.Context(), req)
	require.NoError(t, err)
	require.NotEmpty(t, claim.Leased)
	for _, l := range claim.Leased {
		batch = append(batch, outbox.Settlement{
			Message: l.Message, Token: req.Token, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered,
		})
	}
	return batch
}

// requireBoundedBesideSnapshot delivers while another transaction keeps the
// database from clearing away: a claim steps over each dead row about once.
func (f *filled) requireBoundedBesideSnapshot(t *testing.T, quiet int) {
	t.Helper()
	f.swept(t)
	old, err := f.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	var n int
	require.NoError(t, old.QueryRowContext(t.Context(), "SELECT count(*) FROM amsbridge_destination").Scan(&n))
	dead := 0
	for range 8 {
		batch := f.claimed(t)
		acked, err := f.core.Settle(t.Context(), batch)
		require.NoError(t, err)
		dead += len(acked)
	}
	require.Greater(t, dead, 3000)
	require.LessOrEqual(t, f.claimPages(t), quiet+quiet/2+2*dead, "pages read by a claim beside %d dead rows", dead)
	require.NoError(t, old.Rollback())
}
