package outbox_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// deliverFunc is a destination made of a function.
type deliverFunc func(ctx context.Context, m outbox.Message) (outbox.Result, error)

func (f deliverFunc) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	return f(ctx, m)
}

// env is a sender on a store in memory, in a bubble of fake time.
type env struct {
	t      *testing.T
	store  *outboxtest.Memory
	queue  outbox.Queue
	cfg    outbox.SenderConfig
	sender *outbox.Sender
	stop   func()

	mu     sync.Mutex
	answer map[string]deliverFunc
	sent   []outbox.Message
	at     []time.Time
	alarms []outbox.Alarm
}

func newEnv(t *testing.T) *env {
	r := &env{t: t, store: outboxtest.NewMemory(outboxtest.MemoryConfig{}), answer: map[string]deliverFunc{}}
	r.queue = r.store
	r.cfg = outbox.SenderConfig{
		Name: "test", Destinations: r, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Alarm: func(_ context.Context, a outbox.Alarm) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.alarms = append(r.alarms, a)
		},
	}
	return r
}

// on makes f the destination of that name, from now on.
func (r *env) on(name string, f deliverFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer[name] = f
}

// Resolve notes what the destination is given.
func (r *env) Resolve(name string) (outbox.Destination, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.answer[name]
	return deliverFunc(func(ctx context.Context, m outbox.Message) (outbox.Result, error) {
		r.mu.Lock()
		r.sent, r.at = append(r.sent, m), append(r.at, time.Now())
		r.mu.Unlock()
		return f(ctx, m)
	}), ok
}

// answer is a destination that always says the same.
func answer(err error) deliverFunc {
	return func(context.Context, outbox.Message) (outbox.Result, error) { return outbox.Result{}, err }
}

func failing(o outbox.Outcome) deliverFunc {
	return answer(&outbox.DeliveryError{Outcome: o, Reason: "as told"})
}

func (r *env) start() {
	r.t.Helper()
	sender, err := outbox.NewSender(r.queue, r.cfg)
	require.NoError(r.t, err)
	r.sender = sender
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- sender.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(r.t, <-done)
	})
	r.t.Cleanup(r.stop)
}

// seldom makes a sender ask seldom, for tests of days.
func (r *env) seldom() { r.cfg.Poll, r.cfg.Session = 10*time.Second, 100*time.Second }

func (r *env) insert(msgs ...outbox.Message) []outbox.ID {
	r.t.Helper()
	tx := r.store.Begin()
	got, err := r.store.InsertTx(r.t.Context(), tx, msgs...)
	require.NoError(r.t, err)
	require.NoError(r.t, tx.Commit())
	ids := make([]outbox.ID, len(got))
	for i, g := range got {
		ids[i] = g.ID
	}
	if r.sender != nil {
		r.sender.Wake()
	}
	return ids
}

// parked inserts a message and parks it. Nothing else may be due.
func parked(t *testing.T, store *outboxtest.Memory, m outbox.Message) outbox.ID {
	t.Helper()
	tx := store.Begin()
	got, err := store.InsertTx(t.Context(), tx, m)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	begun := begin(t, store, 1)
	settled, err := store.Settle(t.Context(), outbox.Settling{Session: begun.session, Over: []int64{1}, Batch: []outbox.Settlement{{
		Message: begun.messages[0], State: outbox.StateParked, Outcome: outbox.OutcomeRejected, Reason: "unknown product",
	}}})
	require.NoError(t, err)
	require.Equal(t, []outbox.ID{got[0].ID}, settled.Acked)
	require.NoError(t, store.Leave(t.Context(), begun.session))
	return got[0].ID
}

// underway are messages that another sender's session has in flight.
type underway struct {
	session  outbox.SessionID
	messages []outbox.Message
}

// begin lets a sender of its own, which owns all free shards, record what is due as its first flight.
func begin(t *testing.T, store outbox.Queue, n int) underway {
	t.Helper()
	id, err := store.Join(t.Context(), outbox.Joining{By: "other", Length: 10 * time.Second})
	require.NoError(t, err)
	pulse, err := store.Beat(t.Context(), outbox.Beat{Session: id, Take: outbox.Shards})
	require.NoError(t, err)
	read, err := store.Read(t.Context(), outbox.Reading{Session: id, Shards: pulse.Owned, Limit: 1000})
	require.NoError(t, err)
	require.Len(t, read.Messages, n)
	f := outbox.Flight{Session: id, N: 1}
	u := underway{session: id}
	for _, w := range read.Messages {
		f.Messages = append(f.Messages, outbox.Queued{ID: w.ID, Key: w.Key, Destination: w.Destination})
		u.messages = append(u.messages, w.Message)
	}
	rec, err := store.Record(t.Context(), f)
	require.NoError(t, err)
	require.Len(t, rec.Begun, n)
	return u
}

// pass lets fake time go by.
func (r *env) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *env) one(id outbox.ID) outbox.Record {
	r.t.Helper()
	found, err := r.store.Find(r.t.Context(), outbox.Query{IDs: []outbox.ID{id}})
	require.NoError(r.t, err)
	require.Len(r.t, found, 1)
	return found[0]
}

func (r *env) count() (pending, parked int) {
	r.t.Helper()
	counts, err := r.store.Counts(r.t.Context())
	require.NoError(r.t, err)
	for _, c := range counts {
		pending += c.Pending
		parked += c.Parked
	}
	return pending, parked
}

func (r *env) sends() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sent)
}

func (r *env) alarmKinds() []outbox.AlarmKind {
	r.mu.Lock()
	defer r.mu.Unlock()
	var kinds []outbox.AlarmKind
	for _, a := range r.alarms {
		kinds = append(kinds, a.Kind)
	}
	return kinds
}

func (r *env) alarmed() []outbox.Alarm {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.alarms)
}

// notes are what several goroutines write down.
type notes[T any] struct {
	mu   sync.Mutex
	list []T
}

func (n *notes[T]) add(one T) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, one)
}

func (n *notes[T]) all() []T {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.list)
}

func (n *notes[T]) clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = nil
}

func msg(key, person string) outbox.Message {
	return outbox.Message{
		Destination: "elevate", Key: key, Kind: "test", Person: person, Subject: "order", Version: 1, Facts: []byte(key), Profile: []byte("p"),
	}
}

func msgs(n int) []outbox.Message {
	out := make([]outbox.Message, n)
	for i := range out {
		out[i] = msg(fmt.Sprintf("key-%03d", i), fmt.Sprintf("U-%03d", i))
	}
	return out
}

// bubble runs f in fake time.
func bubble(t *testing.T, f func(t *testing.T, r *env)) {
	t.Helper()
	t.Parallel()
	bubbleOf(t, f)
}

// bubbleOf is bubble for tests that need several.
func bubbleOf(t *testing.T, f func(t *testing.T, r *env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newEnv(t)) })
}

func (r *env) messages() []outbox.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent)
}

func (r *env) times() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.at)
}

func answering(after time.Duration) deliverFunc {
	return func(context.Context, outbox.Message) (outbox.Result, error) {
		time.Sleep(after)
		return outbox.Result{}, nil
	}
}

// to returns n messages of different persons to one destination.
func to(name string, n int) []outbox.Message {
	out := make([]outbox.Message, n)
	for i := range out {
		out[i] = msg(fmt.Sprint(name, "-", i), fmt.Sprint("U-", i))
		out[i].Destination = name
	}
	return out
}
