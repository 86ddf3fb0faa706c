package bench

import (
	"context"
	"runtime"
	"time"
)

// CallCost compares a client with the bare http.Client.
type CallCost struct {
	// Row holds the rates.
	Row
	// Client and Bare are what a call allocates, the server's share of it among
	// both: medians of the rounds.
	Client, Bare Allocations
}

// Allocations are what one call allocates.
type Allocations struct{ Count, Bytes float64 }

// turns is how often the two ways take turns within a round: a shared machine
// is fast and slow for seconds at a time.
const turns = 8

// Compare measures n calls in either way in each round, after one that does not
// count.
func (c *Call) Compare(ctx context.Context, l *Lab, n int) (CallCost, error) {
	r, err := l.play(ctx, 25, func(ctx context.Context) (figures, error) { return c.round(ctx, n) })
	if err != nil {
		return CallCost{}, err
	}
	return CallCost{
		Row: Row{
			Name: c.name + " client ÷ bare http.Client", Values: r.over("client", "bare"), Bar: atLeast(0.85),
			Base: r["bare"], BaseUnit: "calls/s",
		},
		Client: Allocations{median(r["client count"]), median(r["client bytes"])},
		Bare:   Allocations{median(r["bare count"]), median(r["bare bytes"])},
	}, nil
}

// round makes n calls in either way.
func (c *Call) round(ctx context.Context, n int) (figures, error) {
	n = max(n/turns, 1)
	ways := []struct {
		name string
		call func(context.Context, int) error
		cost cost
	}{{name: "bare", call: c.Bare}, {name: "client", call: c.Deliver}}
	for i := range turns {
		for _, w := range turn(i, len(ways)) {
			if err := ways[w].cost.add(ctx, n, ways[w].call); err != nil {
				return nil, err
			}
		}
	}
	all := figures{}
	for _, w := range ways {
		made := float64(n * turns)
		all[w.name] = made / w.cost.took.Seconds()
		all[w.name+" count"] = float64(w.cost.mallocs) / made
		all[w.name+" bytes"] = float64(w.cost.bytes) / made
	}
	return all, nil
}

// cost is what calls took and allocated.
type cost struct {
	took           time.Duration
	mallocs, bytes uint64
}

func (c *cost) add(ctx context.Context, n int, way func(context.Context, int) error) error {
	before := allocated()
	begun := time.Now()
	if err := way(ctx, n); err != nil {
		return err
	}
	c.took += time.Since(begun)
	after := allocated()
	c.mallocs += after.Mallocs - before.Mallocs
	c.bytes += after.TotalAlloc - before.TotalAlloc
	return nil
}

func allocated() runtime.MemStats {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m
}

// clients measures the platforms' clients.
func clients(ctx context.Context, l *Lab) ([]Row, error) {
	var rows []Row
	for _, open := range []func(context.Context) (*Call, error){ElevateCall, NotifiedCall} {
		call, err := open(ctx)
		if err != nil {
			return nil, err
		}
		cost, err := call.Compare(ctx, l, l.size(32_000, 20))
		call.Close()
		if err != nil {
			return nil, err
		}
		allocations := Row{Name: call.name + " client, allocations of a call", Values: []float64{cost.Client.Count}, Base: []float64{cost.Bare.Count}}
		rows = append(rows, cost.Row, allocations)
	}
	return rows, nil
}
