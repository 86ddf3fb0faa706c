package conformance

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// rows returns the messages of an order.
func (e *env) messages(t *testing.T, order string) []outbox.Record {
	t.Helper()
	all, err := e.store.Find(t.Context(), outbox.Query{Subject: order})
	require.NoError(t, err)
	return all
}

// A repeat writes nothing, before the delivery and after it, whatever changed of
// names, addresses and the order of lines.
func TestPromise10_ARepeatChangesNothing(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		p := newPlatform()
		o := purchase("1001", member("U-1"), "course", "dinner", "lunch")
		require.Equal(t, []amsbridge.Did{"queued", "queued", "queued"}, did(e.complete(t, o)))
		repeat := func() {
			t.Helper()
			before, entries := e.messages(t, "1001"), e.table(t, "entry")
			again := o
			again.Lines = slices.Clone(o.Lines)
			slices.Reverse(again.Lines)
			for range 3 {
				require.Equal(t, []amsbridge.Did{"unchanged", "unchanged", "unchanged"}, did(e.complete(t, again)))
			}
			require.Equal(t, before, e.messages(t, "1001"))
			require.Equal(t, entries, e.table(t, "entry"))
		}
		repeat()
		e.serve(t, p)
		e.settleAll(t)
		repeat()
		o.Buyer.FirstName, o.Buyer.Email = "Augusta", "augusta@example.org"
		repeat()
		require.Equal(t, []string{"give U-1 10342, U-1 9985", "give U-1 3", "give U-1 C-1"}, sortedCalls(p))
		require.Empty(t, e.tasks(t))
	})
}

// sortedCalls are the platform's calls, with their units sorted.
func sortedCalls(p *platform) []string {
	calls := p.took()
	for i, c := range calls {
		if c == "give U-1 9985, U-1 10342" {
			calls[i] = "give U-1 10342, U-1 9985"
		}
	}
	slices.Sort(calls)
	return calls
}

// An order that changes gives what is new. What its data cannot decide is a task, and
// no error.
func TestPromise10_AnOrderThatChangesIsNoError(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		p := newPlatform()
		e.serve(t, p)
		o := purchase("1001", member("U-1"), "dinner")
		e.complete(t, o)
		e.settleAll(t)
		o = purchase("1001", member("U-1"), "dinner", "lunch", "course")
		require.Equal(t, []amsbridge.Did{"queued", "queued", "unchanged"}, did(e.complete(t, o)))
		e.settleAll(t)
		require.Equal(t, []string{"U-1 10342", "U-1 3", "U-1 9985", "U-1 C-1"}, p.everything())
		p.took()
		for name, c := range map[string]struct {
			order amsbridge.Order
			other bool
		}{
			"another product":  {purchase("1001", member("U-1"), "lunch", "lunch", "course"), false},
			"another person":   {purchase("1001", member("U-2"), "dinner", "lunch", "course"), true},
			"unknown product":  {purchase("1001", member("U-1"), "dinner", "nowhere"), false},
			"no lines":         {purchase("1001", member("U-1")), false},
			"no ID":            {purchase("0", member("U-1"), "dinner"), false},
			"no person's ID":   {purchase("1002", member("null"), "dinner"), false},
			"quantity of none": {amsbridge.Order{ID: "1003", Buyer: member("U-1"), Lines: []amsbridge.Line{{ID: "1", ProductID: "dinner"}}}, false},
		} {
			r := e.complete(t, c.order)
			require.NotEmpty(t, r.NeedsStaff(), name)
			require.Equal(t, c.other, r.OtherOrder, name)
		}
		e.settleAll(t)
		require.Empty(t, p.took())
		require.NotEmpty(t, e.tasks(t))
	})
}

// Attendees are swapped and swapped back: each has what the newest report says. One without a version may
// be old: nobody is taken for it, whoever it names.
func TestPromise10_SwapsAndTheirOldReports(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		p := newPlatform()
		e.serve(t, p)
		at := func(version int64, who string) amsbridge.Order {
			o := purchase("1001", member("U-0"), "dinner")
			o.Version, o.Lines[0].Attendees = version, []amsbridge.User{member(who)}
			return o
		}
		for i, c := range []struct {
			version int64
			who     string
			has     string
		}{{1, "U-1", "U-1"}, {2, "U-2", "U-2"}, {1, "U-1", "U-2"}, {0, "U-1", "U-2"}, {0, "U-3", "U-2"}, {3, "U-1", "U-1"}, {4, "U-2", "U-2"}} {
			e.complete(t, at(c.version, c.who))
			e.settleAll(t)
			require.Equal(t, []string{c.has + " 10342", c.has + " 9985"}, p.everything(), i)
		}
		require.Empty(t, e.tasks(t))
		require.Empty(t, e.parked(t))
	})
}

