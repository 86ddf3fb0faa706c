package conformance

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// program is one of the shop's: a store, and transactions of its own.
type program[Tx any] struct {
	store interface {
		outbox.Writer[Tx]
		outbox.Queue
		outbox.Inspector
	}
	inTx func(ctx context.Context, wake func(), fn func(Tx) error) error
}

func sqlProgram(t *testing.T, dialect sqlstore.Dialect, driver, dsn string) program[*sql.Tx] {
	t.Helper()
	db := open(t, driver, dsn)
	store, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: dialect})
	require.NoError(t, err)
	return program[*sql.Tx]{store, func(ctx context.Context, wake func(), fn func(*sql.Tx) error) error {
		return sqlstore.InTx(ctx, db, wake, fn)
	}}
}

func pgxProgram(t *testing.T, dsn string) program[pgx.Tx] {
	t.Helper()
	pool := openPool(t, dsn)
	store, err := pgxstore.New(t.Context(), pgxstore.Config{DB: pool})
	require.NoError(t, err)
	return program[pgx.Tx]{store, func(ctx context.Context, wake func(), fn func(pgx.Tx) error) error {
		return pgxstore.InTx(ctx, pool, wake, fn)
	}}
}

func openPool(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// programs are those that do a shop's work. All of them may be one.
type programs[Tx any] struct{ checkout, refunds, sender, operator, eraser program[Tx] }

func oneProgram[Tx any](p program[Tx]) programs[Tx] { return programs[Tx]{p, p, p, p, p} }

// hookOf is a hook on a program's store, with the catalogue of these tests.
func hookOf[Tx any](t *testing.T, p program[Tx]) *amsbridge.Hook[Tx] {
	t.Helper()
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "course", RemoteProductID: "C-1"},
		{ID: "course-2", RemoteProductID: "C-2"},
		{ID: "dinner", ShowKey: 7, AddOnKeys: []int64{9985, 10342}},
	}})
	require.NoError(t, err)
	hook, err := amsbridge.NewHook[Tx](p.store, amsbridge.HookConfig{Catalog: catalog})
	require.NoError(t, err)
	return hook
}

// shopDay is a day of a shop: every call that each of its programs makes, with all that
// can come of it.
type shopDay[Tx any] struct {
	programs[Tx]
	t *testing.T
}

func (d shopDay[Tx]) play() {
	d.t.Helper()
	d.sell()
	d.refundUnsent()
	parked := d.send()
	d.operate(parked)
	d.refundSent()
	d.forget()
}

func (d shopDay[Tx]) complete(o amsbridge.Order) (q *amsbridge.Queued, err error) {
	hook := hookOf(d.t, d.checkout)
	err = d.checkout.inTx(d.t.Context(), nil, func(tx Tx) error {
		q, err = hook.OrderCompleted(d.t.Context(), tx, o)
		return err
	})
	return q, err
}

// sell reports orders of one and of several messages, again, changed, defective
// and sound after that.
func (d shopDay[Tx]) sell() {
	t := d.t
	t.Helper()
	two := purchase("1001", member("U-1"), "course", "dinner")
	for i := range 2 {
		for _, o := range []amsbridge.Order{two, purchase("1002", member("U-2"), "course"), purchase("1003", member("U-3"), "course", "dinner")} {
			q, err := d.complete(o)
			require.NoError(t, err)
			for _, m := range q.Messages {
				require.Equal(t, i > 0, m.Duplicate)
			}
		}
	}
	_, err := d.complete(purchase("1001", member("U-1"), "course-2", "dinner"))
	var conflict *outbox.ConflictError
	require.ErrorAs(t, err, &conflict)
	for _, id := range []string{"1004", "1005", "1006"} {
		defective := purchase(id, member("U-4"), "course", "dinner")
		defective.Buyer.Email = "nonsense"
		q, err := d.complete(defective)
		require.NoError(t, err)
		require.NotEmpty(t, q.Parked)
	}
	_, err = d.complete(purchase("1004", member("U-4"), "course", "dinner"))
	require.NoError(t, err)
}

// refundUnsent withdraws an order, and rebuilds another one.
func (d shopDay[Tx]) refundUnsent() {
	t, ctx := d.t, d.t.Context()
	t.Helper()
	hook := hookOf(t, d.refunds)
	require.NoError(t, d.refunds.inTx(ctx, nil, func(tx Tx) error {
		r, err := hook.OrderRefunded(ctx, tx, amsbridge.Refund{ID: "r-1", OrderID: "1003"})
		if err == nil {
			require.Len(t, r.Withdrawn, 2)
		}
		return err
	}))
	require.NoError(t, d.refunds.inTx(ctx, nil, func(tx Tx) error {
		q, err := hook.Rebuild(ctx, tx, purchase("1004", member("U-4"), "course", "dinner"))
		if err == nil {
			require.Len(t, q.Messages, 1)
		}
		return err
	}))
}

// refundSent takes back what was delivered, and sends that.
func (d shopDay[Tx]) refundSent() {
	t, ctx := d.t, d.t.Context()
	t.Helper()
	hook := hookOf(t, d.refunds)
	require.NoError(t, d.refunds.inTx(ctx, nil, func(tx Tx) error {
		r, err := hook.OrderRefunded(ctx, tx, amsbridge.Refund{ID: "r-2", OrderID: "1001"})
		if err == nil {
			require.Len(t, r.Removals, 1)
			require.Len(t, r.Tasks, 1)
		}
		return err
	}))
	fine := deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) { return outbox.Result{}, nil })
	_, stop := (&env{}).send(t, d.sender.store, quick(outbox.Fixed{"elevate": fine, "notified": fine}))
	d.untilPending(0)
	stop()
}

