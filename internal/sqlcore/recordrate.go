package sqlcore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// limit is what a destination's rate allows.
type limit struct {
	outbox.Rate
	spent, now int64
	let        int           // how many were let through
	wait       time.Duration // until another one may be; zero where none was kept back
}

// applyRates keeps back what is above the rates of the flight's destinations, in the order of the flight. It locks
// those destinations, in the order of their names.
func (r *recording) applyRates(ctx context.Context) error {
	limits := map[string]*limit{}
	for _, m := range r.Messages {
		if _, ok := r.begun[m.ID]; !ok {
			continue
		}
		if rate := r.Rates[m.Destination]; rate.Count > 0 {
			limits[m.Destination] = &limit{Rate: rate}
		}
	}
	if len(limits) == 0 {
		return nil
	}
	if err := r.lockRates(ctx, limits); err != nil {
		return err
	}
	for _, m := range r.Messages {
		l := limits[m.Destination]
		if _, ok := r.begun[m.ID]; !ok || l == nil {
			continue
		}
		n, wait := l.Allow(l.now, l.Spend(l.now, l.spent, l.let))
		if n < 1 {
			l.wait = wait
			delete(r.begun, m.ID)
			continue
		}
		l.let++
	}
	r.limits = limits
	return nil
}

// spend counts what was let through.
func (r *recording) spend(ctx context.Context) error {
	if len(r.begun) == 0 { // a probe that somebody else took
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(r.limits)) {
		l := r.limits[name]
		if l.let == 0 {
			continue
		}
		if _, err := r.q.Exec(ctx, r.s.sql["spend"], []byte(name), l.Spend(l.now, l.spent, l.let)); err != nil {
			return err
		}
	}
	return nil
}

// lockRates locks the destinations' rows and reads what was spent. A destination that has none gets one.
func (r *recording) lockRates(ctx context.Context, limits map[string]*limit) error {
	names := []string{}
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		names = append(names, hexed(name))
	}
	list, err := r.s.d.listArg(kindBytes, names)
	if err != nil {
		return err
	}
	look := func() (found int, err error) {
		err = each(ctx, r.q, func(rows Rows) error {
			var name []byte
			var spent, now int64
			if err := rows.Scan(&name, &spent, &now); err != nil {
				return err
			}
			l := limits[string(name)]
			l.spent, l.now = spent, now
			found++
			return nil
		}, r.s.sql["rates"], r.s.now(), list)
		return found, err
	}
	found, err := look()
	if err != nil || found == len(names) {
		return err
	}
	if _, err := r.q.Exec(ctx, r.s.sql["new destinations"], list); err != nil {
		return err
	}
	_, err = look()
	return err
}
