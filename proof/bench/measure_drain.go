package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/bench/peers"
)

// overHTTP is how the drains that go to the platform are sent.
func overHTTP(p *Platform, concurrency int) (cfg outbox.SenderConfig, done func(), err error) {
	client, err := elevateAt(p.URL, concurrency)
	if err != nil {
		return cfg, nil, err
	}
	return outbox.SenderConfig{Destinations: everywhere{straight{client}}, Concurrency: concurrency}, client.CloseIdleConnections, nil
}

// drained fills an outbox and drains it over HTTP.
func drained(ctx context.Context, o Outbox, p *Platform, n, concurrency int, of shape) (perSecond float64, err error) {
	if _, err := fill(ctx, o, n, of); err != nil {
		return 0, err
	}
	cfg, done, err := overHTTP(p, concurrency)
	if err != nil {
		return 0, err
	}
	defer done()
	return drain(ctx, o, n, &p.Calls, cfg)
}

// drainedBare fills an outbox and drains it by the bare loop's own client, so that the outbox is measured and
// not a platform's client.
func drainedBare(ctx context.Context, o Outbox, p *Platform, n int) (perSecond float64, err error) {
	if _, err := fill(ctx, o, n, distinct); err != nil {
		return 0, err
	}
	bare := newBareClient(p, workers)
	defer bare.close()
	return drain(ctx, o, n, &p.Calls, outbox.SenderConfig{Destinations: everywhere{posting{bare, p.sample}}, Concurrency: workers})
}

// drainedByTurn fills an outbox and drains it over HTTP, by the destination that looks at each
// message's turn what is owed.
func drainedByTurn(ctx context.Context, o Outbox, p *Platform, n int, of shape) (perSecond float64, err error) {
	if _, err := fill(ctx, o, n, of); err != nil {
		return 0, err
	}
	client, err := elevateAt(p.URL, workers)
	if err != nil {
		return 0, err
	}
	defer client.CloseIdleConnections()
	to, err := amsbridge.NewDestination(o, client, amsbridge.DestinationConfig{})
	if err != nil {
		return 0, err
	}
	return drain(ctx, o, n, &p.Calls, outbox.SenderConfig{Destinations: everywhere{to}, Concurrency: workers})
}

// drainedNoop fills an outbox and drains it to nowhere.
func drainedNoop(ctx context.Context, o Outbox, n int, of shape) (perSecond float64, err error) {
	if _, err := fill(ctx, o, n, of); err != nil {
		return 0, err
	}
	to := &noop{}
	return drain(ctx, o, n, &to.calls, outbox.SenderConfig{Destinations: everywhere{to}, Concurrency: workers})
}

// riverDrained fills River and has it do that work n times. calls counts the
// work done.
func riverDrained(ctx context.Context, r *peers.River, n int, calls *atomic.Int64, work peers.Work) (perSecond float64, err error) {
	if err := r.Fill(ctx, n, []byte(sampleBody)); err != nil {
		return 0, err
	}
	completed, err := r.Completed(ctx)
	if err != nil {
		return 0, err
	}
	before := calls.Load()
	begun := time.Now()
	stop, err := r.Start(ctx, workers, work)
	if err != nil {
		return 0, err
	}
	err = await(ctx, func() (bool, error) {
		if calls.Load()-before < int64(n) {
			return false, nil
		}
		left, err := r.Left(ctx)
		return left == 0, err
	})
	took := time.Since(begun)
	if err := errors.Join(err, stop()); err != nil {
		return 0, err
	}
	now, err := r.Completed(ctx)
	if got := calls.Load() - before; err == nil && (got != int64(n) || now-completed != int64(n)) {
		err = fmt.Errorf("bench: of %d jobs River worked %d and completed %d", n, got, now-completed)
	}
	return float64(n) / took.Seconds(), err
}

// sampleBody stands for a push where nobody reads it.
const sampleBody = `{"user_id":"u-000000001","first_name":"Ada","last_name":"Byron","email":"u-000000001@example.org","product_id":"course-1"}`

// What a drain adds that sends by the platform's own client, and one that looks besides at each message's turn
// what is owed.
const (
	byClient = ", Elevate's client"
	byTurn   = ", by turn"
)

