package sqlcore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// MySQL has no statement that both hops from name to name and counts what is due
// at each: a derived table cannot look at the row beside it, in MariaDB. So one statement
// hops, and one counts, with a branch for each name that has something due.

// namesPerLook is how many destinations the first look of a tour takes, and
// mostNames how many the others do: each adds a branch to a statement.
const (
	namesPerLook = 16
	mostNames    = 128
)

// tourText hops: ?2 after this name, ?3 how many names. Grouped like this, the
// server reads one entry of the index for each. It does so by the statistics that
// an open table has in memory; the second look at the table opens it once more,
// which reads them anew: by those of an empty table it would read all that waits.
const tourText = `SELECT c.now, t.destination, t.first,
		COALESCE(d.pausing, 0), COALESCE(d.held_until, 0), COALESCE(d.probe_at, 0), COALESCE(d.breaker, 0) <> 0,
		COALESCE(d.breaker_until, 0), COALESCE(d.rate_window, 0)
	FROM (SELECT {now} AS now) AS c
	LEFT JOIN (SELECT q.destination, MIN(q.due_at) AS first FROM amsbridge_queue q FORCE INDEX (amsbridge_queue_due)
		WHERE q.state = 0 AND q.destination > ?2 GROUP BY q.state, q.destination ORDER BY q.state, q.destination LIMIT ?3) AS t
		ON EXISTS (SELECT 1 FROM amsbridge_queue f WHERE f.state = 0)
	LEFT JOIN amsbridge_destination d ON d.name = t.destination
	ORDER BY t.destination`

// peekMySQL is peek in rounds of two statements.
func (s *Store) peekMySQL(ctx context.Context, req outbox.ClaimRequest, t *tour, from, upTo string) (ended bool, err error) {
	full := map[string]bool{}
	for name, n := range req.InFlight {
		full[name] = n >= req.DestinationLimit
	}
	for most := namesPerLook; ; most = mostNames {
		gates, names, err := s.hop(ctx, req, t, from, most+1)
		if err != nil {
			return false, err
		}
		ended = names <= most
		gates = gates[:min(len(gates), most)]
		for i, g := range gates {
			if upTo != "" && g.name > upTo {
				gates, ended = gates[:i], true
				break
			}
		}
		if err := s.count(ctx, req, t, gates, full); err != nil {
			return false, err
		}
		for i, g := range gates {
			t.gates = append(t.gates, g)
			if t.covered() >= req.Limit {
				return ended && i == len(gates)-1, nil
			}
		}
		if ended {
			return true, nil
		}
		from = gates[len(gates)-1].name
	}
}

// hop returns the destinations after a name, and how many it met.
func (s *Store) hop(ctx context.Context, req outbox.ClaimRequest, t *tour, from string, most int) (gates []*gate, names int, err error) {
	err = each(ctx, s.db, func(r Rows) error {
		var g gate
		var name []byte
		var first sql.NullInt64
		var heldUntil, probeAt, brokenUntil int64
		var pausing outbox.Pausing
		var broken bool
		err := r.Scan(&t.now, &name, &first, &pausing, &heldUntil, &probeAt, &broken, &brokenUntil, &g.spent)
		if err != nil || len(name) == 0 {
			return err
		}
		names++
		g.name, g.next, g.slots = string(name), first.Int64, req.DestinationLimit-req.InFlight[string(name)]
		g.open = pausing != outbox.PausedByOperator
		if g.open {
			g.look(t.now, req.Probe, pausing == outbox.PausedByItself, broken, heldUntil, probeAt, brokenUntil)
		}
		if req.Rate != nil {
			g.rate = req.Rate(g.name)
		}
		gates = append(gates, &g)
		return nil
	}, s.sql["tour"], s.now(), []byte(from), most)
	return gates, names, err
}

// count counts what is due at the gates; next holds when the first row falls
// due. Of one that lets nothing through it only finds out whether any is.
func (s *Store) count(ctx context.Context, req outbox.ClaimRequest, t *tour, gates []*gate, full map[string]bool) error {
	now := t.now
	var branches []string
	var counting []*gate
	for _, g := range gates {
		if g.next == 0 || g.next > now {
			continue
		}
		most := 1
		if g.open && !full[g.name] {
			most = mostCounted
		}
		name := literal([]byte(g.name))
		wanted := " AND NOT " + suspect("q")
		if req.Isolated {
			wanted = " AND " + suspect("q")
		}
		due := dueAt(name, now, req.Skip)
		counting = append(counting, g)
		branches = append(branches, fmt.Sprintf(`(SELECT %d, COALESCE(MIN(w.due_at), 0), COUNT(w.due_at),
			EXISTS (SELECT 1 %s),
			EXISTS (SELECT 1 FROM (SELECT q.lost, q.lease_until %s ORDER BY q.due_at, q.id LIMIT %d) AS q WHERE %s),
			COALESCE((SELECT q.due_at FROM amsbridge_queue q FORCE INDEX (amsbridge_queue_due)
				WHERE q.state = 0 AND q.destination = %s AND q.due_at > %d ORDER BY q.due_at, q.id LIMIT 1), 0)
			FROM (SELECT q.due_at %s ORDER BY q.due_at, q.id LIMIT %d) AS w)`,
			len(branches), due, due, mostCounted, suspect("q"), name, now, due+wanted, most))
	}
	if len(branches) > 0 {
		err := each(ctx, s.db, func(r Rows) error {
			var i int
			var counted gate
			var suspects bool
			if err := r.Scan(&i, &counted.since, &counted.due, &counted.left, &suspects, &counted.next); err != nil {
				return err
			}
			g := counting[i]
			t.suspects = t.suspects || suspects && g.open && g.slots > 0
			g.since, g.next, g.left = counted.since, counted.next, counted.left
			if g.open && !full[g.name] {
				g.due = counted.due
			}
			return nil
		}, strings.Join(branches, " UNION ALL "))
		if err != nil {
			return err
		}
	}
	for _, g := range gates {
		g.meter(now)
	}
	return nil
}

// dueAt is a look from which rows q come that are due at a destination: see
// dueFor.
func dueAt(name string, now int64, skip []int64) string {
	text := fmt.Sprintf(`FROM amsbridge_queue q FORCE INDEX (amsbridge_queue_due)
		WHERE q.state = 0 AND q.destination = %s AND q.due_at <= %[2]d AND (q.lease_until IS NULL OR q.lease_until <= %[2]d)`, name, now)
	if len(skip) > 0 {
		text += ` AND q.lane NOT IN ` + numbers(skip)
	}
	return text
}

// numbers is a list of integers.
func numbers(list []int64) string {
	var out strings.Builder
	for i, n := range list {
		fmt.Fprintf(&out, "%c%d", "(,"[min(i, 1)], n)
	}
	return out.String() + ")"
}

// literal is a value as it stands in a text: see literals.
func literal(b []byte) string { return fmt.Sprintf("x'%x'", b) }
