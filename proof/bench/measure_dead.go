package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/outbox"
)

// deadDestination compares a destination's rate beside one that refuses every
// connection, and beside one that never answers, with its rate alone.
func deadDestination(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	e, o, err := l.openMain(ctx, &c)
	if o == nil {
		return nil, err
	}
	p, err := l.platform(ctx, 0, &c)
	if err != nil {
		return nil, err
	}
	refuses, err := refusing(ctx)
	if err != nil {
		return nil, err
	}
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the caller go
		<-r.Context().Done()
	}))
	c.add(func() error { hangs.CloseClientConnections(); hangs.Close(); return nil })
	n := l.size(20_000, 50)
	trial := func(name, dead string) part {
		return one(name, func(ctx context.Context) (float64, error) { return beside(ctx, o, p, n, dead) })
	}
	got, err := l.play(ctx, 5, trial("alone", ""), trial("refuses", refuses), trial("hangs", hangs.URL))
	if err != nil {
		return nil, err
	}
	for _, dead := range []struct{ name, what string }{{"refuses", "that refuses connections"}, {"hangs", "that never answers"}} {
		rows = append(rows, Row{
			Name: e.Name + ", beside one " + dead.what + " ÷ alone", Values: got.over(dead.name, "alone"), Bar: atLeast(0.95),
			Base: got["alone"], BaseUnit: "messages/s",
		})
	}
	return rows, nil
}

// refusing is the URL of a port where nobody listens any more.
func refusing(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return "http://" + listener.Addr().String(), listener.Close()
}

// beside returns the rate of n messages of a healthy destination beside a
// quarter as many, spread among them, of the dead one; without any where dead
// is empty. It ends when the healthy one's are delivered.
func beside(ctx context.Context, o Outbox, p *Platform, n int, dead string) (perSecond float64, err error) {
	client, err := elevateAt(p.URL, workers)
	if err != nil {
		return 0, err
	}
	defer client.CloseIdleConnections()
	destinations := outbox.Fixed{"elevate": straight{client}}
	total, of := n, distinct
	if dead != "" {
		var deadClient *elevate.Client
		if deadClient, err = elevateAt(dead, workers); err != nil {
			return 0, err
		}
		defer deadClient.CloseIdleConnections()
		destinations["elevate/dead"] = straight{deadClient}
		total, of = n+n/4, func(i int) (int, string) {
			if i%5 == 4 {
				return i, "dead"
			}
			return i, ""
		}
	}
	if _, err := fill(ctx, o, total, of); err != nil {
		return 0, err
	}
	before := p.Calls.Load()
	begun := time.Now()
	s, err := send(ctx, o, outbox.SenderConfig{
		Destinations: destinations, Concurrency: workers, DeliverTimeout: 2 * time.Second,
		Alarm: func(context.Context, outbox.Alarm) {}, // the dead one is known
	})
	if err != nil {
		return 0, err
	}
	err = s.await(ctx, func() (bool, error) { return p.Calls.Load()-before >= int64(n), nil })
	took := time.Since(begun)
	if err := errors.Join(err, s.stop()); err != nil {
		return 0, err
	}
	if got := p.Calls.Load() - before; got != int64(n) {
		return 0, fmt.Errorf("bench: of %d messages %d were delivered", n, got)
	}
	left, err := o.Number(ctx, queued)
	if err == nil && left != int64(total-n) {
		err = fmt.Errorf("bench: %d messages are left for the dead destination, not %d", left, total-n)
	}
	if err != nil {
		return 0, err
	}
	return float64(n) / took.Seconds(), discard(ctx, o)
}
