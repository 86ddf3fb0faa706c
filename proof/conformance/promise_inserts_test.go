package conformance

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// hookTables are those in which the hook's calls insert and look up.
var hookTables = []string{"message", "queue", "attempt", "entry", "task"}

// allTables are the outbox's, but for the schema's version.
var allTables = append(slices.Clone(hookTables), "destination", "audit", "progress")

// table returns the rows of one of the outbox's tables, as text.
func (e *env) table(t *testing.T, name string) (out []string) {
	t.Helper()
	out = e.rows(t, "SELECT * FROM amsbridge_"+name)
	slices.Sort(out)
	return out
}

// everyCall makes each call of the hook, with all that can come of it, about an order that it made
// round times before.
func everyCall(t *testing.T, s *shopTx, id string, round int) {
	t.Helper()
	first := purchase(id, member("U-1"), "course", "dinner", "nowhere")
	must := func(r *amsbridge.Report, err error) *amsbridge.Report {
		t.Helper()
		require.NoError(t, err)
		return r
	}
	must(s.complete(first))
	require.NotContains(t, did(must(s.complete(first))), amsbridge.DidQueued)
	swapped := purchase(id, member("U-1"), "course", "dinner", "lunch")
	swapped.Version, swapped.Lines[1].Attendees = int64(1+round), []amsbridge.User{member(fmt.Sprint("U-", 2+round))}
	require.Contains(t, did(must(s.complete(swapped))), amsbridge.DidTakingBack)
	one, all := fmt.Sprint("R-1-", round), fmt.Sprint("R-2-", round)
	require.Contains(t, did(must(s.refund(refundOf(one, id, "1")))), amsbridge.DidTakingBack)
	require.Equal(t, []amsbridge.Did{"refunded"}, did(must(s.refund(refundOf(one, id, "1")))))
	require.Contains(t, did(must(s.reverse(one, swapped))), amsbridge.DidQueued)
	require.Contains(t, did(must(s.refund(amsbridge.Refund{ID: all, OrderID: id, All: true}))), amsbridge.DidTakingBack)
	require.Contains(t, did(must(s.reverse(all, swapped))), amsbridge.DidQueued)
	must(s.refund(refundOf(one, "before "+id, "1")))
	must(s.reverse(all, purchase("reversed "+id, member("U-1"), "course")))
	_, err := s.all(purchase("b "+id, member("U-1"), "course"), purchase("a "+id, member("U-1"), "course"))
	require.NoError(t, err)
}

// A role that may only insert and look up makes every call of the hook; on SQLite, which has no roles,
// triggers refuse the rest.
func TestPromise13_TheCheckoutsRoleInsertsAndLooksUp(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx := t.Context()
		e.complete(t, purchase("1", member("U-1"), "course"))
		password, role := rand.Text(), "t"+strings.ToLower(rand.Text())[:12]
		exec := func(format string, a ...any) {
			t.Helper()
			_, err := e.db.ExecContext(ctx, fmt.Sprintf(format, a...))
			require.NoError(t, err)
		}
		shop := e
		switch e.dialect {
		case sqlstore.SQLite:
			for _, table := range allTables {
				for _, verb := range []string{"UPDATE", "DELETE"} {
					exec("CREATE TRIGGER no_%[1]s_%[2]s BEFORE %[2]s ON amsbridge_%[1]s BEGIN SELECT RAISE(ABORT, 'not an insert'); END", table, verb)
				}
			}
		case sqlstore.PostgreSQL:
			exec("CREATE ROLE %s", role)
			t.Cleanup(func() {
				for _, drop := range []string{"DROP OWNED BY ", "DROP ROLE "} {
					_, err := e.db.ExecContext(context.Background(), drop+role)
					require.NoError(t, err)
				}
			})
			for _, table := range hookTables {
				exec("GRANT SELECT, INSERT ON amsbridge_%s TO %s", table, role)
			}
		case sqlstore.MySQL:
			exec("CREATE USER %s IDENTIFIED BY '%s'", role, password)
			t.Cleanup(func() {
				_, err := e.db.ExecContext(context.Background(), "DROP USER "+role)
				require.NoError(t, err)
			})
			for _, table := range hookTables {
				exec("GRANT SELECT, INSERT ON amsbridge_%s TO %s", table, role)
			}
			as, err := mysql.ParseDSN(e.dsn)
			require.NoError(t, err)
			as.User, as.Passwd = role, password
			shop = &env{setup: e.setup, db: open(t, "mysql", as.FormatDSN()), dsn: e.dsn}
			store, err := sqlstore.New(ctx, sqlstore.Config{DB: shop.db, Dialect: e.dialect})
			require.NoError(t, err)
			shop.store = store
		}
		for _, id := range []string{"1", "2"} {
			s := shop.beginShop(t)
			if e.dialect == sqlstore.PostgreSQL {
				require.NoError(t, s.exec("SET LOCAL ROLE "+role))
			}
			everyCall(t, s, id, 0)
			require.NoError(t, s.commit())
		}
	})
}

