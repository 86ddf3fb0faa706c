package outbox

import "time"

// Lengths of runs.
const (
	// longestRun is the most messages of one lane that are claimed together: a
	// worker is busy with them, and if it dies they all count as lost.
	longestRun = 10
	// skipOthers is how long a lane that another sender is busy with is left
	// alone.
	skipOthers = 20 * time.Millisecond
)

// lanes are those that this sender holds, and those that its next claim need not
// look at.
type lanes struct {
	own map[int64]*laneRun
	// skip holds until when; the zero time is for own lanes, until they are
	// settled.
	skip map[int64]time.Time
	// passed is how many of others' lanes the claim under way skips.
	passed int
}

func newLanes() lanes {
	return lanes{own: map[int64]*laneRun{}, skip: map[int64]time.Time{}}
}

// hold notes a run that was claimed.
func (n *lanes) hold(b *laneRun) {
	n.own[b.lane] = b
	if b.behind {
		n.skip[b.lane] = time.Time{}
	}
}

// met notes lanes that a claim found busy, and returns how many were not to be
// skipped before and how many are others'.
func (n *lanes) met(busy []int64, now time.Time) (fresh, others int) {
	for _, lane := range busy {
		if _, known := n.skip[lane]; !known {
			fresh++
		}
		if b := n.own[lane]; b != nil {
			b.behind = true
			n.skip[lane] = time.Time{}
			continue
		}
		others++
		n.skip[lane] = now.Add(skipOthers)
	}
	return fresh, others
}

// settled forgets a run, and tells whether more of its lane waits.
func (n *lanes) settled(b *laneRun) (behind bool) {
	if n.own[b.lane] != b {
		return false // its lease was over, and the lane was claimed anew
	}
	delete(n.own, b.lane)
	if b.behind {
		delete(n.skip, b.lane)
	}
	return b.behind
}

// skipped returns the lanes to leave alone now.
func (n *lanes) skipped(now time.Time) []int64 {
	var out []int64
	n.passed = 0
	for lane, until := range n.skip {
		switch {
		case until.IsZero():
		case until.After(now):
			n.passed++
		default:
			delete(n.skip, lane)
			continue
		}
		out = append(out, lane)
	}
	return out
}

// runsOf divides what was claimed into runs. A full one of more than one message
// may have more behind it, and so may one that lost its lease, which comes alone.
func runsOf(leased []Leased, like laneRun, full int) []*laneRun {
	var runs []*laneRun
	for i := 0; i < len(leased); {
		j := i + 1
		lane := leased[i].OrderingKey()
		for j < len(leased) && sameLane(&leased[i], &leased[j], lane) {
			j++
		}
		b := like
		b.lane, b.behind = lane, leased[i].Lost > 0 || full > 1 && j-i >= full
		// A copy, for a run that waits long must not keep the whole claim.
		b.rows = append(b.one[:0:1], leased[i:j]...)
		runs = append(runs, &b)
		i = j
	}
	return runs
}

func sameLane(a, b *Leased, lane int64) bool {
	if a.Destination != b.Destination {
		return false
	}
	return a.Person == b.Person || b.OrderingKey() == lane
}
