package amsbridge_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// env is a shop, its outbox in memory, a sender and a platform, in a synctest bubble.
type env struct {
	wake     func()
	t        *testing.T
	store    *outboxtest.Memory
	catalog  products
	hook     *amsbridge.Hook[*outboxtest.Tx]
	operator *outbox.Operator
	standing *amsbridge.Standing
	platform *platform
	log      *bytes.Buffer
	mu       sync.Mutex
	alarms   []outbox.Alarm
	mails    []amsbridge.Delivered
}

var staff = outbox.Actor{Name: "pat"}

// products is a catalogue that tests change.
type products map[string]amsbridge.Product

func (p products) Lookup(_ context.Context, id string) (amsbridge.Product, amsbridge.Offering, error) {
	product, ok := p[id]
	switch {
	case !ok:
		return product, amsbridge.Unknown, nil
	case !product.OnElevate() && !product.OnNotified() && len(product.Includes) == 0:
		return product, amsbridge.NotOffered, nil
	}
	return product, amsbridge.Offered, nil
}

func catalogue() products {
	all := products{}
	for _, p := range []amsbridge.Product{
		{ID: "mug"},
		{ID: "course", RemoteProductID: "r1"},
		{ID: "course-2", RemoteProductID: "r2"},
		{ID: "gala", ShowKey: 7, AddOnKeys: []int64{1}},
		{ID: "gala-and-tour", ShowKey: 7, AddOnKeys: []int64{1, 2}},
		{ID: "tour-and-talk", ShowKey: 7, AddOnKeys: []int64{2, 3}},
		{ID: "workshop", ShowKey: 7, AddOnKeys: []int64{9}},
		{ID: "pass", ShowKey: 8, ShowPackageKey: 3, AddOnKeys: []int64{4}},
		{ID: "membership", Includes: []string{"course", "gala", "mug"}},
	} {
		all[p.ID] = p
	}
	return all
}

// inBubble runs a test in an env. Options change the hook's configuration.
func inBubble(t *testing.T, f func(t *testing.T, e *env), options ...func(*amsbridge.HookConfig)) {
	t.Helper()
	inBubbleWith(t, outbox.Profiles{}, f, options...)
}

// inBubbleWith also says where the sender gets its profiles.
func inBubbleWith(t *testing.T, profiles outbox.Profiles, f func(t *testing.T, e *env), options ...func(*amsbridge.HookConfig)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &env{
			t: t, store: outboxtest.NewMemory(outboxtest.MemoryConfig{}), catalog: catalogue(),
			platform: &platform{has: map[string]bool{}}, log: &bytes.Buffer{},
		}
		cfg := amsbridge.HookConfig{Catalog: e.catalog, Logger: slog.New(slog.NewTextHandler(e.log, nil))}
		for _, o := range options {
			o(&cfg)
		}
		var err error
		e.hook, err = amsbridge.NewHook(e.store, cfg)
		require.NoError(t, err)
		e.operator, err = outbox.NewOperator(e.store, outbox.OperatorConfig{
			EraseKey: outbox.NewSecret([]byte("a key for tests of thirty-two b.")), LookedUp: true,
		})
		require.NoError(t, err)
		e.standing, err = amsbridge.NewStanding(e.store)
		require.NoError(t, err)
		to, err := amsbridge.NewDestination(e.store, e.platform, amsbridge.DestinationConfig{})
		require.NoError(t, err)
		announcer, err := amsbridge.NewAnnouncer(amsbridge.AnnouncerConfig{Next: to, To: "mail"})
		require.NoError(t, err)
		sender, err := outbox.NewSender(e.store, outbox.SenderConfig{
			Poll: 10 * time.Second, Session: 100 * time.Second, // tests pass days
			Destinations: everywhere{announcer, e}, Profiles: profiles, Logger: slog.New(slog.DiscardHandler),
			Alarm: func(_ context.Context, a outbox.Alarm) {
				e.mu.Lock()
				defer e.mu.Unlock()
				e.alarms = append(e.alarms, a)
			},
		})
		require.NoError(t, err)
		e.wake = sender.Wake
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- sender.Run(ctx) }()
		f(t, e)
		cancel()
		require.NoError(t, <-done)
	})
}

