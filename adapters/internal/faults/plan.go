package faults

import "sync"

// Plan says which call meets which fault. The zero value lets every call
// behave. It is safe for concurrent use.
type Plan struct {
	mu     sync.Mutex
	next   []Fault
	decide func(call int) Fault
	calls  int
}

// Next queues faults: one for each of the calls to come, in their order. A zero
// Fault lets a call behave.
func (p *Plan) Next(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = append(p.next, faults...)
}

// Decide asks f about each call for which nothing is queued; calls are counted
// from 1, the queued ones included. f is called by one goroutine at a time and
// must not use the plan. Nil ends it.
func (p *Plan) Decide(f func(call int) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decide = f
}

// Take returns the fault of the call that has just come in.
func (p *Plan) Take() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if len(p.next) > 0 {
		f := p.next[0]
		p.next = p.next[1:]
		return f
	}
	if p.decide != nil {
		return p.decide(p.calls)
	}
	return Fault{}
}
