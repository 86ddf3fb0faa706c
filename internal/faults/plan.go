package faults

import "sync"

// Plan says which call meets which fault. With the zero value every call behaves normally. It is safe
// for concurrent use.
//
// Faults queued by [Plan.Next] come first, then the script's calls and users, then [Plan.Decide], and
// last the script's rate.
type Plan struct {
	mu     sync.Mutex
	next   []Fault
	decide func(call int) Fault
	calls  int

	script Script
	since  int               // calls since the script began
	seen   map[string]uint64 // calls since the script began, by identity
}

// Call is what a plan may know about an incoming call.
type Call struct {
	// Key is the message's key, and User the ID of the person whom the call is about. Either may be
	// empty.
	Key, User string
}

// identity returns what stays the same when a call is repeated.
func (c Call) identity() string {
	if c.Key != "" {
		return "key " + c.Key
	}
	return "user " + c.User
}

// Next queues faults for the next calls, one for each, in order. A zero Fault lets a call behave
// normally.
func (p *Plan) Next(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = append(p.next, faults...)
}

// Decide makes the plan call f for each call that is neither queued nor named by the script. Its answer
// is final: the script's rate is not used then. Calls are numbered from 1, all of them. f is never
// called concurrently and must not use the plan. A nil f ends it.
func (p *Plan) Decide(f func(call int) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decide = f
}

// Follow replaces the script, or returns an [*amsbridge.InputError] of the package pkg that names its
// first bad field as the text of a script does. The new script numbers calls from now on, including
// those for which a fault is queued. The zero Script ends it.
func (p *Plan) Follow(pkg string, s Script) error {
	if err := s.check(pkg); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script, p.since, p.seen = s.clone(), 0, map[string]uint64{}
	return nil
}

// Take returns the fault of a call about which nothing is known.
func (p *Plan) Take() Fault { return p.TakeFor(Call{}) }

// TakeFor returns the fault of an incoming call.
func (p *Plan) TakeFor(c Call) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	p.since++
	before := p.count(c.identity())
	if len(p.next) > 0 {
		f := p.next[0]
		p.next = p.next[1:]
		return f
	}
	if f, named := p.script.Calls[p.since]; named {
		return f
	}
	if list, named := p.script.Users[c.User]; named {
		if len(list) == 0 {
			return Fault{}
		}
		p.script.Users[c.User] = list[1:]
		return list[0]
	}
	if p.decide != nil {
		return p.decide(p.calls)
	}
	return p.script.strike(c.identity(), before)
}

// count counts a call if the script's rate needs it, and returns how many with the same identity came
// before.
func (p *Plan) count(identity string) uint64 {
	if p.script.Rate == 0 {
		return 0
	}
	before := p.seen[identity]
	p.seen[identity]++
	return before
}
