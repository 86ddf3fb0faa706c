package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Ratio compares two rates, round by round.
type Ratio struct {
	// What is divided by what.
	What string
	// Rounds holds ours divided by the base, for each round.
	Rounds []float64
	// Base holds the base's rates, per second. They move from run to run.
	Base []float64
}

func (r *Ratio) add(n int, base, ours time.Duration) {
	r.Rounds = append(r.Rounds, base.Seconds()/ours.Seconds())
	r.Base = append(r.Base, float64(n)/base.Seconds())
}

// String returns the medians, with the least and the greatest.
func (r Ratio) String() string {
	return fmt.Sprintf("%s: %.2f (%.2f–%.2f) in %d rounds; the base did %.0f/s (%.0f–%.0f)",
		r.What, median(r.Rounds), slices.Min(r.Rounds), slices.Max(r.Rounds), len(r.Rounds),
		median(r.Base), slices.Min(r.Base), slices.Max(r.Base))
}

func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// Ratios measures, in interleaved rounds after one that does not count:
// enqueueing so many orders, and draining so many messages over HTTP.
func (s *Shop) Ratios(ctx context.Context, rounds, orders, messages int) (enqueue, drain Ratio, err error) {
	enqueue.What, drain.What = "enqueue ÷ order alone", "drain over HTTP ÷ bare loop"
	for round := range rounds + 1 {
		var took [2]time.Duration
		// Which of the two goes first changes, for neither to have the warmer
		// caches.
		for i := range 2 {
			push := (round+i)%2 == 1
			if took[index(push)], err = s.Enqueue(ctx, orders, push); err != nil {
				return enqueue, drain, err
			}
		}
		if err := s.Discard(ctx); err != nil {
			return enqueue, drain, err
		}
		ours, err := s.Drain(ctx, messages)
		if err != nil {
			return enqueue, drain, err
		}
		base, err := s.Loop(ctx, messages)
		if err != nil {
			return enqueue, drain, err
		}
		if round > 0 {
			enqueue.add(orders, took[0], took[1])
			drain.add(messages, base, ours)
		}
	}
	return enqueue, drain, nil
}

func index(push bool) int {
	if push {
		return 1
	}
	return 0
}
