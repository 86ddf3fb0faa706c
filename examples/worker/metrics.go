package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/amsbridge/amsbridge/adapters/prometheus"
	"github.com/amsbridge/amsbridge/examples/internal/server"
	"github.com/amsbridge/amsbridge/outbox"
)

// watched makes the sender tell how it does on http://address/metrics, until
// stop is called. The address should be one that members cannot reach: the page
// asks for no password, and shows how much is sold. On a loopback address it is
// answered under no other name.
func watched(cfg *outbox.SenderConfig, store outbox.Inspector, address string, out io.Writer) (stop func() error, err error) {
	metrics, err := prometheus.New(prometheus.Config{Store: store})
	if err != nil {
		return nil, err
	}
	registry := client.NewRegistry()
	if err := registry.Register(metrics); err != nil {
		return nil, err
	}
	cfg.Destinations, cfg.Alarm = metrics.Resolver(cfg.Destinations), metrics.Alarm(cfg.Alarm)

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	srv := server.New(mux)
	if at, ok := listener.Addr().(*net.TCPAddr); ok && at.IP.IsLoopback() {
		srv.Handler = server.Addressed(mux)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	_, _ = fmt.Fprintf(out, "worker: metrics on http://%s/metrics\n", listener.Addr())
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := srv.Shutdown(ctx) // a scrape that takes longer is cut by the program's end
		if served := <-served; !errors.Is(served, http.ErrServerClosed) {
			return served
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		return err
	}, nil
}