// everywhere is the platform under every name but that of the shop's own mails.
type everywhere struct {
	platform outbox.Destination
	e        *env
}

func (d everywhere) Resolve(name string) (outbox.Destination, bool) {
	if name == "mail" {
		return mail{d.e}, true
	}
	return d.platform, true
}

// mail is where the shop sends its own mails.
type mail struct{ e *env }

func (m mail) Deliver(_ context.Context, msg outbox.Message) (outbox.Result, error) {
	d, err := amsbridge.DecodeDelivered(msg)
	m.e.mu.Lock()
	defer m.e.mu.Unlock()
	m.e.mails = append(m.e.mails, d)
	return outbox.Result{}, err
}

// pass lets the sender work for some time. What the test wrote before is seen by the sender, and what the
// sender wrote is seen by the test afterwards.
func (e *env) pass(d time.Duration) {
	e.platform.everything() // takes its lock
	time.Sleep(d)
	synctest.Wait()
}

// tx runs a call in a transaction of its own.
func (e *env) tx(call func(tx *outboxtest.Tx) (*amsbridge.Report, error)) *amsbridge.Report {
	e.t.Helper()
	tx := e.store.Begin()
	r, err := call(tx)
	require.NoError(e.t, err)
	require.NoError(e.t, tx.Commit())
	e.wake()
	return r
}

func (e *env) report(o amsbridge.Order) *amsbridge.Report {
	e.t.Helper()
	return e.tx(func(tx *outboxtest.Tx) (*amsbridge.Report, error) { return e.hook.OrderCompleted(e.t.Context(), tx, o) })
}

func (e *env) refund(r amsbridge.Refund) *amsbridge.Report {
	e.t.Helper()
	return e.tx(func(tx *outboxtest.Tx) (*amsbridge.Report, error) { return e.hook.OrderRefunded(e.t.Context(), tx, r) })
}

func (e *env) reverse(id string, o amsbridge.Order) *amsbridge.Report {
	e.t.Helper()
	return e.tx(func(tx *outboxtest.Tx) (*amsbridge.Report, error) {
		return e.hook.RefundReversed(e.t.Context(), tx, id, o)
	})
}

// refundLine refunds whole lines.
func (e *env) refundLine(id, order string, lines ...string) *amsbridge.Report {
	e.t.Helper()
	r := amsbridge.Refund{ID: id, OrderID: order}
	for _, l := range lines {
		r.Lines = append(r.Lines, amsbridge.RefundLine{LineID: l})
	}
	return e.refund(r)
}

// queue is what is pending and parked, as "state kind person item".
func (e *env) queue() []string {
	e.t.Helper()
	all, err := e.store.Find(e.t.Context(), outbox.Query{States: []outbox.State{outbox.StatePending, outbox.StateParked}})
	require.NoError(e.t, err)
	var texts []string
	for _, r := range all {
		g, err := amsbridge.DecodeGrant(r.Message)
		require.NoError(e.t, err, r.Kind)
		texts = append(texts, fmt.Sprintf("%s %s %s %s", r.State, r.Kind, r.Person, g.Item))
	}
	return texts
}

// tasks are the texts of the open tasks of orders.
func (e *env) tasks() []string {
	e.t.Helper()
	open, err := e.store.Tasks(e.t.Context(), outbox.TaskQuery{Limit: 100})
	require.NoError(e.t, err)
	var texts []string
	for _, t := range open {
		texts = append(texts, t.Subject+": "+t.Text)
	}
	return texts
}

