package sqlcore

import (
	"context"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// Settle records outcomes in one transaction, or in several of at most 1,000 messages, on SQLite of at most
// 90, so that checkouts never wait long for it. Flights are over if the whole batch is recorded.
func (s *Store) Settle(ctx context.Context, st outbox.Settling) (outbox.Settled, error) {
	out, err := s.settle(ctx, st)
	return out, s.failed("settle", err)
}

func (s *Store) settle(ctx context.Context, st outbox.Settling) (out outbox.Settled, err error) {
	var left []outbox.ID
	for batch := st.Batch; ; {
		part := &settlingPart{s: s, session: st.Session, batch: batch[:distinct(batch, s.d.most)]}
		if batch = batch[len(part.batch):]; len(batch) == 0 && len(left) == 0 {
			part.over = st.Over
		}
		err := part.run(ctx)
		for i, done := range part.done {
			if id := part.batch[i].Message.ID; done {
				out.Acked = append(out.Acked, id)
			} else {
				left = append(left, id)
			}
		}
		if err != nil {
			return out, err
		}
		if len(batch) == 0 {
			break
		}
	}
	out.Locked, err = s.queued(ctx, left)
	return out, err
}

// distinct counts settlements, most at most, before the first one of a message that was named already: it finds what
// the one before it left.
func distinct(batch []outbox.Settlement, most int) int {
	seen := make(map[outbox.ID]bool, len(batch))
	for i := range batch {
		if i == most || seen[batch[i].Message.ID] {
			return i
		}
		seen[batch[i].Message.ID] = true
	}
	return len(batch)
}

// queued returns those of the messages that are in the queue.
func (s *Store) queued(ctx context.Context, ids []outbox.ID) (out []outbox.ID, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := s.d.listArg(kindInt, ids)
	if err != nil {
		return nil, err
	}
	err = each(ctx, s.db, func(r Rows) error {
		var id outbox.ID
		err := r.Scan(&id)
		out = append(out, id)
		return err
	}, s.sql["still queued"], list)
	return out, err
}

// settlingPart are settlements that are recorded in one transaction.
type settlingPart struct {
	s       *Store
	session outbox.SessionID
	batch   []outbox.Settlement
	over    []int64 // flights that are, if all are recorded
	done    []bool  // which of them are recorded
}

// alone tells whether a settlement changes nothing but its own message.
func alone(st *outbox.Settlement) bool {
	return len(st.Ends) == 0 && len(st.Then) == 0 && !hasEffect(st)
}

// run records the part. Where that would have waited for another transaction, what changes nothing but its own
// message is recorded first, and each of the rest by itself: those that would have waited are left.
func (p *settlingPart) run(ctx context.Context) error {
	err := p.once(ctx)
	if err == nil || !p.s.d.waited(err) {
		return err
	}
	var simple, rest []int
	for i := range p.batch {
		if alone(&p.batch[i]) {
			simple = append(simple, i)
		} else {
			rest = append(rest, i)
		}
	}
	if err := p.some(ctx, simple, nil); err != nil {
		return err
	}
	for n, i := range rest {
		var over []int64
		if n == len(rest)-1 && !slices.Contains(p.done[:i], false) && !slices.Contains(p.done[i+1:], false) {
			over = p.over
		}
		if err := p.some(ctx, []int{i}, over); err != nil && !p.s.d.waited(err) {
			return err
		}
	}
	return nil
}

// some records a few of the part.
func (p *settlingPart) some(ctx context.Context, places []int, over []int64) error {
	some := settlingPart{s: p.s, session: p.session, over: over}
	for _, i := range places {
		some.batch = append(some.batch, p.batch[i])
	}
	err := some.once(ctx)
	for n, i := range places {
		p.done[i] = some.done[n]
	}
	return err
}

// once records the part, or nothing.
func (p *settlingPart) once(ctx context.Context) error {
	p.done = make([]bool, len(p.batch))
	all, err := newSettlings(p.batch)
	if err != nil {
		return err
	}
	done := make([]bool, len(p.batch))
	err = p.s.inTx(ctx, "", func(q Conn) error {
		clear(done)
		for i := range p.batch {
			if !alone(&p.batch[i]) {
				return p.withOthers(ctx, q, all, done)
			}
		}
		return p.s.d.settle(ctx, p, q, all, done, true)
	})
	if err == nil {
		p.done = done
	}
	return err
}

// withOthers records the part together with what else it changes.
func (p *settlingPart) withOthers(ctx context.Context, q Conn, all []settling, done []bool) error {
	s := p.s
	if err := s.d.settle(ctx, p, q, all, done, false); err != nil {
		return err
	}
	var then []outbox.Message
	effects := effects{}
	for i, st := range p.batch {
		if !done[i] {
			continue
		}
		if err := outbox.CheckMessages(st.Then); err != nil {
			return err
		}
		then = append(then, st.Then...)
		effects.add(st)
	}
	if err := s.endOthers(ctx, q, p.batch, done); err != nil {
		return err
	}
	if len(then) > 0 {
		hurried, err := s.d.hurried(ctx, q, false)
		if err != nil {
			return err
		}
		if _, err := s.insert(ctx, hurried, then); err != nil {
			return err
		}
	}
	if len(effects) == 0 {
		return nil
	}
	hurried, err := s.d.hurried(ctx, q, true)
	if err != nil {
		return err
	}
	return effects.apply(ctx, s, hurried)
}
