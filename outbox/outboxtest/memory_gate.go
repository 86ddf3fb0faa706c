package outboxtest

import (
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// gate is what a destination lets through in one claim.
type gate struct {
	name    string
	open    bool      // it is sent to, or may be probed
	until   time.Time // when a shut one opens by itself; zero for unknown
	slots   int       // free ones
	rate    outbox.Rate
	allowed int // by the rate
	probe   bool
}

func (c *claiming) gate(name string) *gate {
	if g, ok := c.gates[name]; ok {
		return g
	}
	g := &gate{name: name, open: true, slots: c.req.DestinationLimit - c.req.InFlight[name]}
	c.gates[name] = g
	if c.req.Rate != nil {
		g.rate = c.req.Rate(name)
	}
	if d, ok := c.m.states[name]; ok {
		c.look(g, d)
	}
	c.meter(g)
	return g
}

// look shuts the gate as the destination's state says.
func (c *claiming) look(g *gate, d *outbox.DestinationState) {
	if d.Pausing == outbox.PausedByOperator {
		g.open = false
		return
	}
	if d.HeldUntil.After(c.now) {
		g.shut(d.HeldUntil)
	}
	if d.Pausing == outbox.PausedByItself {
		g.probe = true
		if d.ProbeAt.After(c.now) && !c.req.Probe {
			g.shut(d.ProbeAt)
		}
	}
	if !d.BrokenUntil.IsZero() {
		g.probe = true
		if d.BrokenUntil.After(c.now) {
			g.shut(d.BrokenUntil)
		}
	}
}

func (g *gate) shut(until time.Time) { g.open, g.until = false, later(g.until, until) }

// shutForGood tells whether only an operator opens it.
func (g *gate) shutForGood() bool { return !g.open && g.until.IsZero() }

// meter shuts the gate when the rate is used up. One without a free slot waits
// for a settlement, not for the rate.
func (c *claiming) meter(g *gate) {
	allowed, wait := g.rate.Allow(c.now.UnixMicro(), c.m.spent[g.name])
	g.allowed = allowed
	if allowed < 1 && g.slots > 0 && !g.shutForGood() {
		g.shut(c.now.Add(wait))
	}
}

// lets returns how many messages may pass.
func (c *claiming) lets(g *gate) int {
	switch {
	case !g.open:
		return 0
	case g.probe || c.req.Isolated:
		return min(1, c.room, g.slots, g.allowed)
	}
	return min(c.room, g.slots, g.allowed)
}

// pass counts messages that passed.
func (c *claiming) pass(g *gate, n int) {
	c.room -= n
	g.slots -= n
	if c.req.Isolated {
		c.room = 0
	}
	if g.rate.Count > 0 {
		c.m.spent[g.name] = g.rate.Spend(c.now.UnixMicro(), c.m.spent[g.name], n)
	}
	c.meter(g)
	if !g.probe {
		return
	}
	d := c.m.states[g.name]
	if d.Pausing == outbox.PausedByItself {
		d.ProbeAt = c.now.Add(c.req.ProbeEvery)
		g.shut(d.ProbeAt)
	}
	if !d.BrokenUntil.IsZero() {
		d.BrokenUntil = c.now.Add(c.req.Lease)
		g.shut(d.BrokenUntil)
	}
}
