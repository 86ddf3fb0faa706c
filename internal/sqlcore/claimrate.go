package sqlcore

import (
	"context"
	"slices"
	"strings"
)

// spending is what a destination's rate has left, as a statement takes it.
type spending struct {
	Name  string `json:"name"`
	Spent int64  `json:"spent"`
}

var spendingColumns = []column{
	{"name", kindBytes},
	{"spent", kindInt},
}

// readRates reads again, under the claims' lock, what was spent of the rates:
// another sender may have claimed since the tour.
func (c *claiming) readRates(ctx context.Context) error {
	limited := map[string]*gate{}
	names := []string{}
	for _, g := range c.gates {
		if g.rate.Count > 0 && g.open && g.due > 0 {
			limited[g.name] = g
			names = append(names, hexed(g.name))
		}
	}
	if len(names) == 0 {
		return nil
	}
	list, err := c.s.d.listArg(kindBytes, names)
	if err != nil {
		return err
	}
	return each(ctx, c.q, func(r Rows) error {
		var name []byte
		var spent int64
		if err := r.Scan(&name, &spent); err != nil {
			return err
		}
		g := limited[string(name)]
		g.spent = spent
		g.meter(c.now)
		return nil
	}, c.s.sql["rates"], list)
}

// spend records what was claimed of limited destinations.
func (c *claiming) spend(ctx context.Context) error {
	claimed := map[*gate]int{}
	for _, r := range c.chosen {
		claimed[r.gate]++
	}
	var rows []spending
	for g, n := range claimed {
		if g.rate.Count > 0 {
			g.spent = g.rate.Spend(c.now, g.spent, n)
			rows = append(rows, spending{hexed(g.name), g.spent})
		}
		g.meter(c.now)
	}
	if len(rows) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(a, b spending) int { return strings.Compare(a.Name, b.Name) })
	args, err := c.s.d.withRowsLast(spendingColumns, rows)
	if err != nil {
		return err
	}
	_, err = c.q.Exec(ctx, c.s.sql["spend"], args...)
	return err
}
