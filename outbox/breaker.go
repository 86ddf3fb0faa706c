package outbox

import (
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Breaker says when sending to a destination that does not answer is stopped. Its messages then wait
// without using up their attempts, and do not occupy the sender. An open breaker is open for all
// senders of the store: one message at a time probes the destination, and an answer closes the breaker.
type Breaker struct {
	// After is how many different messages in a row must end as unavailable or unknown, in one sender,
	// to open the breaker. Negative for never. Defaults to 10.
	After int
	// First is how long the breaker is open before the first probe; each failed probe doubles it. A
	// longer lease of a probe is waited for. Defaults to Retry.First.
	First time.Duration
	// Longest limits that time. Defaults to 1 min, or First if that is longer.
	Longest time.Duration
}

func (b Breaker) withDefaults(r Retry) (Breaker, error) {
	setDefault(&b.After, 10)
	setDefault(&b.First, r.First)
	setDefault(&b.Longest, max(time.Minute, b.First))
	switch {
	case b.First < 0:
		return b, check.Bad("outbox", "SenderConfig.Breaker.First", "is negative")
	case b.Longest < b.First:
		return b, check.Bad("outbox", "SenderConfig.Breaker.Longest", "is shorter than First")
	case b.Longest > 24*time.Hour:
		return b, check.Bad("outbox", "SenderConfig.Breaker.Longest", "is longer than a day")
	}
	return b, nil
}

// open is how long the breaker is open the nth time in a row (from 1).
func (b Breaker) open(n int) time.Duration {
	d := b.First
	for i := 1; i < n && d < b.Longest; i++ {
		d *= 2
	}
	return jittered(min(d, b.Longest))
}

// lapse is how long after its last opening a breaker that this sender saw no end
// of counts as closed again: another sender's probe may have closed it.
func (b Breaker) lapse() time.Duration { return max(time.Hour, 4*b.Longest) }

// trouble is what went wrong at a destination of late. It is guarded by
// run.mu.
type trouble struct {
	// forbidden are the messages in a row that met a tentative "unauthorized".
	forbidden map[ID]bool
	// failing are those that ended as unavailable or unknown.
	failing map[ID]bool
	// openings counts how often in a row the breaker was opened, the last time at
	// openedAt.
	openings int
	openedAt time.Time
}

func (t *trouble) none() bool {
	return len(t.forbidden) == 0 && len(t.failing) == 0 && t.openings == 0
}

// unanswered counts a delivery that ended as unavailable or unknown, and opens
// the breaker when that makes too many, or when it was a probe.
func (r *run) unanswered(w work, e *DeliveryError, st *Settlement) {
	b := r.cfg.Breaker
	now := time.Now()
	r.mu.Lock()
	t := &w.line.trouble
	clear(t.forbidden)
	if b.After < 0 && !w.Probe {
		r.mu.Unlock()
		return
	}
	w.line.troubled.Store(true)
	if t.openings > 0 && now.Sub(t.openedAt) > b.lapse() {
		t.openings = 0
	}
	if !w.Probe {
		if w.stale() {
			r.mu.Unlock()
			return // it was claimed before the breaker opened and says nothing new
		}
		if t.failing == nil {
			t.failing = map[ID]bool{}
		}
		t.failing[w.ID] = true
		if len(t.failing) < b.After {
			r.mu.Unlock()
			return
		}
	}
	opens := t.openings == 0 && !w.Probe
	clear(t.failing)
	t.openings++
	t.openedAt = now
	st.Break = b.open(t.openings)
	r.shut(w.line)
	r.mu.Unlock()
	if opens {
		r.alarm(r.base, AlarmBreaker, w.Message, fmt.Sprintf("%d different messages in a row met no answer, the last: %s", b.After, e.Error()))
	}
}

// forbiddenAfter different messages in a row that meet a tentative
// "unauthorized" pause the destination.
const forbiddenAfter = 3

// forbiddenThrice counts a tentative "unauthorized", in this sender alone.
func (r *run) forbiddenThrice(w work) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &w.line.trouble
	w.line.troubled.Store(true)
	if t.forbidden == nil {
		t.forbidden = map[ID]bool{}
	}
	t.forbidden[w.ID] = true
	if len(t.forbidden) < forbiddenAfter {
		return false
	}
	clear(t.forbidden)
	return true
}

// answered ends rows of failures: the platform answered, and unless it said
// "unauthorized" it took our credentials.
func (r *run) answered(w work, o Outcome) {
	if !w.line.troubled.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &w.line.trouble
	clear(t.failing)
	if !w.stale() {
		t.openings = 0
	}
	if o != OutcomeUnauthorized {
		clear(t.forbidden)
	}
	w.line.troubled.Store(!t.none())
}
