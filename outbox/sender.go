package outbox

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// SenderConfig configures a [Sender]. The zero value of each field except Destinations is a safe
// default.
type SenderConfig struct {
	// Destinations finds the destination of a message, such as a [Fixed] map of
	// names. Required.
	Destinations Resolver
	// Name names this sender in the log. At most 64 bytes. Defaults to the host's name and the process
	// ID.
	Name string
	// Concurrency is the most deliveries to one destination that this sender makes at once. Defaults to
	// 10.
	Concurrency int
	// Window is the most messages that this sender may have in flight in all: claimed and not settled
	// yet. One destination uses Concurrency of it plus what it delivers in a tenth of a second, and
	// never more than half. Where n destinations may hang at once, set at least n × Concurrency.
	// Defaults to 4,000, or 6 × Concurrency if that is more.
	Window int
	// DeliverTimeout limits one delivery. Defaults to 30 s.
	DeliverTimeout time.Duration
	// SettleTimeout limits one try to record outcomes. Defaults to 10 s.
	SettleTimeout time.Duration
	// Margin is the time that a lease must last beyond both, for clocks and scheduling. At least a
	// tenth of DeliverTimeout is wise. Defaults to 5 s.
	Margin time.Duration
	// Lease is how long a claimed message belongs to this sender alone. After a crash the sender's
	// messages wait that long. It must be longer than DeliverTimeout + SettleTimeout + Margin. The rest
	// of it is for the claim itself, and for a claimed message's wait until its delivery begins. Where
	// claims take longer than that, nothing can be sent: the sender logs it, and claims more and more
	// rarely. Defaults to twice their sum.
	Lease time.Duration
	// Retry is the schedule of attempts.
	Retry Retry
	// Breaker says when sending to a destination that does not answer is stopped.
	Breaker Breaker
	// Rate returns the limit of a destination, which all senders of the store share. It is called
	// within claims: it must be quick and safe for concurrent use. A negative Count or Burst counts as
	// none. Defaults to no limits.
	Rate func(destination string) Rate
	// Retention says what is deleted, and when.
	Retention Retention
	// Poll is how often the store is asked for work without a call of Wake; up to a fifth is added at
	// random. Defaults to 1 s.
	Poll time.Duration
	// Profiles says where profiles come from, and how they are sealed. Defaults to the messages
	// themselves.
	Profiles Profiles
	// ProbeEvery is how often one message is sent to a destination that was paused because it refused
	// our credentials. Defaults to 15 min.
	ProbeEvery time.Duration
	// Alarm is called with everything that a person must act on. It is called from the sender's
	// goroutines and must not block. Defaults to logging at Error.
	Alarm func(ctx context.Context, a Alarm)
	// Logger logs other events. It gets no profile, no payload and no credential. Defaults to
	// [slog.Default].
	Logger *slog.Logger
}

// Limits of a configuration.
const (
	maxConcurrency = 10_000
	maxWindow      = 100_000
)

func (c SenderConfig) withDefaults() (SenderConfig, error) {
	if err := checkDestinations(c.Destinations); err != nil {
		return c, err
	}
	setDefault(&c.Concurrency, 10)
	setDefault(&c.Window, max(4000, 6*c.Concurrency))
	setDefault(&c.DeliverTimeout, 30*time.Second)
	setDefault(&c.SettleTimeout, 10*time.Second)
	setDefault(&c.Margin, 5*time.Second)
	setDefault(&c.Lease, 2*c.needed())
	setDefault(&c.Poll, time.Second)
	setDefault(&c.ProbeEvery, 15*time.Minute)
	if c.Name == "" {
		host, _ := os.Hostname() // an empty one is as good
		c.Name = host + "-" + strconv.Itoa(os.Getpid())
	}
	c.Name = CutText(c.Name, 64)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	for _, f := range []struct {
		name string
		bad  bool
		why  string
	}{
		{"Concurrency", c.Concurrency < 1 || c.Concurrency > maxConcurrency, "is not from 1 to 10,000"},
		{"Window", c.Window < 2*c.Concurrency || c.Window > maxWindow, "is not from 2 × Concurrency to 100,000"},
		{"DeliverTimeout", c.DeliverTimeout < 0, "is negative"},
		{"SettleTimeout", c.SettleTimeout < 0, "is negative"},
		{"Margin", c.Margin < 0, "is negative"},
		{"Lease", c.Lease <= c.needed(), "is not longer than DeliverTimeout + SettleTimeout + Margin"},
		{"Lease", c.Lease > 24*time.Hour, "is longer than a day"},
		{"Poll", c.Poll < time.Millisecond || c.Poll > time.Hour, "is not from 1 ms to 1 h"},
		{"ProbeEvery", c.ProbeEvery < 0, "is negative"},
	} {
		if f.bad {
			return c, check.Bad("outbox", "SenderConfig."+f.name, f.why)
		}
	}
	var err error
	if c.Retry, err = c.Retry.withDefaults(); err != nil {
		return c, err
	}
	if c.Breaker, err = c.Breaker.withDefaults(c.Retry); err != nil {
		return c, err
	}
	c.Retention, err = c.Retention.withDefaults()
	return c, err
}

// needed is what must remain of a lease when its delivery starts.
func (c SenderConfig) needed() time.Duration { return c.DeliverTimeout + c.SettleTimeout + c.Margin }

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Sender delivers the messages of a store. Any number of senders may work on one store, in one process
// or on many machines.
type Sender struct {
	queue   Queue
	cfg     SenderConfig
	wake    chan struct{}
	running atomic.Bool
}

// ErrRunning is returned by [Sender.Run] if it is running already.
var ErrRunning = errors.New("outbox: the sender is running already")

// NewSender returns a sender, or an *amsbridge.InputError that names the bad field. It starts nothing:
// see [Sender.Run].
func NewSender(queue Queue, cfg SenderConfig) (*Sender, error) {
	if check.IsNil(queue) {
		return nil, check.Bad("outbox", "queue", "is nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Sender{queue: queue, cfg: cfg, wake: make(chan struct{}, 1)}, nil
}

// Wake makes the sender look for work now. Call it after a commit; it never blocks and may be called at
// any time.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends. It then claims no more, gives back the messages whose delivery has not
// begun, waits for the others (each ends within DeliverTimeout), settles them, and returns nil. A store
// that cannot be reached, or has no tables, is logged and tried again. A second concurrent Run returns
// [ErrRunning].
func (s *Sender) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer s.running.Store(false)
	r := newRun(context.WithoutCancel(ctx), s)
	var beside, settling sync.WaitGroup
	beside.Go(func() { r.forget(ctx) })
	beside.Go(func() { r.tellTasks(ctx) })
	settling.Go(r.settleAll)
	r.fetch(ctx)
	r.giveBackWaiting()
	r.workers.Wait()
	r.lastOutcome()
	settling.Wait()
	beside.Wait()
	return nil
}