// parked returns the only parked message.
func (e *env) parked() outbox.Record {
	e.t.Helper()
	all, err := e.store.Find(e.t.Context(), outbox.Query{States: []outbox.State{outbox.StateParked}})
	require.NoError(e.t, err)
	require.Len(e.t, all, 1)
	return all[0]
}

// platform is a platform that notes each effect.
type platform struct {
	mu    sync.Mutex
	has   map[string]bool
	calls []string
	seen  []amsbridge.User
	// answer decides a call: whether it takes effect, and what it returns. Nil for success.
	answer func(call string) (effect bool, err error)
}

var noAnswer = &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown, Reason: "no answer"}

func units(g amsbridge.Grant) []string {
	at := ""
	if g.Association != "" {
		at = g.Association + "/"
	}
	if g.Item.RemoteProductID != "" {
		return []string{at + string(g.User.ID) + " " + g.Item.RemoteProductID}
	}
	var all []string
	if g.Item.ShowPackageKey != 0 {
		all = append(all, fmt.Sprintf("%s%s %d", at, g.User.ID, g.Item.ShowKey))
	}
	for _, k := range g.Item.AddOnKeys {
		all = append(all, fmt.Sprintf("%s%s %d/%d", at, g.User.ID, g.Item.ShowKey, k))
	}
	return all
}

func (p *platform) call(verb string, g amsbridge.Grant) (bool, error) {
	call := verb + " " + strings.Join(units(g), ", ")
	if g.Had || g.Backfill {
		call += " quietly"
	}
	p.calls = append(p.calls, call)
	if p.answer == nil {
		return true, nil
	}
	return p.answer(call)
}

func (p *platform) Give(_ context.Context, g amsbridge.Grant) (outbox.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	effect, err := p.call("give", g)
	p.seen = append(p.seen, g.User)
	if effect {
		for _, u := range units(g) {
			p.has[u] = true
		}
	}
	return outbox.Result{}, err
}

func (p *platform) Take(_ context.Context, g amsbridge.Grant) (outbox.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g.Item.RemoteProductID != "" {
		return outbox.Result{}, &amsbridge.ByHandError{Task: "cancel " + g.Item.RemoteProductID}
	}
	effect, err := p.call("take", g)
	byHand := g.Item.ShowPackageKey != 0
	g.Item.ShowPackageKey = 0
	if effect {
		for _, u := range units(g) {
			delete(p.has, u)
		}
	}
	if err == nil && byHand {
		return outbox.Result{}, &amsbridge.ByHandError{Task: "end the registration", Partly: len(g.Item.AddOnKeys) > 0}
	}
	return outbox.Result{}, err
}

// everything is what people have.
func (p *platform) everything() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for u := range p.has {
		all = append(all, u)
	}
	slices.Sort(all)
	return all
}

// took returns the calls since the last time.
func (p *platform) took() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := p.calls
	p.calls = nil
	return calls
}

func anna() amsbridge.User {
	return amsbridge.User{ID: "anna", FirstName: "Anna", LastName: "A", Email: "anna@example.org"}
}

func berta() amsbridge.User {
	return amsbridge.User{ID: "berta", FirstName: "Berta", LastName: "B", Email: "berta@example.org"}
}

func carl() amsbridge.User {
	return amsbridge.User{ID: "carl", FirstName: "Carl", LastName: "C", Email: "carl@example.org"}
}

// order is an order of Anna's with a line of one for each product; lines are numbered from 1.
func order(id string, bought ...string) amsbridge.Order {
	o := amsbridge.Order{ID: id, Buyer: anna()}
	for i, p := range bought {
		o.Lines = append(o.Lines, amsbridge.Line{ID: fmt.Sprint(i + 1), ProductID: p, Quantity: 1})
	}
	return o
}

// did sums a report up: each entry as "line person did".
func did(r *amsbridge.Report) []string {
	var all []string
	for _, e := range r.Entries {
		all = append(all, strings.Join(strings.Fields(e.LineID+" "+string(e.Person)+" "+string(e.Did)), " "))
	}
	return all
}
