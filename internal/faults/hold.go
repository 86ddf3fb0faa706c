package faults

import (
	"sync"
	"time"
)

// Hold watches the calls that a [HoldAfter] fault holds. It is safe for
// concurrent use. Make one with [NewHold].
type Hold struct {
	held, released         chan struct{}
	heldOnce, releasedOnce sync.Once
}

// NewHold returns a Hold that holds nothing yet.
func NewHold() *Hold {
	return &Hold{held: make(chan struct{}), released: make(chan struct{})}
}

// Held is closed once a call has had its effect and its answer is held.
func (h *Hold) Held() <-chan struct{} { return h.held }

// Release sends the held answers, and those of later calls. Calling it again does nothing.
func (h *Hold) Release() { h.releasedOnce.Do(func() { close(h.released) }) }

// wait returns true when the answer may be sent, after Release or the delay if there is one, and false
// when the caller went away first.
func (h *Hold) wait(gone <-chan struct{}, delay time.Duration) bool {
	var released <-chan struct{}
	if h != nil {
		h.heldOnce.Do(func() { close(h.held) })
		released = h.released
	}
	var due <-chan time.Time
	if delay > 0 {
		t := time.NewTimer(delay)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-released:
		return true
	case <-due:
		return true
	case <-gone:
		return false
	}
}
