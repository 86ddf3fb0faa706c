package ssoverify

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ReplayStore remembers which hand-offs were used. Several processes that receive for one audience must
// share one, in a database: see package sqlreplay.
type ReplayStore interface {
	// Consume records in one atomic step that the token with this jti, of this issuer and for this
	// audience, was used. It returns true only for the first call. The record may be dropped after
	// until. On an error nobody is let in.
	Consume(ctx context.Context, issuer, audience, id string, until time.Time) (first bool, err error)
}

// errUsed refuses a token that was used before.
var errUsed = errors.New("token was used before")

// MemoryReplay is a [ReplayStore] of one process. Another process, or this one after a restart, accepts
// a token once more. It is safe for concurrent use. The zero value is an empty store.
type MemoryReplay struct {
	now func() time.Time

	mu    sync.Mutex
	used  map[tokenID]time.Time
	sweep time.Time
}

type tokenID struct{ issuer, audience, id string }

// sweepEvery is how often records that are no longer needed are dropped.
const sweepEvery = time.Minute

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
	now := m.now()
	if now.After(m.sweep) {
		for t, end := range m.used {
			if now.After(end) {
				delete(m.used, t)
			}
		}
		m.sweep = now.Add(sweepEvery)
	}
	t := tokenID{issuer: issuer, audience: audience, id: id}
	if _, used := m.used[t]; used {
		return false, nil
	}
	m.used[t] = until
	return true, nil
}
