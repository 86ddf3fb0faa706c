package sqlcore

import (
	"cmp"
	"context"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// leasing is a row about to be leased, as a statement takes it.
type leasing struct {
	ID    outbox.ID `json:"id"`
	Lane  int64     `json:"lane"`
	Token *string   `json:"token"` // the one of the lost lease
	Lost  int       `json:"lost"`
	Doubt uint8     `json:"doubt"`
	N     int       `json:"n"`
}

var leaseColumns = []column{
	{"id", kindInt},
	{"lane", kindInt},
	{"token", kindBytes},
	{"lost", kindInt},
	{"doubt", kindInt},
	{"n", kindInt},
}

// candidate is a due row that may be leased.
type candidate struct {
	leasing
	outbox.Leased
	gate     *gate
	firstDue int64 // of its lane's rows
	firstID  outbox.ID
	live     bool  // its lane is busy
	expired  bool  // its last lease was lost
	doubted  uint8 // its doubt before that
	seq      int64
}

// asked is a destination as the look for candidates takes it.
type asked struct {
	I     int    `json:"i"`
	Name  string `json:"name"`
	Most  int    `json:"-"`    // how many may pass
	Look  int    `json:"look"` // how many due rows are looked at
	Since int64  `json:"since"`
	Probe int    `json:"probe"`
}

var askedColumns = []column{
	{"i", kindInt},
	{"name", kindBytes},
	{"look", kindInt},
	{"since", kindInt},
	{"probe", kindInt},
}

// found are a destination's lanes with due rows, in the order in which their
// first fell due; cut is set when there may be more.
type found struct {
	lanes [][]*candidate
	cut   bool
}

// candidates looks for due rows of several destinations. Their gates are looked
// at again: one that was shut since has none.
func (c *claiming) candidates(ctx context.Context, gates []*gate) ([]found, error) {
	rows := make([]asked, len(gates))
	most := 0
	for i, g := range gates {
		rows[i] = asked{I: i, Name: hexed(g.name), Most: c.lets(g), Look: max(c.lets(g), c.look), Since: g.since, Probe: asInt(g.probe)}
		most = max(most, rows[i].Look)
	}
	if c.s.d.folder == MySQL {
		return c.candidatesMySQL(ctx, gates, rows)
	}
	skip, err := c.s.d.listArg(kindInt, append([]int64{}, c.skip...))
	if err != nil {
		return nil, err
	}
	args, err := c.s.d.withRowsLast(askedColumns, rows, c.now, c.req.KeyLimit, asInt(c.req.Isolated), skip, most)
	if err != nil {
		return nil, err
	}
	all := make([][]*candidate, len(gates))
	out := make([]found, len(gates))
	scan := newCandidateScan()
	err = each(ctx, c.q, func(r Rows) error {
		row, err := scan.read(r, c.now)
		if err != nil {
			return err
		}
		i := scan.place
		all[i] = append(all[i], row)
		out[i].cut = scan.looked >= rows[i].Look || len(all[i]) >= rows[i].Look+c.req.KeyLimit-1
		return nil
	}, c.s.sql["candidates"], args...)
	if err != nil {
		return nil, err
	}
	for i := range all {
		lanes := inLanes(all[i])
		// The last lane is cut short with the rows, so that it may be busy unseen,
		// unless it has as many as a run.
		if last := len(lanes) - 1; len(all[i]) >= rows[i].Look+c.req.KeyLimit-1 && len(lanes[last]) < c.req.KeyLimit {
			lanes = lanes[:last]
		}
		out[i].lanes = lanes
	}
	if c.s.d.folder == PostgreSQL {
		return out, c.fullLanes(ctx, out)
	}
	return out, nil
}

// fullLanes marks the lanes that are busy behind what was read of them.
func (c *claiming) fullLanes(ctx context.Context, of []found) error {
	if c.req.KeyLimit == 1 {
		return nil // the look for candidates told
	}
	full := map[int64]*candidate{}
	lanes := []int64{}
	for _, f := range of {
		for _, lane := range f.lanes {
			if len(lane) >= c.req.KeyLimit && !slices.ContainsFunc(lane, func(r *candidate) bool { return r.live }) {
				full[lane[0].Lane] = lane[0]
				lanes = append(lanes, lane[0].Lane)
			}
		}
	}
	if len(lanes) == 0 {
		return nil
	}
	list, err := c.s.d.listArg(kindInt, lanes)
	if err != nil {
		return err
	}
	return each(ctx, c.q, func(r Rows) error {
		var lane int64
		if err := r.Scan(&lane); err != nil {
			return err
		}
		full[lane].live = true
		return nil
	}, c.s.sql["busy lanes"], c.now, list)
}

// inLanes sorts rows and puts those of one lane together.
func inLanes(rows []*candidate) (lanes [][]*candidate) {
	slices.SortFunc(rows, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.firstDue, b.firstDue), cmp.Compare(a.firstID, b.firstID), cmp.Compare(a.leasing.ID, b.leasing.ID))
	})
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Lane == rows[0].Lane {
			n++
		}
		lanes, rows = append(lanes, rows[:n]), rows[n:]
	}
	return lanes
}

