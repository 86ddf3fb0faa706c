package sqlcore

import (
	"context"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// settlePlain locks the session and the rows first, and then writes by one statement for each purpose, where
// one cannot do it all.
func settlePlain(ctx context.Context, p *settlingPart, q Conn, all []settling, done []bool, _ bool) error {
	s := p.s
	if err := s.holdSession(ctx, q, p.session); err != nil {
		return err
	}
	if len(all) == 0 {
		return p.land(ctx, q)
	}
	locked, err := s.lockSettled(ctx, q, all)
	if err != nil {
		return err
	}
	var kept, logged []settling
	var gone []outbox.ID
	for i, r := range all {
		h, ok := locked[r.ID]
		if !ok {
			continue
		}
		done[i] = true
		r.N, r.Doubt, r.Duplicate, r.Seq = h.N+1, h.Doubt|r.Doubt, asInt(h.Doubt != 0), max(h.Seq, r.Seq)
		if outbox.State(r.State).Final() {
			gone = append(gone, r.ID)
		} else {
			kept = append(kept, r)
		}
		if r.Unlogged == 0 {
			logged = append(logged, r)
		}
	}
	if len(gone) > 0 {
		list, err := s.d.listArg(kindInt, gone)
		if err != nil {
			return err
		}
		if _, err := q.Exec(ctx, s.sql["settle delete"], list); err != nil {
			return err
		}
	}
	if len(kept) > 0 {
		args, err := s.d.withRowsLast(settleColumns, kept, s.now())
		if err != nil {
			return err
		}
		if _, err := q.Exec(ctx, s.sql["settle keep"], args...); err != nil {
			return err
		}
	}
	if err := s.log(ctx, q, s.now(), logged); err != nil || slices.Contains(done, false) {
		return err
	}
	return p.land(ctx, q)
}

// land ends the flights that are over.
func (p *settlingPart) land(ctx context.Context, q Conn) error {
	if len(p.over) == 0 {
		return nil
	}
	list, err := p.s.d.listArg(kindInt, p.over)
	if err != nil {
		return err
	}
	_, err = q.Exec(ctx, p.s.sql["over"], p.session, list)
	return err
}

// lockSettled locks the rows that nobody else has locked, and returns what they hold.
func (s *Store) lockSettled(ctx context.Context, q Conn, all []settling) (map[outbox.ID]settling, error) {
	ids := make([]outbox.ID, len(all))
	for i, r := range all {
		ids[i] = r.ID
	}
	list, err := s.d.listArg(kindInt, ids)
	if err != nil {
		return nil, err
	}
	held := make(map[outbox.ID]settling, len(all))
	err = each(ctx, q, func(r Rows) error {
		var h settling
		err := r.Scan(&h.ID, &h.N, &h.Doubt, &h.Seq)
		held[h.ID] = h
		return err
	}, s.sql["lock settled"], list)
	return held, err
}

// log writes entries of the log.
func (s *Store) log(ctx context.Context, q Conn, now any, rows []settling) error {
	if len(rows) == 0 {
		return nil
	}
	if s.d.log != nil {
		return s.d.log(ctx, s, q, now, rows)
	}
	args, err := s.d.withRowsLast(logColumns, rows, now)
	if err != nil {
		return err
	}
	return later(ctx, q, s.sql["log"], args...)
}
