package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// memory has a sender in a process of its own deliver over HTTP beside so many
// pending messages.
func memory(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	e, ok := l.main()
	if !ok {
		return nil, nil
	}
	p, err := l.platform(ctx, 0, &c)
	if err != nil {
		return nil, err
	}
	sizes := []int{l.size(100_000, 500), l.size(1_000_000, 2000)}
	parts := make([]part, len(sizes))
	for i, pending := range sizes {
		o, dsn, _, err := l.openAt(ctx, e.Name, &c)
		if err != nil {
			return nil, err
		}
		parts[i] = one(thousands(int64(pending)), func(ctx context.Context) (float64, error) {
			left, err := o.Number(ctx, queued)
			if err != nil {
				return 0, err
			}
			if missing := pending - int(left); missing > 0 {
				if err := bulkPending(ctx, o, missing); err != nil {
					return 0, err
				}
			}
			return peakOf(ctx, task{Engine: e.Name, DSN: dsn, Platform: p.URL, Until: int64(l.size(30_000, 200))})
		})
	}
	got, err := l.play(ctx, 3, parts...)
	if err != nil {
		return nil, err
	}
	for _, pending := range sizes {
		name := thousands(int64(pending))
		rows = append(rows, Row{Name: e.Name + ", most resident in the sender's process, " + name + " pending", Values: got[name], Unit: "MiB", Bar: atMost(40)})
	}
	return rows, nil
}

func peakOf(ctx context.Context, t task) (mib float64, err error) {
	wait, _, err := t.start(ctx)
	if err != nil {
		return 0, err
	}
	d, err := wait()
	if err == nil && d.Delivered < t.Until {
		err = fmt.Errorf("bench: the sender's process delivered %d, not %d", d.Delivered, t.Until)
	}
	return float64(d.PeakRSS) / (1 << 20), err
}

// sqliteCheckout times checkouts at 100/s, from when they were due until they
// were committed, while a sender in another process drains and without it.
func sqliteCheckout(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	o, dsn, ok, err := l.openAt(ctx, SQLite, &c)
	if err != nil || !ok {
		return nil, err
	}
	n := l.size(600, 60)
	alone := func(ctx context.Context) (figures, error) {
		took, err := timedCheckouts(ctx, o, n)
		if err != nil {
			return nil, err
		}
		return figures{"alone": quantile(took, 0.99)}, discard(ctx, o)
	}
	beside := func(ctx context.Context) (figures, error) {
		// More than is drained meanwhile.
		if _, err := fill(ctx, o, 100*n, distinct); err != nil {
			return nil, err
		}
		_, stop, err := task{Engine: SQLite, DSN: dsn}.start(ctx)
		if err != nil {
			return nil, err
		}
		before, err := settled(ctx, o)
		if err == nil {
			err = await(ctx, func() (bool, error) {
				now, err := settled(ctx, o)
				return now > before, err
			})
		}
		var took []float64
		begun := time.Now()
		if err == nil {
			took, err = timedCheckouts(ctx, o, n)
		}
		seconds := time.Since(begun).Seconds()
		left, errLeft := o.Number(ctx, queued)
		now, errNow := settled(ctx, o)
		_, errStop := stop()
		if err := errors.Join(err, errLeft, errNow, errStop); err != nil {
			return nil, err
		}
		if left == 0 {
			return nil, errors.New("bench: the sender had nothing left to drain beside the checkouts")
		}
		return figures{"beside": quantile(took, 0.99), "drained": float64(now-before) / seconds}, discard(ctx, o)
	}
	got, err := l.play(ctx, 5, alone, beside)
	if err != nil {
		return nil, err
	}
	return []Row{
		{
			Name: "p99 at 100 checkouts/s beside a sender's process ÷ without", Values: got.over("beside", "alone"), Bar: atMost(5),
			Base: got["alone"], BaseUnit: "ms",
		},
		{Name: "what that sender drains meanwhile", Values: got["drained"], Unit: "messages/s"},
	}, nil
}

// timedCheckouts places n orders at 100/s and returns how long each took in
// milliseconds, ascending.
func timedCheckouts(ctx context.Context, o Outbox, n int) ([]float64, error) {
	var mu sync.Mutex
	var took []float64
	err := paced(ctx, n, 100, func(_ int, due time.Time) error {
		number := numbers.Add(1)
		err := o.Place(ctx, orderOf(number, number), orderAndPush, nil)
		ms := float64(time.Since(due).Microseconds()) / 1000
		mu.Lock()
		defer mu.Unlock()
		took = append(took, ms)
		return err
	})
	slices.Sort(took)
	return took, err
}

// idle counts what senders ask of their databases while there is nothing to do:
// round trips on the wire but for the pool's own pings, or beats and readings where
// there is no wire.
func idle(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	type watched struct {
		name  string
		asked func() int64
		at    int64
	}
	var all []*watched
	var stops []func() error
	defer func() {
		for _, stop := range stops {
			err = errors.Join(err, stop())
		}
	}()
	for _, e := range l.Engines {
		o, _, err := l.open(ctx, e.Name, &c)
		if err != nil {
			return nil, err
		}
		w := &watched{name: e.Name + ", queries of an idle sender", asked: o.Trips}
		if e.server == "" {
			calls := &counted{Outbox: o}
			o, w.name, w.asked = calls, e.Name+", beats and readings of an idle sender", calls.n.Load
		}
		s, err := send(ctx, o, outbox.SenderConfig{Destinations: everywhere{&noop{}}, Concurrency: workers})
		if err != nil {
			return nil, err
		}
		stops = append(stops, s.stop)
		all = append(all, w)
	}
	pause := func(d time.Duration) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := pause(2 * time.Second); err != nil { // the start is not idle
		return nil, err
	}
	for _, w := range all {
		w.at = w.asked()
	}
	watch := time.Duration(l.size(20, 3)) * time.Second
	if err := pause(watch); err != nil {
		return nil, err
	}
	for _, w := range all {
		perSecond := float64(w.asked()-w.at) / watch.Seconds()
		if perSecond == 0 {
			return nil, fmt.Errorf("bench: %s: none at all", w.name)
		}
		rows = append(rows, Row{Name: w.name, Values: []float64{perSecond}, Unit: "/s", Bar: atMost(1)})
	}
	return rows, nil
}

// counted counts what a sender asks regularly.
type counted struct {
	Outbox
	n atomic.Int64
}

// Beat implements [outbox.Queue].
func (c *counted) Beat(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
	c.n.Add(1)
	return c.Outbox.Beat(ctx, b)
}

// Read implements [outbox.Queue].
func (c *counted) Read(ctx context.Context, r outbox.Reading) (outbox.Read, error) {
	c.n.Add(1)
	return c.Outbox.Read(ctx, r)
}
