package conformance

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// dump returns all that the outbox's tables hold.
func (e *env) dump(t *testing.T) string {
	t.Helper()
	list := map[sqlstore.Dialect]string{
		sqlstore.PostgreSQL: "SELECT tablename FROM pg_tables WHERE tablename LIKE 'amsbridge%'",
		sqlstore.SQLite:     "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'amsbridge%'",
		sqlstore.MySQL:      "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'amsbridge%'",
	}[e.dialect]
	var text strings.Builder
	tables := 0
	for _, table := range e.rows(t, list) {
		tables++
		for _, row := range e.rows(t, "SELECT * FROM "+table) {
			text.WriteString(table + ": " + row + "\n")
		}
	}
	require.GreaterOrEqual(t, tables, 6)
	return text.String()
}

// rows returns each row as text, bytes as they are.
func (e *env) rows(t *testing.T, query string) (out []string) {
	t.Helper()
	rows, err := e.db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		var cells []string
		for _, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			cells = append(cells, fmt.Sprint(v))
		}
		out = append(out, strings.Join(cells, " | "))
	}
	require.NoError(t, rows.Err())
	return out
}

// disguises are the forms in which a text could be kept.
func disguises(s string) []string {
	return []string{
		s, hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte(s)),
		base64.RawURLEncoding.EncodeToString([]byte(s)), fmt.Sprintf("%q", s), strings.ToUpper(hex.EncodeToString([]byte(s))),
	}
}

// Once all has left the queue, by whatever way, no name and no e-mail address
// is left in the outbox, nor what a destination put in its errors against the rules.
func TestNothingPersonalIsLeftOnceAllIsSettled(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx, hook := t.Context(), e.hook(t)
		planted := []string{"planted.mail@example.org", "Plantedfirst", "Plantedlast"}
		const secret = "planted-secret-token"
		who := func(id string) amsbridge.User {
			return amsbridge.User{ID: amsbridge.UserID(id), FirstName: planted[1], LastName: planted[2], Email: planted[0]}
		}
		complete := func(f func(context.Context, *sql.Tx, amsbridge.Order) (*amsbridge.Queued, error), o amsbridge.Order) *amsbridge.Queued {
			var q *amsbridge.Queued
			e.inTx(t, func(tx *sql.Tx) (err error) {
				q, err = f(ctx, tx, o)
				return err
			})
			return q
		}
		for i := range 4 {
			complete(hook.OrderCompleted, purchase(fmt.Sprint("sound-", i), who(fmt.Sprint("U-", i)), "course", "dinner", "lunch"))
		}
		mended := purchase("mended", who("U-10"), "course", "nowhere")
		mended.Buyer.Email += " " + planted[0]
		require.Len(t, complete(hook.OrderCompleted, mended).Parked, 2)
		mended.Buyer.Email = planted[0]
		mended.Lines = mended.Lines[:1]
		require.Len(t, complete(hook.Rebuild, mended).Messages, 1)
		e.inTx(t, func(tx *sql.Tx) error {
			q, err := hook.OrderCompleted(ctx, tx, purchase("withdrawn", who("U-11"), "course"))
			require.NoError(t, err)
			_, err = e.store.WithdrawTx(ctx, tx, q.Messages[0].ID)
			return err
		})
		for _, id := range []string{"rejected-1", "rejected-2"} {
			complete(hook.OrderCompleted, purchase(id, who("U-"+id), "course"))
		}
		for _, p := range planted {
			require.Contains(t, e.dump(t), p, "while it waits")
		}

		var mu sync.Mutex
		tries := map[outbox.ID]int{}
		careless := deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			mu.Lock()
			tries[m.ID]++
			n := tries[m.ID]
			mu.Unlock()
			switch {
			case strings.HasPrefix(m.Subject, "rejected"):
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "no such product"}
			case n == 1:
				return outbox.Result{}, errors.New(secret + " " + string(m.Profile))
			case n == 2:
				panic(secret + " " + string(m.Profile))
			}
			require.Contains(t, string(m.Profile), planted[0])
			return outbox.Result{Receipt: amsbridge.Receipt{ProductURL: "https://learn.example.org/c"}.Encode()}, nil
		})
		e.send(t, e.store, quick(outbox.Fixed{"elevate": careless, "notified": careless}))
		until(t, func() bool { return e.pending(t) == 0 }, "all are sent")
		op, err := outbox.NewOperator(e.store, outbox.OperatorConfig{})
		require.NoError(t, err)
		parked, err := e.store.Find(ctx, outbox.Query{States: []outbox.State{outbox.StateParked}})
		require.NoError(t, err)
		require.Len(t, parked, 3, "two that were rejected, and the stand-in")
		for i, r := range parked {
			end := op.MarkDone
			if i == 0 {
				end = op.Discard
			}
			require.NoError(t, end(ctx, outbox.Actor{Name: "pat"}, r.ID, "looked at"))
		}
		left := e.dump(t)
		require.Contains(t, left, "U-10", "the user ID is kept")
		for _, p := range append(planted, secret) {
			for _, form := range disguises(p) {
				require.NotContains(t, left, form)
			}
		}
	})
}
