package outbox

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
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
	// Installation names what the sender belongs to, such as "production", where a copy of the store must not
	// be sent from: senders of different names never send from each other's store before [Operator.Adopt].
	// At most 64 bytes, without control characters. Defaults to what the store tells of where it is kept, such
	// as the server's own ID: see [Queue.Join]. Set it where the database may be moved by itself, as to a
	// replica or into another container, and never to the same in two deployments.
	Installation string
	// Concurrency is the most deliveries to one destination that this sender makes at once. Defaults to
	// 10.
	Concurrency int
	// Window is the most messages that this sender may have in flight in all: recorded and not settled
	// yet, or read. One destination that hangs uses up to four times Concurrency of it, and one that
	// answers what it takes in a fifth of a second, and never more than half. Where n destinations may
	// hang at once, set at least 4 × n × Concurrency.
	// Defaults to 4,000, or 6 × Concurrency if that is more.
	Window int
	// DeliverTimeout limits one delivery. Defaults to 30 s.
	DeliverTimeout time.Duration
	// SettleTimeout limits one try to record outcomes. Defaults to 10 s.
	SettleTimeout time.Duration
	// Session is how long this sender is taken for alive without a beat: after a crash, what it had in
	// flight waits that long. The sender beats ten times as often, but at most once a second, and
	// cancels its deliveries when it could not for four fifths of the time. 1 s to 10 min. Defaults to 10 s.
	Session time.Duration
	// Retry is the schedule of attempts.
	Retry Retry
	// Breaker says when sending to a destination that does not answer is stopped.
	Breaker Breaker
	// Rate returns the limit of a destination, which all senders of the store share. It is called
	// before each flight: it must be quick and safe for concurrent use. A negative Count or Burst counts as
	// none. Defaults to no limits.
	Rate func(destination string) Rate
	// Retention says what is deleted, and when.
	Retention Retention
	// Poll is how often the store is asked for work without a call of Wake; up to a fifth is added at
	// random. Each beat asks too: with a Poll that is not shorter than the time between two beats, an idle
	// sender asks nothing else, but for a look through everything once a minute. Defaults to 1 s.
	Poll time.Duration
	// Profiles says where profiles come from, and how they are sealed. Defaults to the messages
	// themselves.
	Profiles Profiles
	// ProbeEvery is how often one message is sent to a destination that paused by itself, as for refused
	// credentials. Defaults to 15 min.
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
	setDefault(&c.Session, 10*time.Second)
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
	if c.Installation != "" {
		if problem := check.Text(c.Installation, 64); problem != "" {
			return c, check.Bad("outbox", "SenderConfig.Installation", problem)
		}
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
		{"Session", c.Session < time.Second || c.Session > 10*time.Minute, "is not from 1 s to 10 min"},
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

// Run delivers until ctx ends. It then begins no more, waits for what is being delivered, settles it, and
// returns nil. That takes at most DeliverTimeout + SettleTimeout and some seconds, and 4 × SettleTimeout more
// where the store does not answer, whatever destinations and drivers do with their contexts. A store that cannot be reached, or has no tables, is logged and tried
// again. A second concurrent Run returns [ErrRunning].
func (s *Sender) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer s.running.Store(false)
	newRun(context.WithoutCancel(ctx), s).serve(ctx)
	return nil
}
