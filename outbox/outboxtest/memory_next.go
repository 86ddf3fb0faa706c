package outboxtest

import (
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// suspectsDue tells whether there are suspects for a claim alone.
func (c *claiming) suspectsDue() bool {
	for r := range c.m.lost {
		if lostBy(r) >= outbox.SuspectAfter && c.gate(r.msg.Destination).open && c.free(r) && c.head(r.lane) == r {
			return true
		}
	}
	return false
}

// free tells whether a row is due and its lane may be claimed.
func (c *claiming) free(r *row) bool { return c.due(r) && !c.skip[r.lane] && !c.busy(r.lane) }

// nextDue leaves out what only a settlement, a lost lease or an operator can
// bring about: a lane or a sender's slots becoming free, a
// resumed destination. Suspects are told of by Claim.Suspects.
func (c *claiming) nextDue() time.Duration {
	next := c.now.Add(outbox.MaxNextDue)
	for name, line := range c.m.lines {
		g := c.gate(name)
		if g.shutForGood() {
			continue
		}
		due := dueBy(line, c.now)
		if (!g.open || g.slots > 0) && c.leftOver(line[:due]) {
			next = earlier(next, later(c.now, g.until))
		}
		for _, r := range line[due:] {
			if c.ready(r) {
				next = earlier(next, later(r.due, g.until))
				break
			}
		}
	}
	return max(0, next.Sub(c.now))
}

// leftOver tells whether any of a destination's due rows could be claimed.
func (c *claiming) leftOver(due []*row) bool {
	looked := map[int64]bool{}
	for _, r := range due {
		if looked[r.lane] || !c.ready(r) {
			continue
		}
		looked[r.lane] = true
		if c.free(r) && lostBy(c.head(r.lane)) < outbox.SuspectAfter {
			return true
		}
	}
	return false
}
