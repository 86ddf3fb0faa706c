package sqlcore

import (
	"cmp"
	"context"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// How many due rows of a destination are looked at even where fewer are wanted,
// for the first ones may be in lanes that are busy, of one person, or suspects:
// more of them each time that a claim looks again.
const (
	leastLook = 16
	mostLook  = 1024
)

// mostTours is how many parts of the way round one claim looks at while it
// finds nothing to lease: what is due there may all stand behind suspects.
const mostTours = 4

// Claim leases due messages in one short transaction; none is begun when
// nothing is due. Claims of all senders go one after another, under an
// advisory lock or SQLite's own, so two cannot lease one person's messages at
// once.
func (s *Store) Claim(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
	req.KeyLimit = max(1, req.KeyLimit)
	claim, err := s.claim(ctx, req)
	for tours := 1; err == nil && len(claim.Leased) == 0 && claim.Last != "" && tours < mostTours; tours++ {
		req.From = claim.Last
		var more outbox.Claim
		more, err = s.claim(ctx, req)
		more.Suspects = more.Suspects || claim.Suspects
		more.Busy, more.Poisoned = append(claim.Busy, more.Busy...), append(claim.Poisoned, more.Poisoned...)
		claim = more
	}
	return claim, err
}

// claim looks at one part of the way round.
func (s *Store) claim(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
	wanted := req.Limit
	if s.d.mostClaimed > 0 {
		req.Limit = min(req.Limit, s.d.mostClaimed)
	}
	t, err := s.tour(ctx, req)
	if err != nil {
		return outbox.Claim{}, s.failed("claim", err)
	}
	c := &claiming{s: s, req: req, tour: t}
	if t.worth() {
		err = s.inTx(ctx, s.d.claimLock, func(q Conn) error {
			c = &claiming{s: s, req: req, tour: t.clone(), q: q, room: req.Limit, skip: slices.Clone(req.Skip)}
			return c.run(ctx)
		})
		if err != nil {
			return outbox.Claim{}, s.failed("claim", err)
		}
	}
	c.cut = req.Limit < wanted && len(c.chosen) == req.Limit
	return c.result(), nil
}

// claiming is one claim.
type claiming struct {
	*tour
	s      *Store
	req    outbox.ClaimRequest
	q      Conn
	room   int
	look   int
	skip   []int64
	chosen []*candidate
	cut    bool // the claim ended for want of room that the sender has
	claim  outbox.Claim
}

func (c *claiming) run(ctx context.Context) error {
	if err := c.readRates(ctx); err != nil {
		return err
	}
	for c.look = leastLook; c.look <= mostLook; c.look *= 4 {
		served := c.toServe()
		if len(served) == 0 {
			break
		}
		found, err := c.candidates(ctx, served)
		if err != nil {
			return err
		}
		for i, g := range served {
			if err := c.serve(ctx, g, found[i]); err != nil {
				return err
			}
		}
	}
	if err := c.takeProbes(ctx); err != nil {
		return err
	}
	if err := c.lease(ctx); err != nil {
		return err
	}
	return c.spend(ctx)
}

// toServe are the gates that the room is enough for, in the order of the tour.
func (c *claiming) toServe() (out []*gate) {
	room := c.room
	for _, g := range c.gates {
		if room < 1 {
			break
		}
		n := c.lets(g)
		if n < 1 || g.done || g.due == 0 {
			continue
		}
		if g.due < mostCounted {
			n = min(n, g.due)
		}
		room -= n
		out = append(out, g)
	}
	return out
}

// lets returns how many messages may pass.
func (c *claiming) lets(g *gate) int {
	switch {
	case !g.open:
		return 0
	case g.probe || c.req.Isolated:
		return min(1-g.taken, c.room, g.slots, g.allowed)
	}
	return min(c.room, g.slots, g.allowed)
}

// serve chooses from one destination's lanes, in the order in which their first
// fell due.
func (c *claiming) serve(ctx context.Context, g *gate, found found) error {
	if c.room < 1 {
		return nil
	}
	g.served, g.left, g.done = true, false, !found.cut
	for _, lane := range found.lanes {
		most := c.lets(g)
		if most < 1 {
			g.left = true
			return nil
		}
		c.skip = append(c.skip, lane[0].Lane)
		head := lane[0]
		switch {
		case slices.ContainsFunc(lane, func(r *candidate) bool { return r.live }):
			c.claim.Busy = append(c.claim.Busy, head.Lane)
		case (head.leasing.Lost >= outbox.SuspectAfter) != c.req.Isolated:
			c.claim.Suspects = c.claim.Suspects || !c.req.Isolated
		case head.leasing.Lost >= outbox.PoisonAfter:
			if err := c.poison(ctx, head); err != nil {
				return err
			}
			g.done = false
		default:
			c.choose(g, together(lane, min(most, c.req.KeyLimit)))
		}
	}
	g.left = found.cut || c.req.Isolated || c.lets(g) < 1
	return nil
}

// together is what of a lane one worker delivers one after another: a row that
// lost its lease goes by itself.
func together(lane []*candidate, most int) []*candidate {
	for i, r := range lane {
		if i == most || i > 0 && r.leasing.Lost > 0 {
			return lane[:i]
		}
		if r.leasing.Lost > 0 {
			most = 1
		}
	}
	return lane
}

func (c *claiming) choose(g *gate, rows []*candidate) {
	for _, r := range rows {
		r.gate, r.Probe = g, g.probe
		c.chosen = append(c.chosen, r)
	}
	g.taken += len(rows)
	g.slots -= len(rows)
	g.allowed -= len(rows)
	c.room -= len(rows)
	if c.req.Isolated {
		c.room = 0
	}
}

// result puts the claim together: lanes in the order in which their first fell
// due.
func (c *claiming) result() outbox.Claim {
	slices.SortStableFunc(c.chosen, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.firstDue, b.firstDue), cmp.Compare(a.firstID, b.firstID), cmp.Compare(a.leasing.ID, b.leasing.ID))
	})
	if len(c.chosen) > 0 {
		c.claim.Leased = make([]outbox.Leased, len(c.chosen))
	}
	for i, r := range c.chosen {
		c.claim.Leased[i] = r.Leased
	}
	c.claim.Suspects = c.claim.Suspects || !c.req.Isolated && c.suspects
	c.claim.Last, c.claim.NextDue = c.last(), c.nextDue()
	return c.claim
}