// send sends all there is, while each platform fails in every way once, and
// returns what is parked.
func (d shopDay[Tx]) send() (parked []outbox.Record) {
	t := d.t
	t.Helper()
	ways := []*outbox.DeliveryError{
		{Outcome: outbox.OutcomeUnavailable, Reason: "down"},
		{Outcome: outbox.OutcomeUnknown, Reason: "cut"},
		{Outcome: outbox.OutcomeThrottled, RetryAfter: time.Millisecond},
		{Outcome: outbox.OutcomeUnauthorized, Reason: "401"},
	}
	var mu sync.Mutex
	calls := map[string]int{}
	platform := deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		n := calls[m.Destination]
		calls[m.Destination]++
		switch {
		case n < len(ways):
			return outbox.Result{}, ways[n]
		case m.Person == "U-2":
			return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "no such product"}
		case m.Person == "U-1" && m.Kind != "test":
			follow := push("follow "+m.Key, m.Person)
			follow.Destination = m.Destination
			return outbox.Result{Receipt: []byte("receipt"), Detail: "their words", Then: []outbox.Message{follow}}, nil
		}
		return outbox.Result{Receipt: []byte("receipt"), Detail: "their words"}, nil
	})
	cfg := quick(outbox.Fixed{"elevate": platform, "notified": platform})
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	paused := make(chan string, 10)
	cfg.Alarm = func(_ context.Context, a outbox.Alarm) {
		if a.Kind == outbox.AlarmPaused {
			paused <- a.Destination
		}
	}
	_, stop := (&env{}).send(t, d.sender.store, cfg)
	defer stop()
	operator := d.operatorCalls()
	for range 2 {
		select {
		case name := <-paused:
			until(t, func() bool { // the pause is recorded a moment after the alarm
				states, err := d.operator.store.Destinations(t.Context())
				if err != nil {
					return false
				}
				for _, s := range states {
					if s.Name == name && s.Pausing == outbox.PausedByItself {
						return true
					}
				}
				return false
			}, "the destination is paused")
			require.NoError(t, operator.Resume(t.Context(), actor, name, "new credentials"))
		case <-time.After(30 * time.Second):
			t.Fatal("no platform refused our credentials")
		}
	}
	d.untilPending(0)
	parked, err := d.operator.store.Find(t.Context(), outbox.Query{States: []outbox.State{outbox.StateParked}})
	require.NoError(t, err)
	return parked
}

func (d shopDay[Tx]) untilPending(want int) {
	d.t.Helper()
	until(d.t, func() bool {
		counts, err := d.operator.store.Counts(d.t.Context())
		n := 0
		for _, c := range counts {
			n += c.Pending
		}
		return err == nil && n == want
	}, "all is sent")
}

var actor = outbox.Actor{Name: "Grace", Role: "support"}

func (d shopDay[Tx]) operatorCalls() *outbox.Operator {
	d.t.Helper()
	o, err := outbox.NewOperator(d.operator.store, outbox.OperatorConfig{})
	require.NoError(d.t, err)
	return o
}

// operate does each of an operator's actions.
func (d shopDay[Tx]) operate(parked []outbox.Record) {
	t, ctx, o := d.t, d.t.Context(), d.operatorCalls()
	t.Helper()
	require.GreaterOrEqual(t, len(parked), 3)
	var rejected, tasks []outbox.ID
	for _, r := range parked {
		if r.Person == "U-2" {
			rejected = append(rejected, r.ID)
		} else {
			tasks = append(tasks, r.ID)
		}
	}
	require.Len(t, rejected, 1)
	require.NoError(t, o.SendAgain(ctx, actor, rejected[0], "the product is there now"))
	require.NoError(t, o.Discard(ctx, actor, tasks[0], "a test order"))
	for _, id := range tasks[1:] {
		require.NoError(t, o.MarkDone(ctx, actor, id, "done by hand"))
	}
	require.NoError(t, o.Pause(ctx, actor, "elevate", "maintenance"))
	require.NoError(t, o.Resume(ctx, actor, "elevate", "over"))
	log, err := d.operator.store.Attempts(ctx, rejected[0])
	require.NoError(t, err)
	require.NotEmpty(t, log)
	audit, err := d.operator.store.Audit(ctx, 100)
	require.NoError(t, err)
	require.Len(t, audit, 2+len(parked)+2, "two resumed, the messages, a pause and its end")
	states, err := d.operator.store.Destinations(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, states)
	d.untilPending(1)
}

// forget erases a person, and removes all that has ended.
func (d shopDay[Tx]) forget() {
	t, ctx := d.t, d.t.Context()
	t.Helper()
	o, err := outbox.NewOperator(d.eraser.store, outbox.OperatorConfig{EraseKey: outbox.NewSecret([]byte("0123456789abcdef0123456789abcdef"))})
	require.NoError(t, err)
	n, err := o.Erase(ctx, actor, "U-1", "asked for it")
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, 2)
	found, err := d.operator.store.Find(ctx, outbox.Query{Person: "U-1"})
	require.NoError(t, err)
	require.Empty(t, found)

	for more := true; more; {
		done, err := d.sender.store.Prune(ctx, outbox.Pruning{Replies: time.Nanosecond, Forget: time.Nanosecond})
		require.NoError(t, err)
		more = done.More
	}
	found, err = d.operator.store.Find(ctx, outbox.Query{Subject: "1003"})
	require.NoError(t, err)
	require.Empty(t, found)
}
