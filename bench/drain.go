package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/amsbridge/amsbridge/outbox"
)

// workers send at the same time, in the drain and in the bare loop.
const workers = 100

// platform answers every registration at once.
type platform struct {
	*httptest.Server
	calls atomic.Int64
	// sample is the last call's body.
	sample atomic.Pointer[[]byte]
}

func startPlatform() *platform {
	p := &platform{}
	var reply []byte
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		p.sample.Store(&body)
		p.calls.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(reply) // the caller may be gone
	}))
	reply = []byte(`{"success":true,"product_url":"http://` + p.Listener.Addr().String() + `/products/course-1"}`)
	p.Start()
	return p
}

// Drain fills the outbox with n messages of distinct persons, and returns how
// long a sender takes until all are delivered and settled.
func (s *Shop) Drain(ctx context.Context, n int) (took time.Duration, err error) {
	if err := s.fill(ctx, n); err != nil {
		return 0, err
	}
	before := s.platform.calls.Load()
	sender, err := outbox.NewSender(s.store, outbox.SenderConfig{
		Destinations: outbox.Fixed{"elevate": s.client}, Concurrency: workers,
	})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	begun := time.Now()
	go func() { ended <- sender.Run(ctx) }()
	err = s.awaitEmpty(ctx, before+int64(n))
	took = time.Since(begun)
	cancel()
	return took, errors.Join(err, <-ended)
}

// awaitEmpty waits for so many calls, and then for the outbox to be empty. It
// asks the database only at the end, so as not to slow it down.
func (s *Shop) awaitEmpty(ctx context.Context, calls int64) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for left := true; left; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if s.platform.calls.Load() < calls {
			continue
		}
		if err := s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM amsbridge_queue)").Scan(&left); err != nil {
			return err
		}
	}
	return nil
}

// Loop posts the bytes of a delivery n times from as many workers, with
// go-retryablehttp and nothing else. It needs a [Shop.Drain] before it.
func (s *Shop) Loop(ctx context.Context, n int) (time.Duration, error) {
	sample := s.platform.sample.Load()
	if sample == nil {
		return 0, errors.New("bench: there was no drain whose bytes could be sent")
	}
	client := retryablehttp.NewClient()
	client.Logger = nil
	transport := &http.Transport{MaxIdleConns: workers, MaxIdleConnsPerHost: workers, DisableCompression: true}
	client.HTTPClient = &http.Client{Transport: transport}
	defer transport.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(n))
	failed := make(chan error, workers)
	var wg sync.WaitGroup
	begun := time.Now()
	for range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := post(ctx, client, s.platform.URL+"/registration", *sample); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(begun)
	close(failed)
	return took, <-failed
}

func post(ctx context.Context, client *retryablehttp.Client, url string, body []byte) error {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}