// Two processes report one order at once, the same and with other lines: each
// line is given once, and all are known in the end.
func TestPromise10_ConcurrentReports(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		processes := []*env{e, e.setup.openAt(t, e.dsn)}
		reports := []amsbridge.Order{
			purchase("1001", member("U-1"), "course", "dinner"),
			purchase("1001", member("U-1"), "course", "dinner", "lunch"),
			purchase("1001", member("U-1"), "course", "dinner", "lunch", "course-2"),
		}
		var wg sync.WaitGroup
		errs := make(chan error, 18)
		for i := range cap(errs) {
			wg.Go(func() {
				errs <- processes[i%2].shop(t, func(s *shopTx) error {
					_, err := s.complete(reports[i%3])
					return err
				})
			})
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		require.Len(t, e.messages(t, "1001"), 4)
		r := e.complete(t, reports[2])
		require.Equal(t, []amsbridge.Did{"unchanged", "unchanged", "unchanged", "unchanged"}, did(r))
		require.Empty(t, e.tasks(t))
	})
}

// Of two reports at one moment the second waits for the first, and knows then what
// became of it.
func TestPromise10_TheSecondReportKnowsTheFirst(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		if e.dialect == sqlstore.SQLite {
			t.Skip("SQLite's writers go one after another")
		}
		for i, end := range []func(s *shopTx) error{func(s *shopTx) error { return s.commit() }, func(s *shopTx) error { s.rollback(); return nil }} {
			id := fmt.Sprint("100", i)
			first := e.beginShop(t)
			_, err := first.complete(purchase(id, member("U-1"), "dinner"))
			require.NoError(t, err)
			second, failed := make(chan *amsbridge.Report, 1), make(chan error, 1)
			go func() {
				failed <- e.shop(t, func(s *shopTx) error {
					r, err := s.complete(purchase(id, member("U-1"), "dinner", "course"))
					if err == nil {
						second <- r
					}
					return err
				})
			}()
			until(t, func() bool { return e.waiting(t) == 1 }, "the second report waits for the first")
			require.NoError(t, end(first))
			require.NoError(t, <-failed)
			want := []amsbridge.Did{"queued", "unchanged"}
			if i == 1 {
				want[1] = "queued"
			}
			require.Equal(t, want, did(<-second))
			require.Len(t, e.messages(t, id), 2)
		}
	})
}

// Two orders in one transaction, one of them twice, and one reported again after a
// roll-back to a savepoint.
func TestPromise10_SeveralReportsInOneTransaction(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		s := e.beginShop(t)
		reports, err := s.all(purchase("1002", member("U-1"), "course"), purchase("1001", member("U-1"), "dinner"),
			purchase("1002", member("U-1"), "course", "lunch"))
		require.NoError(t, err)
		require.Equal(t, []amsbridge.Did{"queued"}, did(reports[0]))
		require.Equal(t, []amsbridge.Did{"queued"}, did(reports[1]))
		require.Equal(t, []amsbridge.Did{"queued", "unchanged"}, did(reports[2]))
		for range 2 {
			require.NoError(t, s.exec("SAVEPOINT a"))
			r, err := s.complete(purchase("1003", member("U-2"), "course"))
			require.NoError(t, err)
			require.Equal(t, []amsbridge.Did{"queued"}, did(r))
			r, err = s.complete(purchase("1001", member("U-1"), "dinner", "course-2"))
			require.NoError(t, err)
			require.Equal(t, []amsbridge.Did{"queued", "unchanged"}, did(r))
			require.NoError(t, s.exec("ROLLBACK TO SAVEPOINT a"))
		}
		r, err := s.complete(purchase("1003", member("U-2"), "course"))
		require.NoError(t, err)
		require.Equal(t, []amsbridge.Did{"queued"}, did(r))
		r, err = s.refund(refundOf("R-1", "1003", "1"))
		require.NoError(t, err)
		require.Contains(t, did(r), amsbridge.DidTakingBack)
		require.NoError(t, s.commit())
		p := newPlatform()
		e.serve(t, p)
		e.settleAll(t)
		require.Equal(t, []string{"U-1 10342", "U-1 3", "U-1 9985", "U-1 C-1"}, p.everything())
	})
}
