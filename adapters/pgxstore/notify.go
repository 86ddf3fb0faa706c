package pgxstore

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amsbridge/amsbridge/internal/check"
)

const (
	defaultChannel = "amsbridge_outbox"
	defaultEvery   = 50 * time.Millisecond
	// notifyTimeout ends one NOTIFY, its wait for a connection included.
	notifyTimeout = 5 * time.Second
	// notifyRest is the shortest time after one that failed.
	notifyRest = time.Second
	// maxChannel is the longest name that PostgreSQL takes, in bytes.
	maxChannel = 63
)

// NotifierConfig says what a [Notifier] sends.
type NotifierConfig struct {
	// DB is the shop's own pool. Required. A NOTIFY takes one of its connections
	// for a moment.
	DB *pgxpool.Pool
	// Channel is PostgreSQL's name for what is sent and listened to, at most 63
	// bytes. Defaults to amsbridge_outbox.
	Channel string
	// Every is the shortest time between two NOTIFYs of this process. Defaults
	// to 50 ms.
	Every time.Duration
	// Logger takes failures, at most one a second. Defaults to [slog.Default].
	Logger *slog.Logger
}

// Notifier tells senders in other processes that there is work, for those that
// [Listen]. It is a help and no promise: what it fails to tell, a sender finds by
// polling.
//
// It never sends within the shop's transaction, where a NOTIFY makes commits wait
// for each other, and not one for each order.
type Notifier struct {
	cfg    NotifierConfig
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	timer  *time.Timer
	next   time.Time     // when the next one may be sent
	busy   chan struct{} // not nil while one is to be sent or being sent; closed after
	again  bool          // one more is wanted
}

// NewNotifier returns a notifier, or an *amsbridge.InputError that names the bad
// field. The caller closes it before the pool.
func NewNotifier(cfg NotifierConfig) (*Notifier, error) {
	if cfg.DB == nil {
		return nil, check.Bad("pgxstore", "NotifierConfig.DB", "is nil")
	}
	if err := checkChannel("NotifierConfig.Channel", &cfg.Channel); err != nil {
		return nil, err
	}
	if cfg.Every < 0 {
		return nil, check.Bad("pgxstore", "NotifierConfig.Every", "is negative")
	}
	if cfg.Every == 0 {
		cfg.Every = defaultEvery
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	n := &Notifier{cfg: cfg}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n, nil
}

// checkChannel fills in the default of that field.
func checkChannel(field string, name *string) error {
	if *name == "" {
		*name = defaultChannel
	}
	if len(*name) > maxChannel {
		return check.Bad("pgxstore", field, "is longer than 63 bytes")
	}
	return nil
}

// Wake has the others told: at once, or when Every has passed since the last
// time. It waits for nothing. Call it once the transaction has committed: it is
// what the hook's Wake wants.
func (n *Notifier) Wake() {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
	case n.busy != nil:
		n.again = true
	default:
		n.busy = make(chan struct{})
		n.schedule()
	}
}

// schedule is called under mu.
func (n *Notifier) schedule() {
	n.timer = time.AfterFunc(time.Until(n.next), n.notify)
}

func (n *Notifier) notify() {
	n.mu.Lock()
	n.again = false // this one comes after all that were wanted so far
	n.mu.Unlock()
	rest := n.cfg.Every
	if err := n.send(); err != nil && n.ctx.Err() == nil {
		n.cfg.Logger.Warn("pgxstore: senders elsewhere were not told of new messages, and find them by polling", "error", err)
		rest = max(rest, notifyRest)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.next = time.Now().Add(rest)
	if n.again && !n.closed {
		n.schedule()
		return
	}
	close(n.busy)
	n.busy = nil
}

func (n *Notifier) send() error {
	ctx, cancel := context.WithTimeout(n.ctx, notifyTimeout)
	defer cancel()
	_, err := n.cfg.DB.Exec(ctx, "SELECT pg_notify($1::text, '')", n.cfg.Channel)
	return err
}

// Close ends it. It waits for a NOTIFY that is being sent, which is cut short,
// and drops one that waits. Calls of Wake do nothing from then on.
func (n *Notifier) Close() {
	n.mu.Lock()
	n.closed = true
	n.cancel()
	if n.busy != nil && n.timer.Stop() {
		close(n.busy)
		n.busy = nil
	}
	busy := n.busy
	n.mu.Unlock()
	if busy != nil {
		<-busy
	}
}
