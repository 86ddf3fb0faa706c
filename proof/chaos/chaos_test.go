package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/proof/shopdb"
)

// The short form of make chaos.
func TestPlatformsThatFailLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	shopdb.EachDialect(t, func(t *testing.T, dialect sqlstore.Dialect, dsn string) {
		seed := uint64(time.Now().UnixNano())
		report, err := Run(t.Context(), Config{Dialect: dialect, DSN: dsn, Orders: 150, Seed: seed, DeliverTimeout: 2 * time.Second})
		t.Logf("seed=%d %s\n%s", seed, report, report.More())
		require.NoError(t, err)
		require.NoError(t, report.Check())
		require.Equal(t, 150, report.Orders)
		require.Positive(t, report.RolledBack)
		require.Positive(t, report.Twice)
		require.Positive(t, report.TakenBack)
		require.Positive(t, report.ByHand)
		require.Positive(t, report.Mails)
		require.Positive(t, report.ByFate[string(stranger)], "72 hours pass")
		require.Greater(t, report.Ahead, 72*time.Hour)
	})
}

// The orders are what they must be for the counting to mean anything.
func TestMarket(t *testing.T) {
	t.Parallel()
	m := openMarket(Config{Orders: 3000, Seed: 1, Like: ada})
	require.Equal(t, m.seasons, openMarket(Config{Orders: 3000, Seed: 1, Like: ada}).seasons, "the seed decides")
	fates, orders, keys := map[fate]int{}, map[string]int{}, map[addOn]bool{}
	pushes, courses := map[push]bool{}, map[course]bool{}
	several, over := 0, 0
	for _, s := range m.sales {
		orders[string(s.order.Buyer.ID)]++
		for _, l := range s.order.Lines {
			if len(l.Attendees) > 1 {
				several++
			}
		}
		for _, w := range s.wants {
			fates[w.fate]++
			if !w.owed {
				over++
			}
			require.False(t, pushes[w.push], "one push twice: %v", w.push)
			pushes[w.push] = true
			if w.platform == toElevate {
				require.False(t, courses[course{w.person, w.what}], "one course twice: %v", w.push)
				courses[course{w.person, w.what}] = true
			}
			for _, k := range w.addOns {
				require.False(t, keys[addOn{w.person, w.show, k}], "one add-on twice: %v", w.push)
				keys[addOn{w.person, w.show, k}] = true
			}
		}
	}
	var r Report
	for _, acts := range m.seasons {
		r.countActs(acts)
	}
	require.Greater(t, min(r.Refunds, r.Reversals, r.Swaps), 300)
	require.Greater(t, over, 300)
	for _, f := range []fate{sound, draft, closed, unlisted, elsewhere, otherPackage, stranger, unmapped, malformed} {
		require.Positive(t, fates[f], f)
	}
	require.Greater(t, several, 100)
	require.Less(t, len(orders), 1100, "persons share ordering keys")

	for _, s := range openMarket(Config{Orders: 1000, Seed: 2, Like: ada, Harmless: true}).sales {
		for _, w := range s.wants {
			require.Equal(t, sound, w.fate)
		}
	}
}
