package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"
)

// BenchmarkSender is what a sender itself costs per message, beside the store and the delivery.
func BenchmarkSender(b *testing.B) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprint("elevate/", i)
	}
	instant := deliver(func(Message) error { return nil })
	slow := deliver(func(Message) error {
		time.Sleep(time.Millisecond)
		return nil
	})
	for _, c := range []struct {
		name  string
		per   int
		names []string
		to    deliver
	}{
		{"distinct persons", 1, names[:1], instant},
		{"ten each", 10, names[:1], instant},
		{"10,000 destinations", 5, names, instant},
		{"answers of 1 ms", 1, names[:1], slow},
	} {
		b.Run(c.name, func(b *testing.B) {
			q := newBelt(c.per, c.names...)
			q.load(b.N, "")
			sender, err := NewSender(q, SenderConfig{Destinations: c.to, Concurrency: 100, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			all := q.all
			b.ReportAllocs()
			b.ResetTimer()
			go func() { done <- sender.Run(ctx) }()
			<-all
			b.StopTimer()
			cancel()
			if err := <-done; err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/float64(q.reads), "messages/reading")
			b.ReportMetric(float64(b.N)/float64(q.records), "messages/flight")
			b.ReportMetric(float64(b.N)/float64(q.batches), "messages/settlement")
		})
	}
}
