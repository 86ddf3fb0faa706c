package sqlcore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// mostCounted is how many due rows of one destination are counted to find out
// how many destinations a claim needs.
const mostCounted = 64

// tour is a look at destinations in the order of their names, without a
// transaction: as many as have due messages for the room, or all.
type tour struct {
	now      int64
	gates    []*gate
	round    bool // it went all the way round
	suspects bool // some are due where a message may be sent (as far as known)
}

// gate is what a destination lets through in one claim.
type gate struct {
	name  string
	since int64 // when the first that may be claimed fell due
	due   int   // at most mostCounted
	left  bool  // more may be due
	next  int64 // when the next falls due that is not; zero for none
	spent int64 // of the rate

	open    bool  // it is sent to, or may be probed
	until   int64 // when a shut one opens by itself; zero for unknown
	probe   bool
	slots   int // free ones
	rate    outbox.Rate
	allowed int // by the rate

	served, done bool
	taken        int
}

// tour looks until the room is covered.
func (s *Store) tour(ctx context.Context, req outbox.ClaimRequest) (*tour, error) {
	t := &tour{}
	for from, upTo := req.From, ""; ; {
		ended, err := s.peek(ctx, req, t, from, upTo)
		switch {
		case err != nil:
			return nil, err
		case t.covered() >= req.Limit:
			t.round = ended && (upTo != "" || req.From == "")
			return t, nil
		case !ended:
			// What was due may not pass: a rate is used up.
			from = t.gates[len(t.gates)-1].name
		case upTo != "" || req.From == "":
			t.round = true
			return t, nil
		default:
			from, upTo = "", req.From
		}
	}
}

// covered is how much of the room the destinations seen will use.
func (t *tour) covered() (n int) {
	for _, g := range t.gates {
		if g.open {
			n += max(0, min(g.due, g.slots, g.allowed))
		}
	}
	return n
}

func (t *tour) worth() bool { return t.covered() > 0 }

// clone is for a transaction that may be tried again.
func (t *tour) clone() *tour {
	c := *t
	c.gates = slices.Clone(t.gates)
	for i, g := range c.gates {
		copied := *g
		c.gates[i] = &copied
	}
	return &c
}

// peek looks at the destinations after a name, up to another if that is not
// empty. It tells whether there are no more of them.
func (s *Store) peek(ctx context.Context, req outbox.ClaimRequest, t *tour, from, upTo string) (ended bool, err error) {
	if s.d.folder == MySQL {
		return s.peekMySQL(ctx, req, t, from, upTo)
	}
	full, err := s.d.listArg(kindBytes, fullOnes(req))
	if err != nil {
		return false, err
	}
	skip, err := s.d.listArg(kindInt, append([]int64{}, req.Skip...))
	if err != nil {
		return false, err
	}
	var bound []byte
	if upTo != "" {
		bound = []byte(upTo)
	}
	ended = true
	err = each(ctx, s.db, func(r Rows) error {
		var g gate
		var name, following []byte
		var next, first sql.NullInt64
		var heldUntil, probeAt, brokenUntil int64
		var pausing outbox.Pausing
		var broken bool
		err := r.Scan(&t.now, &name, &following, &g.since, &g.due, &first, &next, &pausing, &heldUntil, &probeAt,
			&broken, &brokenUntil, &g.spent)
		if err != nil || len(name) == 0 {
			return err
		}
		ended = len(following) == 0 || upTo != "" && string(following) > upTo
		g.left = first.Valid
		g.name, g.next, g.slots = string(name), next.Int64, req.DestinationLimit-req.InFlight[string(name)]
		g.open = pausing != outbox.PausedByOperator
		if g.open {
			g.look(t.now, req.Probe, pausing == outbox.PausedByItself, broken, heldUntil, probeAt, brokenUntil)
		}
		if req.Rate != nil {
			g.rate = req.Rate(g.name)
		}
		// What fell due before the first that may go with others must go alone.
		t.suspects = t.suspects || g.open && g.slots > 0 && g.left && (g.due == 0 || first.Int64 < g.since)
		g.meter(t.now)
		t.gates = append(t.gates, &g)
		return nil
	}, s.sql["peek"], s.now(), []byte(from), bound, max(1, req.Limit-t.covered()), asInt(req.Isolated), asInt(req.Probe), full, skip)
	return ended, err
}

// fullOnes are the destinations of which the sender can take no more.
func fullOnes(req outbox.ClaimRequest) []string {
	full := []string{}
	for name, n := range req.InFlight {
		if n >= req.DestinationLimit {
			full = append(full, hexed(name))
		}
	}
	slices.Sort(full)
	return full
}

// look shuts the gate as the destination's state says.
func (g *gate) look(now int64, probing, paused, broken bool, heldUntil, probeAt, brokenUntil int64) {
	if heldUntil > now {
		g.shut(heldUntil)
	}
	if paused && probeAt > now && !probing {
		g.shut(probeAt)
	}
	if broken && brokenUntil > now {
		g.shut(brokenUntil)
	}
	g.probe = paused || broken
}

func (g *gate) shut(until int64) { g.open, g.until = false, max(g.until, until) }

// shutForGood tells whether only an operator opens it.
func (g *gate) shutForGood() bool { return !g.open && g.until == 0 }

// meter shuts the gate when the rate is used up. One without a free slot waits
// for a settlement, not for the rate.
func (g *gate) meter(now int64) {
	var wait time.Duration
	g.allowed, wait = g.rate.Allow(now, g.spent)
	if g.allowed < 1 && g.slots > 0 && !g.shutForGood() {
		g.shut(now + wait.Microseconds())
	}
}

// last is where the next tour goes on.
func (c *claiming) last() string {
	all, last := c.round, c.req.From
	for _, g := range c.gates {
		if c.room < 1 && g.open && g.due > 0 && !g.served && !c.req.Isolated {
			return last
		}
		last = g.name
	}
	if all && !c.cut {
		return ""
	}
	return last
}

// nextDue leaves out what only a settlement, a lost lease or an operator can
// bring about: a lane or a sender's slots becoming free, a resumed destination.
func (c *claiming) nextDue() time.Duration {
	if !c.round {
		return 0
	}
	next := c.now + outbox.MaxNextDue.Microseconds()
	for _, g := range c.gates {
		if g.shutForGood() {
			continue
		}
		if g.left && (!g.open || g.slots > 0) {
			next = min(next, max(c.now, g.until))
		}
		if g.next > 0 {
			next = min(next, max(g.next, g.until))
		}
	}
	return time.Duration(max(0, next-c.now)) * time.Microsecond
}