// Every call of the hook, about an order that was there before and about others, leaves each row as
// it was, whatever a sender has made of it.
func TestPromise13_NoRowThatWasThereChanges(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		for _, id := range []string{"1", "2"} {
			s := e.beginShop(t)
			everyCall(t, s, id, 0)
			require.NoError(t, s.commit())
			sender := e.takeOver(t)
			for i, h := range sender.begin(t) {
				if i%2 == 0 {
					require.True(t, sender.settle(t, h, nil))
				}
			}
		}
		e.complete(t, purchase("3", member("U-1"), "dinner", "nowhere"))
		op, err := outbox.NewOperator(e.store, outbox.OperatorConfig{})
		require.NoError(t, err)
		require.NoError(t, op.Pause(t.Context(), outbox.Actor{Name: "pat"}, "elevate", "a look"))
		before := map[string][]string{}
		for _, table := range allTables {
			before[table] = e.table(t, table)
		}
		for round, id := range map[int]string{1: "2", 0: "4"} {
			s := e.beginShop(t)
			everyCall(t, s, id, round)
			require.NoError(t, s.commit())
		}
		for _, table := range allTables {
			require.Subset(t, e.table(t, table), before[table], table)
			if !slices.Contains(hookTables[:2], table) && table != "entry" {
				require.Len(t, e.table(t, table), len(before[table]), table)
			}
		}
	})
}

// A transaction that refunded an order, and stays open, keeps nobody waiting: neither the senders, with
// what the same person and others bought before it and meanwhile, nor other checkouts.
func TestPromise13_AnOpenRefundKeepsNobodyWaiting(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		if e.dialect == sqlstore.SQLite {
			t.Skip("SQLite's writers go one after another")
		}
		p := newPlatform()
		refunded := purchase("refunded", member("U-1"), "dinner", "course")
		e.complete(t, refunded)
		stop := e.serve(t, p)
		e.settleAll(t)
		stop()
		e.complete(t, purchase("half", member("U-1"), "brunch"))
		person := func(i int) amsbridge.User { return member(fmt.Sprint("U-", 1+i%4)) }
		for i := range 20 {
			e.complete(t, purchase(fmt.Sprint("before-", i), person(i), "lunch"))
		}
		held := e.beginShop(t)
		for _, id := range []string{"refunded", "half"} {
			_, err := held.refund(refundOf("R-"+id, id, "1"))
			require.NoError(t, err)
		}
		_, err := held.complete(purchase("also", member("U-1"), "course-2"))
		require.NoError(t, err)
		e.serve(t, p)
		for i := range 20 {
			e.complete(t, purchase(fmt.Sprint("meanwhile-", i), person(i), "lunch"))
		}
		e.settleAll(t)
		op, err := outbox.NewOperator(e.store, outbox.OperatorConfig{})
		require.NoError(t, err)
		require.NoError(t, op.Pause(t.Context(), outbox.Actor{Name: "pat"}, "elevate", "a look"))
		require.NoError(t, op.Resume(t.Context(), outbox.Actor{Name: "pat"}, "elevate", "seen"))
		require.Subset(t, p.everything(), []string{"U-1 10342", "U-1 4", "U-1 3", "U-2 3", "U-3 3", "U-4 3"})
		p.mu.Lock()
		require.Len(t, p.gives, 43)
		p.mu.Unlock()
		require.NoError(t, held.commit())
		until(t, func() bool { return slices.Contains(p.everything(), "U-1 C-2") }, "what it committed is sent")
		e.settleAll(t)
		require.Equal(t, []string{"U-1 3", "U-1 C-1", "U-1 C-2", "U-2 3", "U-3 3", "U-4 3"}, p.everything())
	})
}

// Transactions about orders of one person, of which none has committed, do not wait for each other.
func TestPromise13_CheckoutsDoNotWaitForEachOther(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		if e.dialect == sqlstore.SQLite {
			t.Skip("SQLite's writers go one after another")
		}
		for i := range 3 {
			s := e.beginShop(t)
			everyCall(t, s, fmt.Sprint("old-", i), 0)
			require.NoError(t, s.commit())
		}
		limit := "SET LOCAL lock_timeout = '2s'"
		if e.dialect == sqlstore.MySQL {
			limit = "SET SESSION innodb_lock_wait_timeout = 2"
		}
		var open []*shopTx
		for i := range 3 {
			s := e.beginShop(t)
			open = append(open, s)
			require.NoError(t, s.exec(limit))
			everyCall(t, s, fmt.Sprint("new-", i), 0)
			everyCall(t, s, fmt.Sprint("old-", i), 1)
		}
		for _, s := range open {
			require.NoError(t, s.commit())
		}
	})
}
