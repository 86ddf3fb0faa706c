package conformance

import (
	"context"
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
		ctx := t.Context()
		planted := []string{"planted.mail@example.org", "Plantedfirst", "Plantedlast"}
		const secret = "planted-secret-token"
		who := func(id string) amsbridge.User {
			return amsbridge.User{ID: amsbridge.UserID(id), FirstName: planted[1], LastName: planted[2], Email: planted[0]}
		}
		for i := range 4 {
			e.complete(t, purchase(fmt.Sprint("sound-", i), who(fmt.Sprint("U-", i)), "course", "dinner", "lunch"))
		}
		mended := purchase("mended", who("U-10"), "course", "nowhere")
		mended.Buyer.Email += " " + planted[0]
		require.Len(t, e.complete(t, mended).NeedsStaff(), 2)
		mended.Buyer.Email = planted[0]
		require.Contains(t, did(e.complete(t, mended)), amsbridge.DidQueued)
		swapped := purchase("swapped", who("U-12"), "dinner", "course")
		e.complete(t, swapped)
		swapped.Version, swapped.Lines[0].Attendees = 1, []amsbridge.User{who("U-13")}
		require.Contains(t, did(e.complete(t, swapped)), amsbridge.DidTakingBack)
		e.complete(t, purchase("refunded", who("U-11"), "course", "dinner"))
		e.refund(t, amsbridge.Refund{ID: "R-1", OrderID: "refunded", All: true})
		for _, id := range []string{"rejected-1", "rejected-2"} {
			e.complete(t, purchase(id, who("U-"+id), "course"))
		}
		for _, p := range planted {
			require.Contains(t, e.dump(t), p, "while it waits")
		}

		var mu sync.Mutex
		tries := map[outbox.ID]int{}
		to, err := amsbridge.NewDestination(e.store, newPlatform(), amsbridge.DestinationConfig{})
		require.NoError(t, err)
		careless := deliverFunc(func(ctx context.Context, m outbox.Message) (outbox.Result, error) {
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
			if m.Kind == amsbridge.KindGive && !strings.Contains(string(m.Profile), planted[0]) {
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "its profile is gone"}
			}
			return to.Deliver(ctx, m)
		})
		cfg := quick(outbox.Fixed{"elevate": careless, "notified": careless})
		cfg.Breaker = outbox.Breaker{After: -1}
		e.send(t, e.store, cfg)
		e.settleAll(t)
		e.refund(t, amsbridge.Refund{ID: "R-2", OrderID: "sound-0", All: true})
		e.settleAll(t)
		op, err := outbox.NewOperator(e.store, outbox.OperatorConfig{})
		require.NoError(t, err)
		parked, err := e.store.Find(ctx, outbox.Query{States: []outbox.State{outbox.StateParked}})
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(parked), 3, "two that were rejected, and what is to be taken by hand")
		for i, r := range parked {
			end := op.MarkDone
			if i == 0 {
				end = op.Discard
			}
			require.NoError(t, end(ctx, outbox.Actor{Name: "pat"}, r.ID, "looked at"))
		}
		e.settleAll(t)
		left := e.dump(t)
		require.Contains(t, left, "U-10", "the user ID is kept")
		for _, p := range append(planted, secret) {
			for _, form := range disguises(p) {
				require.NotContains(t, left, form)
			}
		}
	})
}

// An order's entries hold no name, no address and no user ID, whatever is said of the order.
func TestEntriesNameNobody(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		planted := []string{"planted.mail@example.org", "Plantedfirst", "Plantedlast", "planted-member"}
		who := func(id string) amsbridge.User {
			return amsbridge.User{ID: amsbridge.UserID(planted[3] + id), FirstName: planted[1], LastName: planted[2], Email: planted[0]}
		}
		o := purchase("1001", who("1"), "course", "dinner", "nowhere")
		o.Lines[0].Quantity, o.Lines[0].Attendees = 3, []amsbridge.User{who("1"), who("2")}
		e.complete(t, o)
		o.Version, o.Lines[1].Attendees = 1, []amsbridge.User{who("3")}
		e.complete(t, o)
		o.Version, o.Lines[1].Attendees = 0, []amsbridge.User{who("4"), who("5")}
		e.complete(t, o)
		e.refund(t, amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{
			{LineID: "1", People: []amsbridge.UserID{who("2").ID, who("9").ID}, Seats: 1}, {LineID: "2", Seats: 1},
		}})
		e.complete(t, purchase("1001", who("6"), "dinner"))
		bad := who("7")
		bad.Email += " " + planted[2]
		e.complete(t, purchase("1002", bad, "course"))
		e.complete(t, purchase("0", who("8"), "course"))
		require.NotEmpty(t, e.tasks(t))
		text := strings.Join(e.table(t, "entry"), "\n")
		require.Contains(t, text, "1001")
		for _, p := range planted {
			for _, form := range disguises(p) {
				require.NotContains(t, text, form)
			}
		}
	})
}
