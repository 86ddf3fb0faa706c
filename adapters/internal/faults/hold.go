package faults

import "sync"

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

func (h *Hold) wait(gone <-chan struct{}) (released bool) {
	if h == nil {
		<-gone
		return false
	}
	h.heldOnce.Do(func() { close(h.held) })
	select {
	case <-h.released:
		return true
	case <-gone:
		return false
	}
}
