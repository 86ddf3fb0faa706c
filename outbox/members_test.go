package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// hooked is a queue that asks before each call, by the call's name.
type hooked struct {
	outbox.Queue
	before func(ctx context.Context, call string) error
}

func hook[T any](ctx context.Context, q *hooked, name string, call func() (T, error)) (T, error) {
	if err := q.before(ctx, name); err != nil {
		var none T
		return none, err
	}
	return call()
}

func (q *hooked) Join(ctx context.Context, j outbox.Joining) (outbox.SessionID, error) {
	return hook(ctx, q, "Join", func() (outbox.SessionID, error) { return q.Queue.Join(ctx, j) })
}

func (q *hooked) Beat(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
	return hook(ctx, q, "Beat", func() (outbox.Pulse, error) { return q.Queue.Beat(ctx, b) })
}

func (q *hooked) Read(ctx context.Context, r outbox.Reading) (outbox.Read, error) {
	return hook(ctx, q, "Read", func() (outbox.Read, error) { return q.Queue.Read(ctx, r) })
}

func (q *hooked) Record(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
	return hook(ctx, q, "Record", func() (outbox.Recorded, error) { return q.Queue.Record(ctx, f) })
}

func (q *hooked) Settle(ctx context.Context, s outbox.Settling) (outbox.Settled, error) {
	return hook(ctx, q, "Settle", func() (outbox.Settled, error) { return q.Queue.Settle(ctx, s) })
}

func (q *hooked) Leave(ctx context.Context, id outbox.SessionID) error {
	_, err := hook(ctx, q, "Leave", func() (struct{}, error) { return struct{}{}, q.Queue.Leave(ctx, id) })
	return err
}

func (q *hooked) Prune(ctx context.Context, p outbox.Pruning) (outbox.Pruned, error) {
	return hook(ctx, q, "Prune", func() (outbox.Pruned, error) { return q.Queue.Prune(ctx, p) })
}

func (q *hooked) NewTasks(ctx context.Context, limit int) ([]outbox.OpenTask, error) {
	return hook(ctx, q, "NewTasks", func() ([]outbox.OpenTask, error) { return q.Queue.NewTasks(ctx, limit) })
}

func (q *hooked) TasksTold(ctx context.Context, told []outbox.OpenTask) error {
	_, err := hook(ctx, q, "TasksTold", func() (struct{}, error) { return struct{}{}, q.Queue.TasksTold(ctx, told) })
	return err
}

// member is one of several senders on the store of an env, and its queue.
type member struct {
	outbox.Queue
	r      *env
	sender *outbox.Sender
	stop   func()
	cfg    outbox.SenderConfig

	mu       sync.Mutex
	away     bool // nothing reaches the store
	joins    int
	owned    []int
	recorded map[outbox.ID]bool
	sent     []outbox.Message
	reads    int // at readAt
	readAt   time.Time
}

// member starts a sender that answers as deliver does.
func (r *env) member(name string, change func(c *outbox.SenderConfig), deliver deliverFunc) *member {
	r.t.Helper()
	m := &member{r: r, recorded: map[outbox.ID]bool{}, cfg: r.cfg}
	h := &hooked{Queue: r.store, before: func(ctx context.Context, call string) error {
		if m.isAway() {
			<-ctx.Done()
			return errAway
		}
		if call == "Join" {
			m.mu.Lock()
			m.joins++
			m.mu.Unlock()
		}
		return nil
	}}
	m.Queue, m.cfg.Name = h, name
	m.cfg.Destinations = outbox.Fixed{"elevate": deliverFunc(func(ctx context.Context, msg outbox.Message) (outbox.Result, error) {
		m.mu.Lock()
		m.sent = append(m.sent, msg)
		m.mu.Unlock()
		return deliver(ctx, msg)
	})}
	if change != nil {
		change(&m.cfg)
	}
	sender, err := outbox.NewSender(m, m.cfg)
	require.NoError(r.t, err)
	m.sender = sender
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- sender.Run(ctx) }()
	m.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(r.t, <-done)
	})
	r.t.Cleanup(m.stop)
	return m
}

func (m *member) Beat(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
	p, err := m.Queue.Beat(ctx, b)
	if err == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.owned = p.Owned
	}
	return p, err
}

func (m *member) Record(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
	rec, err := m.Queue.Record(ctx, f)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range rec.Begun {
		m.recorded[b.ID] = true
	}
	return rec, err
}

// Read fails the test when the sender asks over and over at one moment.
func (m *member) Read(ctx context.Context, r outbox.Reading) (outbox.Read, error) {
	m.mu.Lock()
	if m.reads++; m.readAt != time.Now() {
		m.readAt, m.reads = time.Now(), 0
	}
	spins := m.reads > 1000
	m.mu.Unlock()
	if spins {
		panic(fmt.Sprintf("the reader spins: %+v", r))
	}
	return m.Queue.Read(ctx, r)
}

func (m *member) isAway() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.away
}

func (m *member) setAway(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

func (m *member) shards() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.owned)
}

func (m *member) messages() []outbox.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.sent)
}

// ledger says what must not happen at the platform: two messages of a person at once, a first attempt before
// that of an earlier message, an unmarked repeat.
type ledger struct {
	mu      sync.Mutex
	sending map[string]outbox.ID
	last    map[string]outbox.ID
	seen    map[outbox.ID]outbox.Outcome
	wrong   []string
}

func newLedger() *ledger {
	return &ledger{sending: map[string]outbox.ID{}, last: map[string]outbox.ID{}, seen: map[outbox.ID]outbox.Outcome{}}
}

// over watches deliveries.
func (l *ledger) over(deliver deliverFunc) deliverFunc {
	return func(ctx context.Context, m outbox.Message) (outbox.Result, error) {
		l.begin(m)
		res, err := deliver(ctx, m)
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.sending, m.Person)
		l.seen[m.ID] = outbox.OutcomeOf(res, err)
		return res, err
	}
}

func (l *ledger) begin(m outbox.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other, ok := l.sending[m.Person]; ok {
		l.wrong = append(l.wrong, fmt.Sprintf("%d and %d of %s at once", other, m.ID, m.Person))
	}
	l.sending[m.Person] = m.ID
	before, again := l.seen[m.ID]
	switch {
	case !again && m.ID < l.last[m.Person]:
		l.wrong = append(l.wrong, fmt.Sprintf("%d after %d of %s", m.ID, l.last[m.Person], m.Person))
	case again && m.Doubt == 0 && (before == outbox.OutcomeDelivered || before == outbox.OutcomeUnknown):
		l.wrong = append(l.wrong, fmt.Sprintf("%d of %s again, unmarked, after %v", m.ID, m.Person, before))
	}
	if _, ok := l.seen[m.ID]; !ok {
		l.seen[m.ID] = outbox.OutcomeNone
	}
	l.last[m.Person] = max(l.last[m.Person], m.ID)
}

// requireGood asks that nothing went wrong, and that so many messages were sent.
func (l *ledger) requireGood(t *testing.T, messages int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.wrong)
	require.Equal(t, messages, len(l.seen)) // not Len, which prints all
}
