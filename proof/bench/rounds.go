package bench

import (
	"context"
	"fmt"
	"slices"
)

// figures are what a part of a round came to, by name.
type figures map[string]float64

// part is one of the things that a round compares.
type part func(ctx context.Context) (figures, error)

// one makes a part of what returns a single figure.
func one(name string, measure func(ctx context.Context) (float64, error)) part {
	return func(ctx context.Context) (figures, error) {
		v, err := measure(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return figures{name: v}, nil
	}
}

// rounds are the figures of the rounds that count, by name.
type rounds map[string][]float64

// play plays the parts in turn: one round that does not count, and at most so
// many that do. Which goes first, and which goes after which, changes.
func (l *Lab) play(ctx context.Context, most int, parts ...part) (rounds, error) {
	count := min(most, l.Rounds)
	all := rounds{}
	for round := range count + 1 {
		for _, i := range turn(round, len(parts)) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			got, err := parts[i](ctx)
			if err != nil {
				return nil, err
			}
			for name, v := range got {
				if round > 0 {
					all[name] = append(all[name], v)
				}
			}
		}
	}
	return all, nil
}

// turn is the order of n parts in a round.
func turn(round, n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = (round/2 + i) % n
	}
	if round%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

// over divides two figures round by round.
func (r rounds) over(ours, base string) []float64 {
	out := make([]float64, len(r[ours]))
	for i, v := range r[ours] {
		out[i] = v / r[base][i]
	}
	return out
}

func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