// takeProbes claims the one probe of each destination that paused itself or
// whose breaker is open, whichever sender comes first.
func (c *claiming) takeProbes(ctx context.Context) error {
	kept := c.chosen[:0]
	for _, r := range c.chosen {
		if r.Probe {
			mine, err := c.s.took(ctx, c.q, "probe", c.now, []byte(r.Destination), c.req.ProbeEvery.Microseconds(),
				asInt(c.req.Probe), c.req.Lease.Microseconds())
			if err != nil {
				return err
			}
			// Nothing more until the probe was settled, or the next one is due.
			r.gate.shut(c.now + c.req.Lease.Microseconds())
			if !mine {
				continue
			}
		}
		kept = append(kept, r)
	}
	c.chosen = kept
	return nil
}

// lease leases the chosen rows. One that a late settlement or an operator
// changed since it was read is left alone.
func (c *claiming) lease(ctx context.Context) error {
	if len(c.chosen) == 0 {
		return nil
	}
	rows := make([]leasing, len(c.chosen))
	for i, r := range c.chosen {
		rows[i] = r.leasing
	}
	args, err := c.s.d.withRowsLast(leaseColumns, rows, c.now, c.req.Token[:], c.req.Lease.Microseconds())
	if err != nil {
		return err
	}
	got, err := c.s.returning(ctx, c.q, "lease", args...)
	if err != nil {
		return err
	}
	var lost []settling
	kept := c.chosen[:0]
	for _, r := range c.chosen {
		if !got[r.Message.ID] {
			continue
		}
		kept = append(kept, r)
		if r.expired {
			lost = append(lost, lostEntry(r, outbox.StatePending, "lease lost: its sender died, stalled or could not settle", c.req.By))
		}
	}
	c.chosen = kept
	return c.s.log(ctx, c.q, c.now, lost)
}

// lostEntry takes the number that the lost attempt was given.
func lostEntry(c *candidate, state outbox.State, reason, by string) settling {
	return settling{
		ID: c.Message.ID, N: c.N - 1, State: uint8(state), Duplicate: asInt(c.doubted != 0),
		Doubt: c.leasing.Doubt, Seq: c.seq,
		Reason: reason, By: outbox.CutText(by, maxBy),
	}
}

func (c *claiming) poison(ctx context.Context, r *candidate) error {
	if _, err := c.q.Exec(ctx, c.s.sql["poison"], r.Lane, r.Message.ID, r.Leased.Lost, outbox.ReasonKillsWorker); err != nil {
		return err
	}
	entry := lostEntry(r, outbox.StateParked, outbox.ReasonKillsWorker, "")
	if err := c.s.log(ctx, c.q, c.now, []settling{entry}); err != nil {
		return err
	}
	c.claim.Poisoned = append(c.claim.Poisoned, outbox.Record{
		Message: r.Message, State: outbox.StateParked, Reason: outbox.ReasonKillsWorker, Lost: r.Leased.Lost,
	})
	return nil
}

func asInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
