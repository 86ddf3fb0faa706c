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

// Held is closed once the effect of a call has happened and its answer is held.
func (h *Hold) Held() <-chan struct{} { return h.held }

// Release lets the answers go, those of later calls too. Calling it again does
// nothing.
func (h *Hold) Release() { h.releasedOnce.Do(func() { close(h.released) }) }

// wait tells whether an answer may go: when released, or after the delay if
// there is one, unless the caller is gone first.
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
