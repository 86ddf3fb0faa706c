package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/bench/peers"
)

// stopwatch keeps, for each order, when it was committed and when it arrived.
type stopwatch struct {
	mu                 sync.Mutex
	committed, arrived map[string]time.Time
}

func newStopwatch() *stopwatch {
	return &stopwatch{committed: map[string]time.Time{}, arrived: map[string]time.Time{}}
}

func (s *stopwatch) commit(id string) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.committed[id] = now
}

func (s *stopwatch) arrive(id string) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arrived[id].IsZero() {
		s.arrived[id] = now
	}
}

// milliseconds returns, once n orders arrived, how long each took, ascending. A
// delivery may overtake the news of its own commit: that counts as no time.
func (s *stopwatch) milliseconds(ctx context.Context, n int) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, arriveWithin)
	defer cancel()
	err := await(ctx, func() (bool, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.arrived) >= n && len(s.committed) >= n, nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []float64
	for id, at := range s.arrived {
		all = append(all, max(0, float64(at.Sub(s.committed[id]).Microseconds())/1000))
	}
	slices.Sort(all)
	if err == nil && len(all) != n {
		err = fmt.Errorf("bench: of %d orders %d arrived", n, len(all))
	}
	return all, err
}

// arriveWithin is when what has not arrived is given up.
const arriveWithin = 20 * time.Second

// quantile is of ascending values.
func quantile(values []float64, q float64) float64 {
	return values[min(int(q*float64(len(values))), len(values)-1)]
}

// paced calls f n times, so many times a second whether or not the earlier calls
// have ended, and passes the time when it should have begun.
func paced(ctx context.Context, n, perSecond int, f func(i int, due time.Time) error) error {
	var mu sync.Mutex
	var all error
	var wg sync.WaitGroup
	begun := time.Now()
	for i := range n {
		due := begun.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		wait := time.NewTimer(time.Until(due))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			wg.Wait()
			return ctx.Err()
		}
		wg.Go(func() {
			if err := f(i, due); err != nil {
				mu.Lock()
				all = errors.Join(all, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return all
}

// arrival measures how long after its commit a push arrives, at 50 orders/s.
func arrival(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	e, o, err := l.openMain(ctx, &c)
	if o == nil {
		return nil, err
	}
	r, err := l.river(ctx, peers.FetchCooldown, &c)
	if err != nil {
		return nil, err
	}
	n := l.size(400, 20)
	trial := func(
		name string, start func(s *stopwatch) (place func(number int64, id string) error, stop func() error, err error),
	) part {
		return func(ctx context.Context) (figures, error) {
			s := newStopwatch()
			place, stop, err := start(s)
			if err != nil {
				return nil, err
			}
			err = paced(ctx, n, 50, func(int, time.Time) error {
				number := numbers.Add(1)
				return place(number, orderOf(number, number).ID)
			})
			var took []float64
			if err == nil {
				took, err = s.milliseconds(ctx, n)
			}
			if err := errors.Join(err, stop()); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return figures{name + " p50": quantile(took, 0.50), name + " p99": quantile(took, 0.99)}, nil
		}
	}
	got, err := l.play(ctx, 4,
		trial("ours", func(s *stopwatch) (func(int64, string) error, func() error, error) {
			to := &noop{arrived: func(m outbox.Message) { s.arrive(m.Subject) }}
			senders, err := send(ctx, o, outbox.SenderConfig{Destinations: everywhere{to}, Concurrency: workers})
			if err != nil {
				return nil, nil, err
			}
			return func(number int64, id string) error {
				return o.Place(ctx, orderOf(number, number), orderAndPush, func() { s.commit(id); senders.wake() })
			}, senders.stop, nil
		}),
		trial("River", func(s *stopwatch) (func(int64, string) error, func() error, error) {
			stop, err := r.Start(ctx, workers, func(_ context.Context, id string, _ []byte) error { s.arrive(id); return nil })
			return func(number int64, id string) error {
				return r.Place(ctx, insertNumbered, id, string(person(number).ID), price, []byte(sampleBody), func() { s.commit(id) })
			}, stop, err
		}))
	if err != nil {
		return nil, err
	}
	for _, q := range []struct {
		name string
		bar  float64
	}{{"p50", 0.1}, {"p99", 0.1}} {
		rows = append(rows, Row{
			Name: e.Name + ", " + q.name + " at 50 orders/s ÷ River tuned", Values: got.over("ours "+q.name, "River "+q.name), Bar: atMost(q.bar),
			Base: got["River "+q.name], BaseUnit: "ms",
		})
	}
	return rows, nil
}
