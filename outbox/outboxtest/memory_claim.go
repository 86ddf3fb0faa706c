package outboxtest

import (
	"cmp"
	"context"
	"maps"
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
	c := &claiming{
		m: m, req: req, now: m.clock(), room: req.Limit,
		gates: map[string]*gate{}, skip: toSet(req.Skip), met: map[int64]bool{},
	}
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
	skip  map[int64]bool
	met   map[int64]bool // lanes that were looked at
	runs  []run
	claim outbox.Claim
}

// run is what was leased of one lane.
type run struct {
	first  *row // which fell due first
	due    time.Time
	leased []outbox.Leased
}

func (c *claiming) run() {
	c.tour()
	slices.SortFunc(c.runs, func(a, b run) int {
		return cmp.Or(a.due.Compare(b.due), byID(a.first, b.first))
	})
	for _, run := range c.runs {
		c.claim.Leased = append(c.claim.Leased, run.leased...)
	}
	c.claim.Suspects = c.suspectsDue()
	c.claim.NextDue = c.nextDue()
}

// tour goes from destination to destination until the room is used.
func (c *claiming) tour() {
	names := slices.Sorted(maps.Keys(c.m.lines))
	from, found := slices.BinarySearch(names, c.req.From)
	if found {
		from++
	}
	names = slices.Concat(names[from:], names[:from])
	c.claim.Last = c.req.From
	for _, name := range names {
		if c.room < 1 {
			return
		}
		c.serve(c.gate(name))
		c.claim.Last = name
	}
	c.claim.Last = ""
}

// serve leases from one destination, lanes in the order in which their first
// fell due.
func (c *claiming) serve(g *gate) {
	line := c.m.lines[g.name]
	for _, r := range slices.Clone(line[:dueBy(line, c.now)]) {
		most := c.lets(g)
		if most < 1 {
			return
		}
		if c.met[r.lane] || c.skip[r.lane] || !c.ready(r) {
			continue
		}
		c.met[r.lane] = true
		if c.busy(r.lane) {
			c.claim.Busy = append(c.claim.Busy, r.lane)
			continue
		}
		head := c.head(r.lane)
		lost := lostBy(head)
		switch {
		case (lost >= outbox.SuspectAfter) != c.req.Isolated:
		case lost >= outbox.PoisonAfter:
			c.poison(head, lost)
		default:
			c.lease(r, c.together(r.lane, min(most, max(1, c.req.KeyLimit))), g)
		}
	}
}

// lostBy counts the lease that a row still bears.
func lostBy(r *row) int {
	if r.leased() {
		return r.lost + 1
	}
	return r.lost
}

// busy tells whether any row of a lane has a live lease.
func (c *claiming) busy(lane int64) bool {
	return slices.ContainsFunc(c.m.lanes[lane], func(r *row) bool { return r.live(c.now) })
}

// ready tells whether only time, lane and destination keep a row back.
func (c *claiming) ready(r *row) bool {
	return r.state == outbox.StatePending && !r.live(c.now)
}

func (c *claiming) due(r *row) bool { return !r.due.After(c.now) && c.ready(r) }

// head returns the earliest inserted of a lane's due rows, or nil.
func (c *claiming) head(lane int64) *row {
	if i := slices.IndexFunc(c.m.lanes[lane], c.due); i >= 0 {
		return c.m.lanes[lane][i]
	}
	return nil
}

// together returns a lane's due rows that one worker delivers one after
// another: a row that lost its lease goes by itself.
func (c *claiming) together(lane int64, most int) []*row {
	var rows []*row
	for _, r := range c.m.lanes[lane] {
		if len(rows) == most {
			break
		}
		if !c.due(r) {
			continue
		}
		if lostBy(r) > 0 {
			if len(rows) == 0 {
				rows = append(rows, r)
			}
			break
		}
		rows = append(rows, r)
	}
	return rows
}

func (c *claiming) lease(first *row, rows []*row, g *gate) {
	run := run{first: first, due: first.due}
	for _, r := range rows {
		run.leased = append(run.leased, c.leaseOne(r, g))
	}
	c.runs = append(c.runs, run)
	c.pass(g, len(rows))
}

func (c *claiming) leaseOne(r *row, g *gate) outbox.Leased {
	lost := lostBy(r)
	if r.leased() {
		r.logged(outbox.Attempt{
			At: c.now, State: outbox.StatePending, PossibleDuplicate: r.msg.Doubt != 0,
			Reason: "lease lost: its sender died, stalled or was cut off from the database", By: c.by(),
		})
		r.msg.Doubt |= outbox.DoubtLostLease
	}
	c.m.setLost(r, lost)
	r.msg.Attempt++
	r.token, r.lease = c.req.Token, c.now.Add(c.req.Lease)
	l := outbox.Leased{Message: clone(r.msg), Lost: lost, NotReadySince: r.notReady, Probe: g.probe}
	if !r.notReady.IsZero() {
		l.Waited = c.now.Sub(r.notReady)
	}
	return l
}

func (c *claiming) poison(r *row, lost int) {
	r.logged(outbox.Attempt{
		At: c.now, State: outbox.StateParked, PossibleDuplicate: r.msg.Doubt != 0, Reason: outbox.ReasonKillsWorker, By: c.by(),
	})
	r.msg.Doubt |= outbox.DoubtLostLease
	c.m.park(r, outbox.ReasonKillsWorker)
	c.m.setLost(r, lost)
	c.claim.Poisoned = append(c.claim.Poisoned, r.record(c.now))
}

func (c *claiming) by() string { return outbox.CutText(c.req.By, 64) }
