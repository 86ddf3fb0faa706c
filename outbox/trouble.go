package outbox

import (
	"fmt"
	"time"
)

// trouble is what went wrong at a destination of late. It is guarded by
// run.mu.
type trouble struct {
	// tentative are the messages in a row that met an answer which may be about the destination.
	tentative map[ID]bool
	// failing are those that ended as unavailable or unknown.
	failing map[ID]bool
	// openings counts how often in a row the breaker was opened, the last time at
	// openedAt.
	openings int
	openedAt time.Time
}

func (t *trouble) none() bool {
	return len(t.tentative) == 0 && len(t.failing) == 0 && t.openings == 0
}

// unanswered counts a delivery that ended as unavailable or unknown, and opens
// the breaker when that makes too many, or when it was a probe.
func (r *run) unanswered(w work, e *DeliveryError, st *Settlement) {
	b := r.cfg.Breaker
	now := time.Now()
	r.mu.Lock()
	t := &w.to.trouble
	if b.After < 0 && !w.Probe {
		r.mu.Unlock()
		return
	}
	w.to.troubled.Store(true)
	if t.openings > 0 && now.Sub(t.openedAt) > b.lapse() {
		t.openings = 0
	}
	if !w.Probe {
		if w.stale() || w.of != r.session {
			r.mu.Unlock()
			return // it was recorded before the breaker opened and says nothing new
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
	if w.of == r.session {
		r.shut(w.to)
	}
	r.mu.Unlock()
	if opens {
		r.alarm(r.base, AlarmBreaker, w.Message, fmt.Sprintf("%d different messages in a row met no answer, the last: %s", b.After, e.Error()))
	}
}

// tentativeAfter different messages in a row that meet a tentative answer
// pause the destination.
const tentativeAfter = 3

// tentativeThrice counts a tentative answer, in this sender alone.
func (r *run) tentativeThrice(w work) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &w.to.trouble
	w.to.troubled.Store(true)
	if t.tentative == nil {
		t.tentative = map[ID]bool{}
	}
	t.tentative[w.ID] = true
	if len(t.tentative) < tentativeAfter {
		return false
	}
	clear(t.tentative)
	return true
}

// answered ends rows of unanswered deliveries. A row of tentative answers ends where
// good says that the platform was reached and took the call for what it is: a
// rejection may have been made here, without a call.
func (r *run) answered(w work, good bool) {
	if !w.to.troubled.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &w.to.trouble
	clear(t.failing)
	if !w.stale() {
		t.openings = 0
	}
	if good {
		clear(t.tentative)
	}
	w.to.troubled.Store(!t.none())
}
