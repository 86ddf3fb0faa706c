package outboxtest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// due returns the messages of a lane that only its lease and its destination
// may hold back, in the order of insertion.
func (w *world[Tx]) due(lane int64) (due []*simMessage) {
	for _, m := range w.msgs {
		if m.lane == lane && m.state == outbox.StatePending && !m.live(w.now) && m.due <= w.now {
			due = append(due, m)
		}
	}
	slices.SortFunc(due, func(a, b *simMessage) int { return cmp.Compare(a.ID, b.ID) })
	return due
}

func (w *world[Tx]) laneLive(lane int64) bool {
	return slices.ContainsFunc(w.msgs, func(m *simMessage) bool { return m.lane == lane && m.live(w.now) })
}

// poisoned checks what the claim parked, and parks it in the model.
func (w *world[Tx]) poisoned(req outbox.ClaimRequest, c outbox.Claim) error {
	for i := range c.Poisoned {
		m := w.byID(c.Poisoned[i].ID)
		switch {
		case m == nil:
			return fmt.Errorf("poisoned %d is not known", c.Poisoned[i].ID)
		case !req.Isolated || m.lostBy() < outbox.PoisonAfter || !w.gate(m.Destination, req).open:
			return fmt.Errorf("%s was parked as poison after %d lost leases", m.name(), m.lostBy())
		case w.laneLive(m.lane) || len(w.due(m.lane)) == 0 || w.due(m.lane)[0] != m:
			return fmt.Errorf("%s was parked as poison out of its turn", m.name())
		}
		m.lost, m.state, m.doubt = m.lostBy(), outbox.StateParked, m.doubt|outbox.DoubtLostLease
		m.unlease()
	}
	return nil
}

// leased checks what the claim leased against the model, lane by lane.
func (w *world[Tx]) leased(req outbox.ClaimRequest, c outbox.Claim, gates map[string]*simGate) error {
	if most := req.Limit; len(c.Leased) > most || req.Isolated && len(c.Leased) > 1 {
		return fmt.Errorf("%d were leased, of at most %d, isolated %v", len(c.Leased), most, req.Isolated)
	}
	seen := map[int64]bool{}
	for rest := c.Leased; len(rest) > 0; {
		lane, n := rest[0].OrderingKey(), 1
		for n < len(rest) && rest[n].OrderingKey() == lane {
			n++
		}
		if seen[lane] {
			return fmt.Errorf("the ordering key of %s was leased in two parts", rest[0].Key)
		}
		seen[lane] = true
		if err := w.leasedRun(req, rest[:n], gates); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func (w *world[Tx]) leasedRun(req outbox.ClaimRequest, run []outbox.Leased, gates map[string]*simGate) error {
	lane, due := run[0].OrderingKey(), w.due(run[0].OrderingKey())
	g := gates[run[0].Destination]
	g.leased += len(run)
	switch {
	case w.laneLive(lane):
		return fmt.Errorf("%s was leased while another of its ordering key is in flight", run[0].Key)
	case slices.Contains(req.Skip, lane):
		return fmt.Errorf("%s was leased, though its ordering key was to be skipped", run[0].Key)
	case !g.open:
		return fmt.Errorf("%s was leased, though its destination is shut", run[0].Key)
	case g.leased > min(g.slots, g.allowed) || g.probe && g.leased > 1:
		return fmt.Errorf("%d of %s were leased, limit %d, rate %d, probe %v", g.leased, run[0].Destination, g.slots, g.allowed, g.probe)
	case len(run) > max(1, req.KeyLimit) || len(run) > len(due):
		return fmt.Errorf("a batch of %d, where %d are due and %d were asked for", len(run), len(due), req.KeyLimit)
	case len(run) > 1 && due[0].lostBy() > 0:
		return fmt.Errorf("%s lost its lease and was not leased by itself", due[0].name())
	case (due[0].lostBy() >= outbox.SuspectAfter) != req.Isolated:
		return fmt.Errorf("%s was leased after %d lost leases, alone %v", due[0].name(), due[0].lostBy(), req.Isolated)
	}
	for i, l := range run {
		m := due[i]
		doubt := m.doubt
		if m.leased {
			doubt |= outbox.DoubtLostLease
		}
		switch {
		case m.ID != l.ID:
			return fmt.Errorf("%s was leased when it was the turn of %s", l.Key, m.name())
		case i > 0 && m.lostBy() >= outbox.SuspectAfter:
			return fmt.Errorf("%s is a suspect and was not leased alone", m.name())
		case m.lostBy() >= outbox.PoisonAfter:
			return fmt.Errorf("%s was leased after %d lost leases", m.name(), m.lostBy())
		case l.Attempt != m.Attempt+1 || l.Lost != m.lostBy() || l.Doubt != doubt || l.Probe != g.probe:
			return fmt.Errorf("%s: attempt %d lost %d doubt %d probe %v, wanted %d %d %d %v",
				m.name(), l.Attempt, l.Lost, l.Doubt, l.Probe, m.Attempt+1, m.lostBy(), doubt, g.probe)
		case l.Key != m.Key || l.Person != m.Person || string(l.Facts) != string(m.Facts) || string(l.Profile) != string(m.Profile):
			return fmt.Errorf("%s arrived as something else: %+v", m.name(), l.Message)
		}
	}
	return nil
}
