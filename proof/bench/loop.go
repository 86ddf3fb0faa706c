package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/amsbridge/amsbridge/outbox"
)

// bareClient posts with go-retryablehttp and nothing else.
type bareClient struct {
	client    *retryablehttp.Client
	transport *http.Transport
	url       string
}

func newBareClient(p *Platform, concurrency int) *bareClient {
	b := &bareClient{client: retryablehttp.NewClient(), url: p.URL + "/registration"}
	b.client.Logger = nil
	b.transport = &http.Transport{MaxIdleConns: concurrency, MaxIdleConnsPerHost: concurrency, DisableCompression: true}
	b.client.HTTPClient = &http.Client{Transport: b.transport}
	return b
}

func (b *bareClient) close() { b.transport.CloseIdleConnections() }

// post sends a body and reads the answer.
func (b *bareClient) post(ctx context.Context, body []byte) error {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errNotOK
	}
	return errors.Join(err, resp.Body.Close())
}

// posting is a destination that posts the same bytes for every message.
type posting struct {
	client *bareClient
	body   []byte
}

// Deliver implements [outbox.Destination].
func (p posting) Deliver(ctx context.Context, _ outbox.Message) (outbox.Result, error) {
	return outbox.Result{}, p.client.post(ctx, p.body)
}

// loop posts the bytes of a delivery n times from as many workers and returns
// the rate.
func loop(ctx context.Context, p *Platform, n, concurrency int) (perSecond float64, err error) {
	bare := newBareClient(p, concurrency)
	defer bare.close()
	before := p.Calls.Load()
	begun := time.Now()
	err = times(ctx, n, concurrency, func(ctx context.Context) error { return bare.post(ctx, p.sample) })
	took := time.Since(begun)
	if got := p.Calls.Load() - before; err == nil && got != int64(n) {
		err = fmt.Errorf("bench: the bare loop made %d calls, not %d", got, n)
	}
	return float64(n) / took.Seconds(), err
}

// times calls n times from so many workers.
func times(ctx context.Context, n, concurrency int, call func(context.Context) error) error {
	var left atomic.Int64
	left.Store(int64(n))
	failed := make(chan error, concurrency)
	var wg sync.WaitGroup
	for range concurrency {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(ctx); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed
}
