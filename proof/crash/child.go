package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// childVariable holds a child's instructions; a process that has it is one.
const childVariable = "AMSBRIDGE_CRASH_CHILD"

// DefaultPause is the longest that a buyer rests between two orders.
const DefaultPause = 50 * time.Millisecond

// DefaultSession is how long a child is taken for alive without a beat, unless [Config] says otherwise.
const DefaultSession = 2 * time.Second

// buyers take orders at the same time.
const buyers = 4

// instructions are what a child gets from its parent.
type instructions struct {
	Engine string `json:"engine"`
	DSN    string `json:"dsn"`
	// Number counts the children from 1.
	Number  int           `json:"number"`
	Seed    uint64        `json:"seed"`
	Selling bool          `json:"selling"`
	Session time.Duration `json:"session"`
	Pause   time.Duration `json:"pause"`
	// Rough says that the database will fail. A sale that fails by that is no
	// failure of the child.
	Rough    bool   `json:"rough"`
	Elevate  string `json:"elevate"`
	Notified string `json:"notified"`
}

// childName is its sender's.
func childName(number int) string { return fmt.Sprintf("child %d", number) }

// What a child says, a line each.
const (
	saysRunning    = "running"
	saysRolledBack = "rolledback"
)

// ChildMain runs the child and ends the process, where the process is one; in
// any other it returns at once. Programs and tests that call [Run] must call
// it first of all.
func ChildMain() {
	// What it has to say of cut connections is no news here.
	_ = mysql.SetLogger(&mysql.NopLogger{}) // fails for nil alone
	text, ok := os.LookupEnv(childVariable)
	if !ok {
		return
	}
	var in instructions
	err := json.Unmarshal([]byte(text), &in)
	if err == nil {
		err = in.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run sells and sends until standard input ends, as it does too when the parent dies, or until it is told to end.
func (in instructions) run() error {
	e, err := engineOf(in.Engine)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return e.work(ctx, in)
}

// shop is a store with the shop's own transactions.
type shop[Tx any] struct {
	store interface {
		outbox.Writer[Tx]
		outbox.Queue
		outbox.Inspector
	}
	inTx   func(ctx context.Context, wake func(), fn func(Tx) error) error
	insert func(ctx context.Context, tx Tx, id, pushes string) error
}

// work sells and sends until ctx ends.
func work[Tx any](ctx context.Context, in instructions, s shop[Tx]) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sender, err := in.sender(s.store)
	if err != nil {
		return err
	}
	hook, err := amsbridge.NewHook[Tx](s.store, amsbridge.HookConfig{Catalog: catalog{}, Wake: sender.Wake})
	if err != nil {
		return err
	}
	fmt.Println(saysRunning)
	var wg sync.WaitGroup
	failed := make(chan error, buyers)
	if in.Selling {
		var lines atomic.Int64
		for b := range buyers {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(in.Seed, uint64(in.Number*buyers+b)))
				if err := sell(ctx, in, rng, b, s, hook, &lines); err != nil && ctx.Err() == nil {
					failed <- err
					cancel()
				}
			})
		}
	}
	err = sender.Run(ctx)
	wg.Wait()
	close(failed)
	return errors.Join(err, <-failed)
}

func (in instructions) sender(store interface {
	outbox.Queue
	outbox.Inspector
},
) (*outbox.Sender, error) {
	lms, err := elevate.New(elevate.Config{
		Endpoint: in.Elevate + "/api/registration", AllowLoopbackHTTP: true,
		Credentials: elevate.Key(secret), Profile: elevate.GuessedProfile(),
	})
	if err != nil {
		return nil, err
	}
	events, err := notified.New(notified.Config{
		AuthCode: secret, Credentials: secret, BaseURL: in.Notified + "/scripts/Server.nxp", AllowLoopbackHTTP: true,
	})
	if err != nil {
		return nil, err
	}
	to := outbox.Fixed{}
	for name, platform := range map[string]amsbridge.Platform{"elevate": lms, "notified": events} {
		if to[name], err = amsbridge.NewDestination(store, &marking{Platform: platform}, amsbridge.DestinationConfig{}); err != nil {
			return nil, err
		}
	}
	return outbox.NewSender(store, outbox.SenderConfig{
		Destinations:   to,
		Name:           childName(in.Number),
		DeliverTimeout: time.Second, SettleTimeout: in.Session, Session: in.Session, Poll: 250 * time.Millisecond,
		Retry:  outbox.Retry{First: 50 * time.Millisecond, Longest: 200 * time.Millisecond},
		Logger: slog.New(slog.DiscardHandler),
	})
}

var errChangedMind = errors.New("crash: the shop rolls back")

// sell takes orders, each in one transaction with its pushes, and rolls every
// seventh back; which of them is first depends on the buyer.
func sell[Tx any](ctx context.Context, in instructions, rng *rand.Rand, buyer int, s shop[Tx], hook *amsbridge.Hook[Tx], lines *atomic.Int64) error {
	for taken := buyer; ; taken++ {
		n := int(lines.Add(2)) - 2
		if n+2 > maxLines {
			<-ctx.Done()
			return nil
		}
		o, rollBack := newSale(rng, in.Number, buyer, n), taken%7 == 0
		pushes, err := json.Marshal(o.pushes)
		if err != nil {
			return err
		}
		err = in.inTime(ctx, func(ctx context.Context) error {
			return s.inTx(ctx, hook.Wake, func(tx Tx) error {
				report, err := hook.OrderCompleted(ctx, tx, o.order)
				if err != nil {
					return err
				}
				if len(report.NeedsStaff()) > 0 {
					return errParked
				}
				if err := s.insert(ctx, tx, o.order.ID, string(pushes)); err != nil {
					return err
				}
				if rollBack {
					return errChangedMind
				}
				return nil
			})
		})
		switch {
		case errors.Is(err, errChangedMind):
			fmt.Println(saysRolledBack, len(o.pushes))
		case err != nil && !(in.Rough && excusable(err)):
			return err
		}
		rest := time.Duration(rng.Int64N(int64(in.Pause)))
		if err != nil && !errors.Is(err, errChangedMind) {
			rest += afterFailure
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rest):
		}
	}
}

// inTime ends a sale that gets no answer from a database which fails: whoever sells has a time-out of their own.
func (in instructions) inTime(ctx context.Context, sale func(context.Context) error) error {
	if in.Rough {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, saleTimeout)
		defer cancel()
	}
	return sale(ctx)
}

const (
	saleTimeout = 3 * time.Second
	// afterFailure is how long a buyer rests then, besides.
	afterFailure = 250 * time.Millisecond
)

var errParked = errors.New("crash: the hook wants staff for a sound order")

// excusable reports whether an error may come of a database that went away: none
// of those by which the library itself refuses something.
func excusable(err error) bool {
	var field *check.InputError
	return !errors.Is(err, errParked) && !errors.As(err, &field)
}
