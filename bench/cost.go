package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// CallRatio compares a client with the bare http.Client.
type CallRatio struct {
	// Ratio holds the rates.
	Ratio
	// Client and Bare are what a call allocates, the server's share of it among
	// both: medians of the rounds.
	Client, Bare Allocations
}

// Allocations are what one call allocates.
type Allocations struct{ Count, Bytes float64 }

// String returns the rates' medians and the allocations.
func (r CallRatio) String() string {
	return fmt.Sprintf("%s; %.0f allocations and %.0f bytes a call, where the base has %.0f and %.0f",
		r.Ratio, r.Client.Count, r.Client.Bytes, r.Bare.Count, r.Bare.Bytes)
}

// Compare measures n calls in either way, in interleaved rounds after one that
// does not count.
func (c *Call) Compare(ctx context.Context, rounds, n int) (CallRatio, error) {
	r := CallRatio{Ratio: Ratio{What: c.name + " client ÷ bare http.Client"}}
	ways := [2]func(context.Context, int) error{c.Bare, c.Deliver}
	var counts, bytes [2][]float64
	for round := range rounds + 1 {
		var took [2]time.Duration
		for i := range 2 {
			way := (round + i) % 2 // neither always has the warmer caches
			before := allocated()
			begun := time.Now()
			if err := ways[way](ctx, n); err != nil {
				return CallRatio{}, err
			}
			took[way] = time.Since(begun)
			after := allocated()
			if round > 0 {
				counts[way] = append(counts[way], float64(after.Mallocs-before.Mallocs)/float64(n))
				bytes[way] = append(bytes[way], float64(after.TotalAlloc-before.TotalAlloc)/float64(n))
			}
		}
		if round > 0 {
			r.add(n, took[0], took[1])
		}
	}
	r.Bare = Allocations{median(counts[0]), median(bytes[0])}
	r.Client = Allocations{median(counts[1]), median(bytes[1])}
	return r, nil
}

func allocated() runtime.MemStats {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m
}
