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
	defaultEvery   = 2 * time.Millisecond
	// notifyTimeout limits one NOTIFY, including its wait for a connection.
	notifyTimeout = 5 * time.Second
	// notifyRest is the shortest pause after a NOTIFY that failed.
	notifyRest = time.Second
	// maxChannel is PostgreSQL's longest channel name, in bytes.
	maxChannel = 63
)

// NotifierConfig configures a [Notifier].
type NotifierConfig struct {
	// DB is the shop's own pool. Required. Each NOTIFY takes one of its connections for a moment.
	DB *pgxpool.Pool
	// Channel is the channel of PostgreSQL's NOTIFY and LISTEN, at most 63 bytes. Defaults to
	// amsbridge_outbox.
	Channel string
	// Every is the shortest time between two NOTIFYs of this process. Defaults
	// to 2 ms.
	Every time.Duration
	// Logger logs failures, at most one a second. Defaults to [slog.Default].
	Logger *slog.Logger
}

// Notifier tells senders in other processes that [Listen] that there is work. It promises nothing: a
// sender finds by polling what a notification missed.
//
// It never sends inside the shop's transaction, where a NOTIFY makes commits wait for each other, and
// it sends fewer NOTIFYs than there are orders.
type Notifier struct {
	cfg    NotifierConfig
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	timer  *time.Timer
	next   time.Time     // when the next NOTIFY may be sent
	busy   chan struct{} // set while a NOTIFY is due or being sent; closed afterwards
	again  bool          // another one is wanted after it
}

// NewNotifier returns a notifier, or an *amsbridge.InputError that names the bad field. The caller must
// close it before the pool.
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

// checkChannel checks the field, and fills in its default.
func checkChannel(field string, name *string) error {
	if *name == "" {
		*name = defaultChannel
	}
	if len(*name) > maxChannel {
		return check.Bad("pgxstore", field, "is longer than 63 bytes")
	}
	return nil
}

// Wake sends a NOTIFY: at once, or when Every has passed since the last one. It does not wait for it.
// Call it after the commit; it fits the hook's Wake.
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

// schedule must be called under mu.
func (n *Notifier) schedule() {
	n.timer = time.AfterFunc(time.Until(n.next), n.notify)
}

func (n *Notifier) notify() {
	n.mu.Lock()
	n.again = false // this NOTIFY serves all wishes so far
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

// Close ends the notifier. It cancels a NOTIFY that is being sent and waits for its end, and drops one
// that is due. Later calls of Wake do nothing.
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
