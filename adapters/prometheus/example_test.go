package prometheus_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/amsbridge/amsbridge/adapters/prometheus"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// A worker with metrics. The store is the shop's own; destinations and alarm are those that the sender
// would have without metrics.
func ExampleMetrics() {
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	platform := answer(outbox.Result{}, nil) // in a shop, a client of package elevate or notified
	metrics, err := prometheus.New(prometheus.Config{Store: store})
	if err != nil {
		fmt.Println(err)
		return
	}
	registry := client.NewRegistry()
	registry.MustRegister(metrics)
	sender, err := outbox.NewSender(store, outbox.SenderConfig{
		Destinations: metrics.Resolver(outbox.Fixed{"elevate": platform}),
		Alarm:        metrics.Alarm(nil), // counted, and logged
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	stop() // a worker ends on SIGTERM
	if err := sender.Run(ctx); err != nil {
		fmt.Println(err)
	}

	// Serve it on an address that members cannot reach.
	page := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(page.Body.String()) {
		if strings.HasPrefix(line, "amsbridge_") {
			fmt.Print(line)
		}
	}
	// Output:
	// amsbridge_outbox_open_tasks 0
	// amsbridge_outbox_readable 1
}
