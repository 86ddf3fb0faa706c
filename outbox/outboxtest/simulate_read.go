package outboxtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// reading is one of those that there are.
func (w *model[Tx]) reading(s *simSender) outbox.Reading {
	r := outbox.Reading{Shards: slices.Clone(s.owned), Limit: 1 + w.rng.IntN(5)}
	if w.chance(20) {
		r.Shards = slices.DeleteFunc(r.Shards, func(int) bool { return w.chance(50) })
	}
	r.Due = w.chance(50)
	if w.chance(20) {
		r.Destination = pick(w.rng, w.names)
	}
	if w.chance(20) {
		r.Except = []string{pick(w.rng, simDestinations), "nowhere"}
	}
	if len(w.msgs) == 0 {
		return r
	}
	if w.chance(20) {
		r.HasKey, r.Key, r.Due = true, pick(w.rng, w.msgs).key, false
	}
	if w.chance(20) && !r.Due {
		r.After, r.UpTo = pick(w.rng, w.msgs).ID, pick(w.rng, w.msgs).ID
	}
	for range w.rng.IntN(4) {
		r.Known = append(r.Known, pick(w.rng, w.msgs).ID)
	}
	return r
}

// read reads all that a reading leads to, page by page, and compares it with what
// must be found.
func (w *model[Tx]) read(s *simSender, r outbox.Reading) error {
	if !w.lives(s) {
		return nil
	}
	r.Session = s.session
	want := w.wanted(&r)
	var got []outbox.Waiting
	for {
		page, err := w.Store.Read(w.ctx, r)
		if err != nil {
			return err
		}
		if len(page.Messages) > r.Limit {
			return fmt.Errorf("%d messages were read, of at most %d", len(page.Messages), r.Limit)
		}
		got = append(got, page.Messages...)
		if !page.More {
			if err := w.nextDue(&r, &page); err != nil {
				return err
			}
			break
		}
		if page.Last == r.After && page.LastDue.Equal(r.AfterDue) {
			return errors.New("there is more to be read, and the reading does not get on")
		}
		r.AfterDue, r.After = page.LastDue, page.Last
	}
	w.logf("%s reads %d of %d shards, due %v, key %v, of %q but for %q, up to %d, known %v: %v",
		s.name, len(r.Shards), len(s.owned), r.Due, r.HasKey, r.Destination, r.Except, r.UpTo, r.Known, waitingKeys(got))
	if err := w.compareRead(&r, got, want); err != nil {
		return err
	}
	for i := range got {
		known := func(m outbox.Waiting) bool { return m.ID == got[i].ID }
		if s.read = slices.DeleteFunc(s.read, known); w.owners[outbox.ShardOf(got[i].Key)] == s.session {
			s.read = append(s.read, got[i])
		}
	}
	return nil
}

// wanted are the messages that a reading must find.
func (w *model[Tx]) wanted(r *outbox.Reading) (want []*simMessage) {
	for _, m := range w.msgs {
		kind := m.fresh != r.Due
		if r.HasKey {
			kind = m.key == r.Key
		}
		if kind && m.dueBy(w.now) && selects(r, m) && (r.Due || m.ID > r.After && (r.UpTo == 0 || m.ID <= r.UpTo)) {
			want = append(want, m)
		}
	}
	return want
}

// selects tells whether a reading may return a message, as far as shards,
// destinations and what is known go.
func selects(r *outbox.Reading, m *simMessage) bool {
	return slices.Contains(r.Shards, m.shard()) && (r.Destination == "" || r.Destination == m.Destination) &&
		!slices.Contains(r.Except, m.Destination) && !slices.Contains(r.Known, m.ID)
}

func (w *model[Tx]) compareRead(r *outbox.Reading, got []outbox.Waiting, want []*simMessage) error {
	inOrder := func(a, b outbox.Waiting) int {
		if r.Due {
			return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
		}
		return cmp.Compare(a.ID, b.ID)
	}
	if !slices.IsSortedFunc(got, inOrder) {
		return errors.New("what was read is out of order")
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d were read, not %d", len(got), len(want))
	}
	for i := range got {
		l, m := &got[i], w.byID(got[i].ID)
		if m == nil || !slices.Contains(want, m) {
			return fmt.Errorf("%s was read", l.Message.Key)
		}
		if l.Key != m.key || l.Lost != m.lost || l.Attempt != m.attempts || l.Message.Doubt != m.doubt ||
			l.Due.IsZero() != m.fresh || l.Broken != "" {
			return fmt.Errorf("%s was read as %+v, wanted lost %d, attempts %d, doubt %d", m.name(), l, m.lost, m.attempts, m.doubt)
		}
		if l.Message.Key != m.Key || l.Person != m.Person || string(l.Facts) != string(m.Facts) || string(l.Profile) != string(m.Profile) {
			return fmt.Errorf("%s was read as something else: %+v", m.name(), l.Message)
		}
	}
	return nil
}

// nextDue checks that a sender which sleeps as long as it is told sleeps no
// longer than it may.
func (w *model[Tx]) nextDue(r *outbox.Reading, page *outbox.Read) error {
	if page.NextDue < 0 || page.NextDue > outbox.MaxNextDue {
		return fmt.Errorf("the next message falls due in %v", page.NextDue)
	}
	if !r.Due {
		return nil
	}
	for _, m := range w.msgs {
		waits := m.state == outbox.StatePending && !m.fresh && m.due > w.now
		if waits && selects(r, m) && page.NextDue > m.due-w.now {
			return fmt.Errorf("the next message falls due in %v, though %s does in %v", page.NextDue, m.name(), m.due-w.now)
		}
	}
	return nil
}
