package sqlcore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// head is the due row for which a lane is looked at.
type head struct {
	Place int    `json:"place"` // in the order in which they fell due
	Gate  int    `json:"gate"`
	Name  string `json:"name"`
	Lane  int64  `json:"lane"`
	Most  int    `json:"most"` // of the destination

	due int64
	id  outbox.ID
}

var headColumns = []column{
	{"place", kindInt},
	{"gate", kindInt},
	{"name", kindBytes},
	{"lane", kindInt},
	{"most", kindInt},
}

// lanesText returns what is due of lanes: ?2 most rows of a lane, ?3 the lanes. A
// few more rows than wanted are returned, so that no lane is cut short.
func lanesText(d *dialect) string {
	return `SELECT ` + messageColumns + `, p.place, 0, 0, 0, p.live, q.lane, q.attempts, q.lost, q.doubt, q.seq, q.entries, q.token,
			q.lease_until IS NOT NULL, q.not_ready_since, q.profile
		FROM (SELECT v.place, v.most, v.lane, v.id, v.live, ROW_NUMBER() OVER (PARTITION BY v.gate ORDER BY v.place, v.id) AS turn
			FROM (SELECT u.place, u.gate, u.most, u.lane, u.id, u.fit, SUM(u.fit) OVER (PARTITION BY u.lane ORDER BY u.id) AS nth,
					MAX(u.live) OVER (PARTITION BY u.lane) AS live
				FROM (SELECT s.place, s.gate, s.most, e.lane, e.id, COALESCE(e.lease_until > {at}, 0) AS live,
						e.destination = s.name AND e.state = 0 AND e.due_at <= {at} AS fit
					FROM ` + d.rows(3, headColumns) + `
					STRAIGHT_JOIN amsbridge_queue e FORCE INDEX (PRIMARY) ON e.lane = s.lane) AS u) AS v
			WHERE v.fit = 1 AND v.nth <= ?2) AS p
		STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.lane = p.lane AND q.id = p.id
		STRAIGHT_JOIN amsbridge_message m FORCE INDEX (PRIMARY) ON m.id = p.id
		WHERE p.turn < p.most + ?2`
}

// candidatesMySQL is candidates in two statements: the first finds lanes, by a
// branch for each destination, and the second what is due of them.
func (c *claiming) candidatesMySQL(ctx context.Context, gates []*gate, rows []asked) ([]found, error) {
	out := make([]found, len(gates))
	heads, err := c.heads(ctx, gates, rows, out)
	if err != nil || len(heads) == 0 {
		return out, err
	}
	args, err := c.s.d.withRowsLast(headColumns, heads, c.now, c.req.KeyLimit)
	if err != nil {
		return nil, err
	}
	all := make([][]*candidate, len(gates))
	scan := newCandidateScan()
	err = each(ctx, c.q, func(r Rows) error {
		row, err := scan.read(r, c.now)
		if err != nil {
			return err
		}
		h := heads[scan.place]
		row.firstDue, row.firstID = h.due, h.id
		all[h.Gate] = append(all[h.Gate], row)
		return nil
	}, c.s.sql["lanes"], args...)
	for i := range all {
		out[i].cut = out[i].cut || len(all[i]) >= rows[i].Look+c.req.KeyLimit-1
		out[i].lanes = inLanes(all[i])
	}
	return out, err
}

// heads returns the first due row of each lane, of as many lanes of a
// destination as messages may pass, and notes where there may be more.
func (c *claiming) heads(ctx context.Context, gates []*gate, rows []asked, out []found) ([]head, error) {
	wanted := " AND NOT " + suspect("q")
	if c.req.Isolated {
		wanted = " AND " + suspect("q")
	}
	branches := make([]string, len(rows))
	for i, r := range rows {
		name := literal([]byte(gates[i].name))
		open := strings.NewReplacer("s.name", name, "s.probe", fmt.Sprint(r.Probe), "{at}", fmt.Sprint(c.now)).Replace(stillOpen)
		branches[i] = fmt.Sprintf(`(SELECT %d, q.lane, q.due_at, q.id %s AND q.due_at >= %d AND %s
			ORDER BY q.due_at, q.id LIMIT %d)`, i, dueAt(name, c.now, c.skip)+wanted, r.Since, open, r.Look)
	}
	var due []head
	err := each(ctx, c.q, func(r Rows) error {
		var h head
		err := r.Scan(&h.Gate, &h.Lane, &h.due, &h.id)
		due = append(due, h)
		return err
	}, c.s.d.render(strings.Join(branches, " UNION ALL ")))
	slices.SortFunc(due, func(a, b head) int {
		return cmp.Or(cmp.Compare(a.Gate, b.Gate), cmp.Compare(a.due, b.due), cmp.Compare(a.id, b.id))
	})
	var heads []head
	looked, lanes := make([]int, len(rows)), make([]int, len(rows))
	seen := map[int64]bool{}
	for _, h := range due {
		i := h.Gate
		looked[i]++
		out[i].cut = out[i].cut || looked[i] >= rows[i].Look
		switch {
		case seen[h.Lane]:
		case lanes[i] == rows[i].Look:
			out[i].cut = true
		default:
			seen[h.Lane] = true
			lanes[i]++
			h.Place, h.Name, h.Most = len(heads), rows[i].Name, rows[i].Look
			heads = append(heads, h)
		}
	}
	return heads, err
}
