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

// Compare measures n calls in either way, in interleaved rounds after one that
// does not count.
func (c *Call) Compare(ctx context.Context, l *Lab, n int) (CallCost, error) {
	r, err := l.play(ctx, 25, c.cost("bare", n, c.Bare), c.cost("client", n, c.Deliver))
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

func (c *Call) cost(name string, n int, way func(context.Context, int) error) part {
	return func(ctx context.Context) (figures, error) {
		before := allocated()
		begun := time.Now()
		if err := way(ctx, n); err != nil {
			return nil, err
		}
		took := time.Since(begun)
		after := allocated()
		return figures{
			name:            float64(n) / took.Seconds(),
			name + " count": float64(after.Mallocs-before.Mallocs) / float64(n),
			name + " bytes": float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
		}, nil
	}
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
		cost, err := call.Compare(ctx, l, l.size(4000, 20))
		call.Close()
		if err != nil {
			return nil, err
		}
		allocations := Row{Name: call.name + " client, allocations of a call", Values: []float64{cost.Client.Count}, Base: []float64{cost.Bare.Count}}
		rows = append(rows, cost.Row, allocations)
	}
	return rows, nil
}
