package ssoverify

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/internal/ssotoken"
)

// ReplayStore remembers which hand-offs were used. Several processes that receive for one audience must
// share one, in a database: see package sqlreplay.
type ReplayStore interface {
	// Consume records in one atomic step that the token with this jti, of this issuer and for this
	// audience, was used. It returns true only for the first call. On an error nobody is let in.
	//
	// A verifier accepts the token before until, by its own clock. The record may be dropped when no verifier
	// of the store can accept the token any more, and no earlier: one with another skew accepts it up to a
	// minute longer, and a clock that ran ahead is set back.
	Consume(ctx context.Context, issuer, audience, id string, until time.Time) (first bool, err error)
}

// errUsed refuses a token that was used before.
var errUsed = errors.New("token was used before")

// MemoryReplay is a [ReplayStore] of one process. Another process, or this one after a restart, accepts
// a token once more. It is safe for concurrent use. The zero value is an empty store.
//
// It forgets a token ten minutes after its end, by its own clock. Whatever that clock does then, what was
// forgotten stays refused: after the clock was set back, every token that ends no later than one that was
// forgotten counts as used, for the few minutes until newer ones end later.
type MemoryReplay struct {
	now func() time.Time

	mu    sync.Mutex
	used  map[tokenID]time.Time // until when each must be kept
	sweep time.Time
	// forgotten is the latest of the times until which a token that was forgotten had to be kept.
	forgotten time.Time
}

type tokenID struct{ issuer, audience, id string }

const (
	// sweepEvery is how often records that are no longer needed are dropped.
	sweepEvery = time.Minute
	// keepLonger is how long a record is kept beyond its time, so that verifiers whose clocks are behind the
	// store's, by as much, are refused nothing that is new.
	keepLonger = 10 * time.Minute
)

// NewMemoryReplay returns an empty store. A nil clock is time.Now.
func NewMemoryReplay(now func() time.Time) *MemoryReplay {
	if now == nil {
		now = time.Now
	}
	return &MemoryReplay{now: now, used: map[tokenID]time.Time{}}
}

// Consume returns true for the first call with a token. It never fails.
func (m *MemoryReplay) Consume(
	_ context.Context, issuer, audience, id string, until time.Time,
) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used == nil { // not made by NewMemoryReplay
		m.now, m.used = time.Now, map[tokenID]time.Time{}
	}
	m.forget(m.now())
	t := tokenID{issuer: issuer, audience: audience, id: id}
	if _, used := m.used[t]; used || !until.After(m.forgotten) {
		return false, nil
	}
	// Another verifier of the store may accept the same token for longer than this one, by their skews.
	m.used[t] = until.Add(ssotoken.MaxSkew)
	return true, nil
}

// forget drops what ended long ago, now and then. A clock that was set back is no reason to wait.
func (m *MemoryReplay) forget(now time.Time) {
	if now.Before(m.sweep) && now.After(m.sweep.Add(-sweepEvery)) {
		return
	}
	m.sweep = now.Add(sweepEvery)
	for t, end := range m.used {
		if now.Sub(end) < keepLonger {
			continue
		}
		delete(m.used, t)
		if end.After(m.forgotten) {
			m.forgotten = end
		}
	}
}
