package outbox_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// recordingQueue keeps what a sender asked of a store, and when.
type recordingQueue struct {
	mu   sync.Mutex
	reqs []outbox.ClaimRequest
	at   []time.Time
}

// over taps a store; answer, if not nil, changes what a claim came to.
func (p *recordingQueue) over(store outbox.Queue, answer func(c *outbox.Claim)) *faulty {
	return &faulty{Queue: store, claim: func(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
		p.mu.Lock()
		p.reqs, p.at = append(p.reqs, req), append(p.at, time.Now())
		p.mu.Unlock()
		c, err := store.Claim(ctx, req)
		if answer != nil {
			answer(&c)
		}
		return c, err
	}}
}

func (p *recordingQueue) requests() []outbox.ClaimRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.reqs)
}

func (p *recordingQueue) times() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.at)
}

// forget drops what was kept so far.
func (p *recordingQueue) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reqs, p.at = nil, nil
}
