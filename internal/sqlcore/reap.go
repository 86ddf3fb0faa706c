package sqlcore

import (
	"context"
	"maps"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// lost is what became of messages whose sender died.
type lost struct {
	due      int
	poisoned []outbox.Record
	// by names the sender, where it is known.
	by string
}

// reap ends a dead session, unless it has beaten since, or somebody else is about to end it.
func (s *Store) reap(ctx context.Context, q Conn, dead outbox.SessionBeats, l *lost) error {
	var by text
	found, err := one(ctx, q, []any{&by}, s.sql["lock dead"], dead.ID, dead.Beats)
	if err != nil || !found {
		return err
	}
	l.by = string(by)
	f, err := s.flying(ctx, q, "flights of", dead.ID)
	if err != nil {
		return err
	}
	return s.endSession(ctx, q, dead.ID, f, l)
}

// endSession ends a locked session, whose flights these are.
func (s *Store) endSession(ctx context.Context, q Conn, id outbox.SessionID, f flying, l *lost) error {
	if len(f.recorded) > 0 {
		if err := s.loseFlying(ctx, q, f, l); err != nil {
			return err
		}
	}
	if s.d.stamped {
		if err := s.loseStamped(ctx, q, []outbox.SessionID{id}, l); err != nil {
			return err
		}
	}
	return s.deleteSession(ctx, q, id)
}

// loseFlying does what must be done with messages that a session leaves in flight. The time is looked at once their
// rows are locked: what another session put off meanwhile must not seem to be put off ahead of it.
func (s *Store) loseFlying(ctx context.Context, q Conn, f flying, l *lost) error {
	list, err := s.d.listArg(kindInt, slices.Sorted(maps.Keys(f.recorded)))
	if err != nil {
		return err
	}
	rows, err := s.lockLost(ctx, q, "lock named", list)
	if err != nil {
		return err
	}
	if _, err := one(ctx, q, []any{&f.now}, s.sql["clock"], s.now()); err != nil {
		return err
	}
	return s.lose(ctx, q, l, slices.DeleteFunc(rows, func(r lostRow) bool { return !f.has(r.id, r.sending) }))
}

// loseStamped does so with messages that were handed to sessions which are no more.
func (s *Store) loseStamped(ctx context.Context, q Conn, stamps []outbox.SessionID, l *lost) error {
	for _, stamp := range stamps {
		rows, err := s.lockLost(ctx, q, "lock stamped", stamp)
		if err != nil {
			return err
		}
		if err := s.lose(ctx, q, l, rows); err != nil {
			return err
		}
	}
	return nil
}

// lostRow is a message that may be lost.
type lostRow struct {
	id   outbox.ID
	lost int
	sending
}

// lockLost locks and returns messages.
func (s *Store) lockLost(ctx context.Context, q Conn, statement string, arg any) (rows []lostRow, err error) {
	err = each(ctx, q, func(r Rows) error {
		var row lostRow
		err := r.Scan(append([]any{&row.id, &row.lost}, row.targets()...)...)
		rows = append(rows, row)
		return err
	}, s.sql[statement], arg)
	return rows, err
}

// lose makes locked messages due, or parks those that were lost too often.
func (s *Store) lose(ctx context.Context, q Conn, l *lost, rows []lostRow) error {
	var due, poisoned []outbox.ID
	for _, r := range rows {
		if r.lost+1 < outbox.PoisonAfter {
			due = append(due, r.id)
		} else {
			poisoned = append(poisoned, r.id)
		}
	}
	if len(due) > 0 {
		list, err := s.d.listArg(kindInt, due)
		if err != nil {
			return err
		}
		if err := later(ctx, q, s.sql["lose"], s.now(), list); err != nil {
			return err
		}
		l.due += len(due)
	}
	if len(poisoned) == 0 {
		return nil
	}
	list, err := s.d.listArg(kindInt, poisoned)
	if err != nil {
		return err
	}
	if err := later(ctx, q, s.sql["poison"], outbox.ReasonKillsWorker, list); err != nil {
		return err
	}
	if err := later(ctx, q, s.sql["log poisoned"], s.now(), l.by, list); err != nil {
		return err
	}
	for some := range slices.Chunk(poisoned, 1000) {
		found, err := s.find(ctx, q, outbox.Query{IDs: some})
		if err != nil {
			return err
		}
		l.poisoned = append(l.poisoned, found...)
	}
	return nil
}

// deleteSession takes a session out of the tables.
func (s *Store) deleteSession(ctx context.Context, q Conn, id outbox.SessionID) error {
	for _, statement := range []string{"end flights", "end beat", "end session", "free"} {
		if err := later(ctx, q, s.sql[statement], id); err != nil {
			return err
		}
	}
	return nil
}

// logPoisoned logs that messages q were parked. Each of them was lost before, so an earlier send may have
// arrived.
const logPoisoned = `INSERT INTO amsbridge_attempt (` + attemptColumns + `)
	SELECT q.id, q.entries, {now}, 0, 0, q.state, 1, q.doubt, q.seq, '', q.reason, '', NULL, '', ?2`
