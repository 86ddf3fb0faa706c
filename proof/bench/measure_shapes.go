package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// theWhale is the buyer with many orders; the others are counted from 1.
const theWhale = 0

// whale compares the others' rate beside a person with a tenth of all messages
// with their rate alone.
func whale(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	e, o, err := l.openMain(ctx, &c)
	if o == nil {
		return nil, err
	}
	p, err := l.platform(ctx, 0, &c)
	if err != nil {
		return nil, err
	}
	n := l.size(50_000, 100)
	beside := func(ctx context.Context) (figures, error) {
		first, err := fill(ctx, o, n, func(i int) (int, string) {
			if i%10 == 9 {
				return theWhale, ""
			}
			return i + 1, ""
		})
		if err != nil {
			return nil, err
		}
		client, err := elevateAt(p.URL, workers)
		if err != nil {
			return nil, err
		}
		defer client.CloseIdleConnections()
		to := &sorting{Destination: straight{client}, person: string(person(first + theWhale + 1).ID), begun: time.Now()}
		if _, err := drain(ctx, o, n, &p.Calls, outbox.SenderConfig{Destinations: everywhere{to}, Concurrency: workers}); err != nil {
			return nil, err
		}
		if to.its != n/10 || to.others != n-n/10 {
			return nil, fmt.Errorf("bench: the whale had %d deliveries and the others %d", to.its, to.others)
		}
		return figures{
			"beside": float64(to.others) / to.othersLast.Seconds(), "own": float64(to.its) / to.itsLast.Seconds(),
		}, nil
	}
	got, err := l.play(ctx, 4, beside,
		one("without", func(ctx context.Context) (float64, error) { return drained(ctx, o, p, n-n/10, workers, distinct) }))
	if err != nil {
		return nil, err
	}
	return []Row{
		{
			Name:   fmt.Sprintf("%s, the others beside one person with %s of %s ÷ without", e.Name, thousands(int64(n/10)), thousands(int64(n))),
			Values: got.over("beside", "without"), Bar: atLeast(0.95), Base: got["without"], BaseUnit: "messages/s",
		},
		{Name: e.Name + ", that person's own rate", Values: got["own"], Unit: "messages/s", Bar: atLeast(1500)},
	}, nil
}

// sorting tells one person's deliveries from the others'.
type sorting struct {
	outbox.Destination
	person string
	begun  time.Time

	mu                  sync.Mutex
	its, others         int
	itsLast, othersLast time.Duration
}

// Deliver implements [outbox.Destination].
func (s *sorting) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	res, err := s.Destination.Deliver(ctx, m)
	took := time.Since(s.begun)
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Person == s.person {
		s.its, s.itsLast = s.its+1, max(s.itsLast, took)
	} else {
		s.others, s.othersLast = s.others+1, max(s.othersLast, took)
	}
	return res, err
}

// compared drains two shapes over HTTP, ours and the base that it is divided by.
func compared(ctx context.Context, l *Lab, name, against string, n int, ours, base shape, bar Bar) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	e, o, err := l.openMain(ctx, &c)
	if o == nil {
		return nil, err
	}
	p, err := l.platform(ctx, 0, &c)
	if err != nil {
		return nil, err
	}
	got, err := l.play(ctx, 5,
		one("ours", func(ctx context.Context) (float64, error) { return drained(ctx, o, p, n, workers, ours) }),
		one("base", func(ctx context.Context) (float64, error) { return drained(ctx, o, p, n, workers, base) }))
	if err != nil {
		return nil, err
	}
	return []Row{{
		Name: e.Name + ", " + name + " ÷ " + against, Values: got.over("ours", "base"), Bar: bar, Base: got["base"], BaseUnit: "messages/s",
	}}, nil
}

func tenAPerson(ctx context.Context, l *Lab) ([]Row, error) {
	ten := func(i int) (int, string) { return i / 10, "" }
	return compared(ctx, l, "10 messages of each person in a row", "distinct persons", l.size(30_000, 50), ten, distinct, atLeast(0.95))
}

// manyDestinations has each association's messages spread over all the others'.
func manyDestinations(ctx context.Context, l *Lab) ([]Row, error) {
	n := l.size(10_000, 10)
	many := func(i int) (int, string) { return i, fmt.Sprintf("a%05d", i%n) }
	return compared(ctx, l, thousands(int64(n))+" destinations × 5", "one destination", 5*n, many, distinct, atLeast(0.90))
}

// fourSenders share the work and the concurrency of one.
func fourSenders(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	e, o, err := l.openMain(ctx, &c)
	if o == nil {
		return nil, err
	}
	p, err := l.platform(ctx, 0, &c)
	if err != nil {
		return nil, err
	}
	n := l.size(30_000, 50)
	four := func(ctx context.Context) (float64, error) {
		if _, err := fill(ctx, o, n, distinct); err != nil {
			return 0, err
		}
		cfg, done, err := overHTTP(p, workers)
		if err != nil {
			return 0, err
		}
		defer done()
		configs := make([]outbox.SenderConfig, 4)
		for i := range configs {
			configs[i] = cfg
			configs[i].Concurrency, configs[i].Name = workers/len(configs), fmt.Sprint("sender ", i)
		}
		return drain(ctx, o, n, &p.Calls, configs...)
	}
	got, err := l.play(ctx, 5, one("four", four),
		one("one", func(ctx context.Context) (float64, error) { return drained(ctx, o, p, n, workers, distinct) }))
	if err != nil {
		return nil, err
	}
	return []Row{{
		Name: e.Name + ", four senders ÷ one, 100 deliveries at once in all", Values: got.over("four", "one"), Bar: atLeast(0.90),
		Base: got["one"], BaseUnit: "messages/s",
	}}, nil
}
