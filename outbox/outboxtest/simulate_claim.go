package outboxtest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

const (
	// simLease is how long a claim lasts.
	simLease = 10 * time.Minute
	// simProbe is when a destination that paused itself is probed next.
	simProbe = 15 * time.Minute
)

func (w *world[Tx]) request() outbox.ClaimRequest {
	return outbox.ClaimRequest{Limit: 1 + w.rng.IntN(8), DestinationLimit: 1 + w.rng.IntN(5), KeyLimit: w.rng.IntN(5), Probe: w.chance(5)}
}

// claim claims as a sender does: a suspect only when it holds nothing else.
func (w *world[Tx]) claim(s *simSender, req outbox.ClaimRequest) error {
	req.Token, req.By, req.Lease, req.ProbeEvery = outbox.NewToken(), s.name, simLease, simProbe
	req.Isolated = s.suspects && len(s.held) == 0
	req.InFlight = map[string]int{}
	for _, h := range s.held {
		req.InFlight[h.Destination]++
	}
	req.Skip, req.From = s.busy, s.last
	req.Rate = func(name string) outbox.Rate {
		if name == w.names[0] {
			return w.rate
		}
		return outbox.Rate{}
	}
	c, err := w.Store.Claim(w.ctx, req)
	if err != nil {
		return err
	}
	w.logf("%s claims at most %d, %d a destination, %d a key, in flight %v, isolated %v, probe %v: %s", s.name, req.Limit, req.DestinationLimit, req.KeyLimit, req.InFlight, req.Isolated, req.Probe, leasedNames(c))
	s.suspects, s.busy = c.Suspects && !req.Isolated, c.Busy
	s.last = c.Last
	if err := w.poisoned(req, c); err != nil {
		return err
	}
	gates := map[string]*simGate{}
	for _, name := range w.names {
		gates[name] = w.gate(name, req)
	}
	if err := w.leased(req, c, gates); err != nil {
		return err
	}
	for _, l := range c.Leased {
		m := w.byID(l.ID)
		m.lost, m.doubt = l.Lost, l.Doubt
		m.Attempt++
		m.token, m.leased, m.until = req.Token, true, w.now+simLease
		s.held = append(s.held, simHeld{Leased: l, token: req.Token, until: m.until})
	}
	for name, g := range gates {
		w.passed(w.dests[name], g, req.Rate(name))
	}
	return errors.Join(w.leftOut(req, c, gates), w.nextDue(req, c, gates))
}

func leasedNames(c outbox.Claim) string {
	var text string
	for _, l := range c.Leased {
		text += fmt.Sprintf("[%s %s of %s]", l.Destination, l.Key, l.Person)
	}
	for i := range c.Poisoned {
		text += fmt.Sprintf("[%s poisoned]", c.Poisoned[i].Key)
	}
	return text
}

// heads are the first due messages of lanes that the sender could still claim,
// or could if it were not for the rate.
func (w *world[Tx]) heads(req outbox.ClaimRequest, gates map[string]*simGate, limited bool) (heads []*simMessage) {
	seen := map[int64]bool{}
	for _, m := range w.msgs {
		lane, g := m.lane, gates[m.Destination]
		shut := !g.open || g.probe && g.leased > 0
		if limited {
			shut = !g.limited
		}
		if seen[lane] || shut || g.leased >= g.slots || slices.Contains(req.Skip, lane) || w.laneLive(lane) {
			continue
		}
		seen[lane] = true
		if due := w.due(lane); len(due) > 0 {
			heads = append(heads, due[0])
		}
	}
	return heads
}

// leftOut checks that a claim which came to nothing had nothing to do, and that
// it told of suspects.
func (w *world[Tx]) leftOut(req outbox.ClaimRequest, c outbox.Claim, gates map[string]*simGate) error {
	suspects := slices.ContainsFunc(w.msgs, func(m *simMessage) bool { return m.queued() && m.lostBy() >= outbox.SuspectAfter })
	if c.Suspects && !suspects {
		return errors.New("the claim told of suspects, and there is none")
	}
	if len(c.Leased)+len(c.Poisoned)+len(c.Busy) > 0 {
		return nil // it got on: the next may do the rest
	}
	for _, m := range w.heads(req, gates, false) {
		suspect := m.lostBy() >= outbox.SuspectAfter
		if suspect == req.Isolated {
			return fmt.Errorf("nothing was leased, though %s could be", m.name())
		}
		if suspect && !c.Suspects {
			return fmt.Errorf("the claim did not tell of the suspect %s", m.name())
		}
	}
	return nil
}

// nextDue checks that a sender which sleeps as long as it is told sleeps no
// longer than it may.
func (w *world[Tx]) nextDue(req outbox.ClaimRequest, c outbox.Claim, gates map[string]*simGate) error {
	if req.Isolated {
		return nil
	}
	for _, m := range w.heads(req, gates, true) {
		if wait := gates[m.Destination].until - w.now; c.NextDue > wait && m.lostBy() < outbox.SuspectAfter {
			return fmt.Errorf("the next message is due in %v, though the rate lets %s through in %v", c.NextDue, m.name(), wait)
		}
	}
	for _, m := range w.heads(req, gates, false) {
		if c.NextDue > 0 && m.lostBy() < outbox.SuspectAfter {
			return fmt.Errorf("the next message is due in %v, though %s is due now", c.NextDue, m.name())
		}
	}
	for _, m := range w.msgs {
		g := gates[m.Destination]
		if m.state != outbox.StatePending || m.due <= w.now || m.live(w.now) || !g.open && g.until == 0 {
			continue
		}
		if wait := max(m.due, g.until) - w.now; c.NextDue > wait {
			return fmt.Errorf("the next message is due in %v, though %s is in %v", c.NextDue, m.name(), wait)
		}
	}
	return nil
}
