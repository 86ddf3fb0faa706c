package outboxtest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// Claim implements [outbox.Queue].
func (m *Memory) Claim(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
	if err := ctx.Err(); err != nil {
		return outbox.Claim{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &claiming{m: m, req: req, now: m.clock(), room: req.Room, gates: map[string]*gate{}}
	c.run()
	return c.claim, nil
}

// claiming is one claim.
type claiming struct {
	m     *Memory
	req   outbox.ClaimRequest
	now   time.Time
	room  int
	gates map[string]*gate
	claim outbox.Claim
}

// gate is what a destination lets through.
type gate struct {
	open  bool      // it is sent to, or may be probed
	until time.Time // when a shut one opens by itself; zero for unknown
	left  int
	probe bool
}

func (c *claiming) gate(name string) *gate {
	if g, ok := c.gates[name]; ok {
		return g
	}
	g := &gate{open: true, left: c.req.Slots - c.req.Holding[name]}
	c.gates[name] = g
	d, ok := c.m.states[name]
	switch {
	case !ok:
	case d.Pausing == outbox.PausedByOperator:
		g.open = false
	case d.HeldUntil.After(c.now):
		g.open, g.until = false, d.HeldUntil
	case d.Pausing == outbox.PausedByItself:
		g.open = c.req.Probe || !d.ProbeAt.After(c.now)
		g.until, g.probe = d.ProbeAt, true
	}
	return g
}

func (c *claiming) run() {
	for _, r := range c.m.queue {
		if r.state == outbox.StateParked {
			c.m.parkFollowers(r)
		}
	}
	var suspects []*row
	for _, r := range c.heads() {
		g, lost := c.gate(r.msg.Destination), lostBy(r)
		suspect := lost >= outbox.SuspectAfter
		if suspect {
			suspects = append(suspects, r)
		}
		switch {
		case suspect != c.req.Alone || !g.open || g.left < 1 || c.room < 1:
		case lost >= outbox.PoisonAfter:
			c.poison(r, lost)
		default:
			c.lease(r, lost, g)
		}
	}
	for _, r := range suspects {
		if r.state == outbox.StatePending && !r.live(c.now) && c.gate(r.msg.Destination).open {
			c.claim.Suspects = true
		}
	}
	c.claim.NextDue = c.nextDue()
}

// lostBy counts the lease that a row still bears.
func lostBy(r *row) int {
	if r.leased() {
		return r.lost + 1
	}
	return r.lost
}

// heads returns the first claimable row of each free lane, in the order in
// which they fell due.
func (c *claiming) heads() []*row {
	busy := c.busy()
	first := map[int64]*row{}
	for _, r := range c.m.queue {
		if !c.ready(r) || r.due.After(c.now) {
			continue
		}
		lane := r.msg.Lane()
		if h := first[lane]; !busy[lane] && (h == nil || r.msg.ID < h.msg.ID) {
			first[lane] = r
		}
	}
	heads := make([]*row, 0, len(first))
	for _, r := range first {
		heads = append(heads, r)
	}
	slices.SortFunc(heads, func(a, b *row) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.msg.ID, b.msg.ID))
	})
	return heads
}

// busy returns the lanes with a live lease.
func (c *claiming) busy() map[int64]bool {
	busy := map[int64]bool{}
	for _, r := range c.m.queue {
		if r.live(c.now) {
			busy[r.msg.Lane()] = true
		}
	}
	return busy
}

// ready tells whether only time, lane and destination keep a row back.
func (c *claiming) ready(r *row) bool {
	_, taken := c.m.taken[r.msg.ID]
	return r.state == outbox.StatePending && !r.live(c.now) && !taken && !c.m.waits(r)
}

func (c *claiming) lease(r *row, lost int, g *gate) {
	if r.leased() {
		r.msg.Doubt |= outbox.DoubtLostLease
		r.logged(outbox.Attempt{
			At: c.now, State: outbox.StatePending, PossibleDuplicate: true,
			Reason: "lease lost: its sender died, stalled or was cut off from the database", By: c.by(),
		})
	}
	r.lost = lost
	r.msg.Attempt++
	r.token, r.lease = c.req.Token, c.now.Add(c.req.Lease)
	l := outbox.Leased{Message: clone(r.msg), Lost: lost, NotReadySince: r.notReady, Probe: g.probe}
	if !r.notReady.IsZero() {
		l.Waited = c.now.Sub(r.notReady)
	}
	c.claim.Leased = append(c.claim.Leased, l)
	c.room--
	g.left--
	if g.probe {
		g.open = false
		g.until = c.now.Add(c.req.ProbeEvery)
		c.m.states[r.msg.Destination].ProbeAt = g.until
	}
	if c.req.Alone {
		c.room = 0
	}
}

func (c *claiming) poison(r *row, lost int) {
	r.lost = lost
	r.msg.Doubt |= outbox.DoubtLostLease
	r.logged(outbox.Attempt{
		At: c.now, State: outbox.StateParked, PossibleDuplicate: true, Reason: outbox.ReasonKillsWorker, By: c.by(),
	})
	c.m.park(r, outbox.ReasonKillsWorker)
	c.claim.Poisoned = append(c.claim.Poisoned, r.record(c.now))
}

func (c *claiming) by() string { return outbox.CutText(c.req.By, 64) }

// nextDue leaves out what only a settlement, a lost lease or an operator can
// bring about: a lane or a sender's slots becoming free, a predecessor leaving
// the queue, a resumed destination. Suspects are told of by Claim.Suspects.
func (c *claiming) nextDue() time.Duration {
	next := c.now.Add(outbox.MaxNextDue)
	busy := c.busy()
	for _, r := range c.m.queue {
		g := c.gate(r.msg.Destination)
		shut := !g.open && g.until.IsZero()
		suspect := lostBy(r) >= outbox.SuspectAfter
		if !c.ready(r) || shut || !r.due.After(c.now) && (busy[r.msg.Lane()] || g.left < 1 && g.open || suspect) {
			continue
		}
		at := r.due
		if !g.open && g.until.After(at) {
			at = g.until
		}
		next = earlier(next, at)
	}
	return max(0, next.Sub(c.now))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
