package conformance

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// The largest order that is kept, and one beyond it, are no error of a paid checkout, with the largest
// statement that a database takes by default.
func TestTheLargestOrderIsNoError(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{{ID: "gala", ShowKey: 7, AddOnKeys: []int64{1}}}})
		require.NoError(t, err)
		hook, err := amsbridge.NewHook(e.store, amsbridge.HookConfig{Catalog: catalog, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		for lines, large := range map[int]bool{26_000: false, 30_000: true} {
			o := amsbridge.Order{ID: fmt.Sprint("O-", lines), Buyer: amsbridge.User{ID: "U-1", FirstName: "Anna", LastName: "A", Email: "anna@example.org"}}
			for i := range lines {
				id := fmt.Sprintf("%05d%s", i, strings.Repeat("€", 83)) // its open seats are a task
				o.Lines = append(o.Lines, amsbridge.Line{ID: id, ProductID: "gala", Quantity: 2})
			}
			tx, err := e.db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			report, err := hook.OrderCompleted(t.Context(), tx, o)
			require.NoError(t, err, "%d lines", lines)
			require.Equal(t, large, len(report.Entries) == 1, "%d lines", lines)
			last, err := e.store.LastEntryTx(t.Context(), tx, "", o.ID, 0)
			require.NoError(t, err)
			if !large {
				require.Greater(t, len(last.Body), outbox.MaxBody*7/8)
				require.Contains(t, last.Tasks[len(last.Tasks)-1].Text, "more tasks")
			}
			require.NoError(t, tx.Rollback())
		}
	})
}
