package ssoverify

import (
	"context"
	"errors"
	"math"
	"slices"
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
// forgotten stays refused: it remembers from when to when the forgotten ones ended, and after the clock was set
// back every token that ends within such a time counts as used. So a clock that ran ahead, by however much, and
// was set right costs nobody more than the minutes for which it was used so, once the same time comes again.
type MemoryReplay struct {
	now func() time.Time

	mu    sync.Mutex
	used  map[tokenID]time.Time // until when each must be kept
	sweep time.Time
	// forgotten are the times in which every token that was forgotten ended, by whatever verifier's skew, apart
	// from each other and in their order.
	forgotten []span
}

// span is a time, both ends included.
type span struct{ from, to time.Time }

type tokenID struct{ issuer, audience, id string }

const (
	// sweepEvery is how often records that are no longer needed are dropped.
	sweepEvery = time.Minute
	// keepLonger is how long a record is kept beyond its time, so that verifiers whose clocks are behind the
	// store's, by as much, are refused nothing that is new.
	keepLonger = 10 * time.Minute
	// maxSpans bounds the memory of what was forgotten.
	maxSpans = 32
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
	if _, used := m.used[t]; used || m.hasForgotten(until) {
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
		// A verifier with the least skew says that the token ends so much earlier than end.
		m.remember(span{from: end.Add(-2 * ssotoken.MaxSkew), to: end})
	}
}

// hasForgotten tells whether a token that ends then may be one that was forgotten.
func (m *MemoryReplay) hasForgotten(until time.Time) bool {
	return slices.ContainsFunc(m.forgotten, func(s span) bool { return !until.Before(s.from) && !until.After(s.to) })
}

// remember adds a time in which forgotten tokens ended. Times that overlap become one, and where there are too
// many the two that lie closest: what is between them then counts as used too.
func (m *MemoryReplay) remember(s span) {
	at, _ := slices.BinarySearchFunc(m.forgotten, s, func(a, b span) int { return a.from.Compare(b.from) })
	m.forgotten = slices.Insert(m.forgotten, at, s)
	for {
		closest, gap := 1, time.Duration(math.MaxInt64)
		for i := 1; i < len(m.forgotten); i++ {
			if d := m.forgotten[i].from.Sub(m.forgotten[i-1].to); d < gap {
				closest, gap = i, d
			}
		}
		if gap > 0 && len(m.forgotten) <= maxSpans {
			return
		}
		before := &m.forgotten[closest-1]
		if end := m.forgotten[closest].to; end.After(before.to) {
			before.to = end
		}
		m.forgotten = slices.Delete(m.forgotten, closest, closest+1)
	}
}
