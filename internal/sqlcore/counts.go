package sqlcore

import (
	"context"
	"maps"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// Counts returns what stands in the queue, by destination. What is in flight is looked up after the rest,
// and may be newer.
func (s *Store) Counts(ctx context.Context) ([]outbox.Count, error) {
	out, err := s.counts(ctx)
	return out, s.failed("counts", err)
}

func (s *Store) counts(ctx context.Context) ([]outbox.Count, error) {
	var out []outbox.Count
	err := each(ctx, s.db, func(r Rows) error {
		var c outbox.Count
		var name text
		var oldest int64
		err := r.Scan(&name, &c.Pending, &c.Parked, &oldest)
		c.Destination, c.Oldest = string(name), fromMicro(oldest)
		out = append(out, c)
		return err
	}, s.sql["counts"])
	if err != nil || len(out) == 0 {
		return out, err
	}
	flying, err := s.flying(ctx, s.db, "flights")
	if err != nil || len(flying.recorded) == 0 {
		return out, err
	}
	var args []any
	list, err := s.d.in(s.d, &args, kindInt, slices.Sorted(maps.Keys(flying.recorded)))
	if err != nil {
		return nil, err
	}
	inFlight := map[string]int{}
	err = each(ctx, s.db, func(r Rows) error {
		var id outbox.ID
		var name text
		var m sending
		err := r.Scan(append([]any{&id, &name}, m.targets()...)...)
		if flying.has(id, m) {
			inFlight[string(name)]++
		}
		return err
	}, s.d.render(`SELECT q.id, q.destination, `+sendingColumns+` FROM amsbridge_queue q WHERE q.id IN `+list), args...)
	for i := range out {
		out[i].InFlight = inFlight[out[i].Destination]
	}
	return out, err
}
