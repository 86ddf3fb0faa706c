package outboxtest

import (
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// simGate is what the model says a destination lets through.
type simGate struct {
	open, probe bool
	until       time.Duration // when a shut one opens; zero for unknown
	slots       int
	allowed     int  // by the rate
	limited     bool // the rate shut it, and nothing else
	leased      int
}

func (g *simGate) shut(now, until time.Duration) {
	if until > now {
		g.open, g.until = false, max(g.until, until)
	}
}

func (g *simGate) meter(now time.Duration, spent int64, rate outbox.Rate) {
	allowed, wait := rate.Allow(now.Microseconds(), spent)
	if g.allowed = g.leased + allowed; allowed < 1 {
		g.limited = g.open
		g.shut(now, now+wait)
	}
}

func (w *world[Tx]) gate(name string, req outbox.ClaimRequest) *simGate {
	d := w.dests[name]
	g := &simGate{open: true, slots: req.DestinationLimit - req.InFlight[name]}
	if d.pausing == outbox.PausedByOperator {
		g.open = false
		return g
	}
	g.shut(w.now, d.held)
	if d.pausing == outbox.PausedByItself {
		g.probe = true
		if !req.Probe {
			g.shut(w.now, d.probe)
		}
	}
	if d.broken {
		g.probe = true
		g.shut(w.now, d.breaker)
	}
	g.meter(w.now, d.spent, req.Rate(name))
	return g
}

// passed brings into the model what a claim changes about a destination.
func (w *world[Tx]) passed(d *simDestination, g *simGate, rate outbox.Rate) {
	d.spent = rate.Spend(w.now.Microseconds(), d.spent, g.leased)
	if g.open && g.slots > g.leased {
		g.meter(w.now, d.spent, rate)
	}
	if !g.probe || g.leased == 0 {
		return
	}
	if d.pausing == outbox.PausedByItself {
		d.probe = w.now + simProbe
		g.shut(w.now, d.probe)
	}
	if d.broken {
		d.breaker = w.now + simLease
		g.shut(w.now, d.breaker)
	}
}
