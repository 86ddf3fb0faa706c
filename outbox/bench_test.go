package outbox_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// belt is a queue that costs next to nothing: what a sender does over it is the
// sender's own.
type belt struct {
	mu     sync.Mutex
	next   int
	total  int
	left   int
	per    int // messages of one person in a row
	claims int
	batch  int
	names  []string
	all    chan struct{} // closed when all are settled
	ids    []outbox.ID
}

func newBelt(total, per int, names ...string) *belt {
	return &belt{total: total, left: total, per: per, names: names, all: make(chan struct{})}
}

func (q *belt) Claim(_ context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.claims++
	var c outbox.Claim
	n := min(req.Limit, q.total-q.next)
	if len(q.names) == 1 {
		n = min(n, req.DestinationLimit-req.InFlight[q.names[0]])
	}
	c.Leased = make([]outbox.Leased, max(0, n))
	for i := range c.Leased {
		q.next++
		c.Leased[i].Message = outbox.Message{
			ID: outbox.ID(q.next), Destination: q.names[q.next/q.per%len(q.names)], Person: fmt.Sprint("U-", q.next/q.per), Attempt: 1,
		}
	}
	if q.next < q.total && len(q.names) > 1 {
		c.Last = "m"
	}
	return c, nil
}

func (q *belt) Settle(_ context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.batch++
	q.ids = q.ids[:0]
	for i := range batch {
		q.ids = append(q.ids, batch[i].Message.ID)
	}
	if q.left -= len(batch); q.left == 0 {
		close(q.all)
	}
	return q.ids, nil
}

func (q *belt) Prune(context.Context, outbox.Pruning) (outbox.Pruned, error) {
	return outbox.Pruned{}, nil
}

func (*belt) NewTasks(context.Context, int) ([]outbox.OpenTask, error) { return nil, nil }

func (*belt) TasksTold(context.Context, []outbox.OpenTask) error { return nil }

// BenchmarkSender is what a sender itself costs per message, beside the store
// and the delivery.
func BenchmarkSender(b *testing.B) {
	names := make([]string, 10_000)
	to := outbox.Fixed{}
	for i := range names {
		names[i] = fmt.Sprint("elevate/", i)
		to[names[i]] = deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) { return outbox.Result{}, nil })
	}
	slow := outbox.Fixed{names[0]: deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
		time.Sleep(time.Millisecond)
		return outbox.Result{}, nil
	})}
	for _, c := range []struct {
		name  string
		per   int
		names []string
		to    outbox.Fixed
	}{
		{"distinct persons", 1, names[:1], to},
		{"ten each", 10, names[:1], to},
		{"10,000 destinations", 5, names, to},
		{"answers of 1 ms", 1, names[:1], slow},
	} {
		b.Run(c.name, func(b *testing.B) {
			q := newBelt(b.N, c.per, c.names...)
			sender, err := outbox.NewSender(q, outbox.SenderConfig{
				Destinations: c.to, Concurrency: 100, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
			})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			b.ReportAllocs()
			b.ResetTimer()
			go func() { done <- sender.Run(ctx) }()
			<-q.all
			b.StopTimer()
			cancel()
			if err := <-done; err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/float64(q.claims), "messages/claim")
			b.ReportMetric(float64(b.N)/float64(q.batch), "messages/settlement")
		})
	}
}