// drainInstant compares all engines and River with the bare loop.
func drainInstant(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	p, err := l.platform(ctx, 0, &c)
	if err != nil {
		return nil, err
	}
	n := l.size(20_000, 50)
	parts := []part{one("bare", func(ctx context.Context) (float64, error) { return loop(ctx, p, n, workers) })}
	for _, e := range l.Engines {
		o, _, err := l.open(ctx, e.Name, &c)
		if err != nil {
			return nil, err
		}
		n := n
		if e.server == "" {
			n = l.size(3000, 50) // it rests between writes: the shop's come first
		}
		parts = append(parts,
			one(e.Name, func(ctx context.Context) (float64, error) { return drainedBare(ctx, o, p, n) }),
			one(e.Name+byClient, func(ctx context.Context) (float64, error) { return drained(ctx, o, p, n, workers, distinct) }),
			one(e.Name+byTurn, func(ctx context.Context) (float64, error) { return drainedByTurn(ctx, o, p, n, distinct) }))
	}
	e, ok := l.main()
	if ok {
		r, err := l.river(ctx, 0, &c)
		if err != nil {
			return nil, err
		}
		bare := newBareClient(p, workers)
		c.add(func() error { bare.close(); return nil })
		parts = append(parts, one("River", func(ctx context.Context) (float64, error) {
			return riverDrained(ctx, r, n, &p.Calls, func(ctx context.Context, _ string, _ []byte) error { return bare.post(ctx, p.sample) })
		}))
	}
	got, err := l.play(ctx, 5, parts...)
	if err != nil {
		return nil, err
	}
	for _, engine := range l.Engines {
		row := Row{Name: engine.Name + " ÷ bare go-retryablehttp loop", Values: got.over(engine.Name, "bare"), Base: got["bare"], BaseUnit: "calls/s"}
		if engine.Name == e.Name {
			row.Bar = atLeast(0.60)
		}
		client := got[engine.Name+byClient]
		rows = append(rows, row,
			Row{Name: engine.Name + byClient + " ÷ bare loop", Values: got.over(engine.Name+byClient, "bare"), Base: got["bare"], BaseUnit: "calls/s"},
			Row{Name: engine.Name + byTurn + " ÷ without", Values: got.over(engine.Name+byTurn, engine.Name+byClient), Base: client, BaseUnit: "messages/s"})
	}
	if ok {
		rows = append(rows, Row{
			Name: e.Name + " ÷ River tuned", Values: got.over(e.Name, "River"), Bar: atLeast(2.7), Base: got["River"], BaseUnit: "jobs/s",
		})
	}
	return rows, nil
}

// drainSlow has answers that take 50 ms, so that the concurrency is the limit.
func drainSlow(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	e, o, err := l.openMain(ctx, &c)
	if o == nil {
		return nil, err
	}
	p, err := l.platform(ctx, 50*time.Millisecond, &c)
	if err != nil {
		return nil, err
	}
	for _, concurrency := range []int{50, 100, 200} {
		n := concurrency * l.size(100, 4)
		got, err := l.play(ctx, 3,
			one("bare", func(ctx context.Context) (float64, error) { return loop(ctx, p, n, concurrency) }),
			one("ours", func(ctx context.Context) (float64, error) { return drained(ctx, o, p, n, concurrency, distinct) }))
		if err != nil {
			return nil, err
		}
		rows = append(rows, Row{
			Name: fmt.Sprintf("%s, c = %d ÷ bare loop", e.Name, concurrency), Values: got.over("ours", "bare"), Bar: atLeast(0.98),
			Base: got["bare"], BaseUnit: "calls/s",
		})
	}
	return rows, nil
}

// drainNoop leaves out the platform: what the database and the sender can do.
func drainNoop(ctx context.Context, l *Lab) (rows []Row, err error) {
	for _, group := range []func(context.Context, *Lab) ([]Row, error){drainNoopRiver, drainNoopMariaDB} {
		more, err := group(ctx, l)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func drainNoopRiver(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	e, o, err := l.openMain(ctx, &c)
	if o == nil {
		return nil, err
	}
	r, err := l.river(ctx, 0, &c)
	if err != nil {
		return nil, err
	}
	w, err := l.watermillPostgres(ctx, &c)
	if err != nil {
		return nil, err
	}
	n := l.size(30_000, 50)
	got, err := l.play(ctx, 5,
		one(e.Name, func(ctx context.Context) (float64, error) { return drainedNoop(ctx, o, n, distinct) }),
		one("River", func(ctx context.Context) (float64, error) {
			var calls atomic.Int64
			return riverDrained(ctx, r, n, &calls, func(context.Context, string, []byte) error { calls.Add(1); return nil })
		}),
		subscribed(w, n))
	if err != nil {
		return nil, err
	}
	return []Row{
		{Name: e.Name + " ÷ River tuned", Values: got.over(e.Name, "River"), Bar: atLeast(6.5), Base: got["River"], BaseUnit: "jobs/s"},
		{
			Name: e.Name + " ÷ watermill-sql, one after another", Values: got.over(e.Name, watermillName), Bar: atLeast(1),
			Base: got[watermillName], BaseUnit: "messages/s",
		},
	}, nil
}

func drainNoopMariaDB(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	o, ok, err := l.open(ctx, MariaDB, &c)
	if err != nil || !ok {
		return nil, err
	}
	w, err := l.watermillMariaDB(ctx, &c)
	if err != nil {
		return nil, err
	}
	got, err := l.play(ctx, 5,
		one(MariaDB, func(ctx context.Context) (float64, error) { return drainedNoop(ctx, o, l.size(20_000, 50), distinct) }),
		subscribed(w, l.size(5000, 50)))
	if err != nil {
		return nil, err
	}
	return []Row{{
		Name: "mariadb ÷ watermill-sql on MariaDB", Values: got.over(MariaDB, watermillName), Bar: atLeast(5),
		Base: got[watermillName], BaseUnit: "messages/s",
	}}, nil
}

// subscribed has watermill-sql deliver n messages to nowhere.
func subscribed(w *peers.Watermill, n int) part {
	return one(watermillName, func(ctx context.Context) (float64, error) {
		if err := w.Fill(ctx, n, []byte(sampleBody)); err != nil {
			return 0, err
		}
		took, err := w.Drain(ctx, n, func(context.Context, []byte) error { return nil })
		return float64(n) / took.Seconds(), err
	})
}
