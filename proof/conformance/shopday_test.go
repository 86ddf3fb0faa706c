package conformance

import (
	"context"
	"database/sql"
	"log/slog"
	"slices"
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
	hook, err := amsbridge.NewHook[Tx](p.store, amsbridge.HookConfig{Catalog: catalog, Logger: slog.New(slog.DiscardHandler)})
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

// call makes a call of the hook in a transaction of its own.
func (d shopDay[Tx]) call(of program[Tx], f func(hook *amsbridge.Hook[Tx], tx Tx) (*amsbridge.Report, error)) (r *amsbridge.Report) {
	d.t.Helper()
	hook := hookOf(d.t, of)
	require.NoError(d.t, of.inTx(d.t.Context(), nil, func(tx Tx) (err error) {
		r, err = f(hook, tx)
		return err
	}))
	return r
}

func (d shopDay[Tx]) complete(o amsbridge.Order) *amsbridge.Report {
	d.t.Helper()
	return d.call(d.checkout, func(hook *amsbridge.Hook[Tx], tx Tx) (*amsbridge.Report, error) {
		return hook.OrderCompleted(d.t.Context(), tx, o)
	})
}

func (d shopDay[Tx]) refund(r amsbridge.Refund) *amsbridge.Report {
	d.t.Helper()
	return d.call(d.refunds, func(hook *amsbridge.Hook[Tx], tx Tx) (*amsbridge.Report, error) {
		return hook.OrderRefunded(d.t.Context(), tx, r)
	})
}

// sell reports orders of one and of several messages, again, changed, defective
// and sound after that.
func (d shopDay[Tx]) sell() {
	t := d.t
	t.Helper()
	two := purchase("1001", member("U-1"), "course", "dinner")
	for i := range 2 {
		for _, o := range []amsbridge.Order{two, purchase("1002", member("U-2"), "course"), purchase("1003", member("U-3"), "course", "dinner")} {
			for _, done := range did(d.complete(o)) {
				require.Equal(t, i > 0, done == amsbridge.DidUnchanged)
			}
		}
	}
	d.complete(purchase("1008", member("U-6"), "course"))
	d.complete(purchase("1009", member("U-7"), "course"))
	swapped := purchase("1003", member("U-3"), "course", "dinner")
	swapped.Version, swapped.Lines[1].Attendees = 1, []amsbridge.User{member("U-5")}
	require.Equal(t, []amsbridge.Did{"queued", "taking back", "unchanged"}, did(d.complete(swapped)))
	for _, id := range []string{"1004", "1005", "1006", "1007"} {
		defective := purchase(id, member("U-4"), "course", "dinner", "nowhere")
		defective.Buyer.Email = "nonsense"
		require.Len(t, d.complete(defective).NeedsStaff(), 2)
	}
	require.Equal(t, []amsbridge.Did{"queued", "queued"}, did(d.complete(purchase("1004", member("U-4"), "course", "dinner"))))
}

// refundUnsent gives back what nobody has sent yet, and some of it again.
func (d shopDay[Tx]) refundUnsent() {
	d.t.Helper()
	require.Contains(d.t, did(d.refund(amsbridge.Refund{ID: "r-1", OrderID: "1003", All: true})), amsbridge.DidTakingBack)
	d.refund(refundOf("r-2", "1005", "2"))
	back := d.call(d.refunds, func(hook *amsbridge.Hook[Tx], tx Tx) (*amsbridge.Report, error) {
		return hook.RefundReversed(d.t.Context(), tx, "r-2", purchase("1005", member("U-4"), "course", "dinner", "nowhere"))
	})
	require.Contains(d.t, did(back), amsbridge.DidQueued)
}

// refundSent takes back what was delivered, and sends that.
func (d shopDay[Tx]) refundSent() {
	t := d.t
	t.Helper()
	require.Contains(t, did(d.refund(amsbridge.Refund{ID: "r-3", OrderID: "1001", All: true})), amsbridge.DidTakingBack)
	p := newPlatform()
	to, err := amsbridge.NewDestination(d.sender.store, p, amsbridge.DestinationConfig{})
	require.NoError(t, err)
	_, stop := (&env{}).send(t, d.sender.store, quick(outbox.Fixed{"elevate": to, "notified": to}))
	d.untilPending(0)
	stop()
	require.Contains(t, p.took(), "take U-1 9985, U-1 10342")
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
	to, err := amsbridge.NewDestination(d.sender.store, newPlatform(), amsbridge.DestinationConfig{})
	require.NoError(t, err)
	platform := deliverFunc(func(ctx context.Context, m outbox.Message) (outbox.Result, error) {
		mu.Lock()
		n := calls[m.Destination]
		calls[m.Destination]++
		mu.Unlock()
		if n < len(ways) {
			return outbox.Result{}, ways[n]
		}
		if slices.Contains(refused, m.Person) {
			return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "no such product"}
		}
		if m.Kind == "test" {
			return outbox.Result{}, nil
		}
		res, err := to.Deliver(ctx, m)
		if err == nil && res.Ended == 0 && m.Person == "U-1" {
			follow := push("follow "+m.Key, m.Person)
			follow.Destination = m.Destination
			res.Receipt, res.Detail, res.Then = []byte("{}"), "their words", []outbox.Message{follow}
		}
		return res, err
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
	parked, err = d.operator.store.Find(t.Context(), outbox.Query{States: []outbox.State{outbox.StateParked}})
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

// refused are those whom the platforms refuse.
var refused = []string{"U-2", "U-6", "U-7"}

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
	require.GreaterOrEqual(t, len(parked), len(refused))
	require.NoError(t, o.SendAgain(ctx, actor, parked[0].ID, "the product is there now"))
	require.NoError(t, o.Discard(ctx, actor, parked[1].ID, "a test order"))
	for _, r := range parked[2:] { // what was refunded while its arrival is in doubt may be among them
		require.NoError(t, o.MarkDone(ctx, actor, r.ID, "done by hand"))
	}
	require.NoError(t, o.Pause(ctx, actor, "elevate", "maintenance"))
	require.NoError(t, o.Resume(ctx, actor, "elevate", "over"))
	require.NoError(t, o.Adopt(ctx, actor, "restored"))
	require.NoError(t, o.ResumeAll(ctx, actor, "restored"))
	open, err := d.operator.store.Tasks(ctx, outbox.TaskQuery{Limit: 100})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(open), 4, "of four orders the product's mapping is unknown")
	require.NoError(t, o.TaskDone(ctx, actor, open[0].Association, open[0].Subject, open[0].ID, "a mug"))
	require.ErrorIs(t, o.TaskDone(ctx, actor, "", "1006", "no such task", "a mug"), outbox.ErrNotFound)
	left, err := d.operator.store.Tasks(ctx, outbox.TaskQuery{Limit: 100})
	require.NoError(t, err)
	require.Len(t, left, len(open)-1)
	log, err := d.operator.store.Attempts(ctx, outbox.AttemptQuery{IDs: []outbox.ID{parked[0].ID}})
	require.NoError(t, err)
	require.NotEmpty(t, log)
	audit, err := d.operator.store.Audit(ctx, outbox.AuditQuery{Limit: 100})
	require.NoError(t, err)
	require.Len(t, audit, 2+len(parked)+2+2+1, "two resumed, the messages, a pause and its end, all of it adopted and resumed, a task")
	states, err := d.operator.store.Destinations(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, states)
}

// forget erases a person, and removes all that has ended.
func (d shopDay[Tx]) forget() {
	t, ctx := d.t, d.t.Context()
	t.Helper()
	o, err := outbox.NewOperator(d.eraser.store, outbox.OperatorConfig{EraseKey: outbox.NewSecret([]byte("0123456789abcdef0123456789abcdef"))})
	require.NoError(t, err)
	n, err := o.Erase(ctx, actor, "", "U-1", "asked for it")
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, 2)
	found, err := d.operator.store.Find(ctx, outbox.Query{Person: "U-1"})
	require.NoError(t, err)
	require.Empty(t, found)

	kept := func() int {
		all, err := d.operator.store.Find(ctx, outbox.Query{Subject: "1003", States: endStates})
		require.NoError(t, err)
		more, err := d.operator.store.Find(ctx, outbox.Query{Subject: "1001", States: endStates})
		require.NoError(t, err)
		return len(all) + len(more)
	}
	before := kept()
	for more := true; more; {
		done, err := d.sender.store.Prune(ctx, outbox.Pruning{Replies: time.Nanosecond, Forget: time.Nanosecond})
		require.NoError(t, err)
		more = done.More
	}
	require.Less(t, kept(), before, "what was given back is forgotten")
}

// endStates are those of what is over.
var endStates = []outbox.State{outbox.StateDelivered, outbox.StateAlreadyDone, outbox.StateWithdrawn, outbox.StateReplaced}
