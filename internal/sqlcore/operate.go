package sqlcore

import (
	"context"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// Counts returns what stands in the queue, by destination.
func (s *Store) Counts(ctx context.Context) ([]outbox.Count, error) {
	var out []outbox.Count
	err := each(ctx, s.db, func(r Rows) error {
		var c outbox.Count
		var name []byte
		var oldest int64
		err := r.Scan(&name, &c.Pending, &c.InFlight, &c.Parked, &oldest)
		c.Destination, c.Oldest = string(name), fromMicro(oldest)
		out = append(out, c)
		return err
	}, s.sql["counts"], s.now())
	return out, s.failed("counts", err)
}

// Destinations returns the state of each destination that ever had one.
func (s *Store) Destinations(ctx context.Context) ([]outbox.DestinationState, error) {
	var out []outbox.DestinationState
	err := each(ctx, s.db, func(r Rows) error {
		var d outbox.DestinationState
		var name []byte
		var held, probe, broken int64
		err := r.Scan(&name, &d.Pausing, &d.Reason, &held, &probe, &broken)
		d.Name, d.HeldUntil, d.ProbeAt, d.BrokenUntil = string(name), fromMicro(held), fromMicro(probe), fromMicro(broken)
		out = append(out, d)
		return err
	}, s.sql["destinations"])
	return out, s.failed("destinations", err)
}

// Audit returns operators' actions, newest first.
func (s *Store) Audit(ctx context.Context, limit int) ([]outbox.AuditEntry, error) {
	if limit < 1 || limit > 10_000 {
		return nil, check.Bad(s.name, "limit", "is not from 1 to 10,000")
	}
	var out []outbox.AuditEntry
	err := each(ctx, s.db, func(r Rows) error {
		var e outbox.AuditEntry
		var at int64
		var key, destination, association, subject, task text
		err := r.Scan(&at, &e.Actor.Name, &e.Actor.Role, &e.Verb, &e.Action.Reason, &e.ID, &key, &e.Was, &destination,
			&association, &subject, &task)
		e.At, e.Key, e.Destination = fromMicro(at), string(key), string(destination)
		e.Association, e.Subject, e.Task = string(association), string(subject), string(task)
		out = append(out, e)
		return err
	}, s.sql["audit list"], limit)
	return out, s.failed("audit", err)
}

// Act does what an operator asked and records it, both or neither.
func (s *Store) Act(ctx context.Context, a outbox.Action) error {
	err := s.inTx(ctx, "", func(q Conn) error {
		switch a.Verb {
		case outbox.VerbPause:
			if _, err := q.Exec(ctx, s.sql["pause"], []byte(a.Destination), a.Reason); err != nil {
				return err
			}
			return s.audit(ctx, q, a, nil)
		case outbox.VerbResume:
			if _, err := q.Exec(ctx, s.sql["resume"], []byte(a.Destination)); err != nil {
				return err
			}
			return s.audit(ctx, q, a, nil)
		case outbox.VerbSendAgain, outbox.VerbDiscard, outbox.VerbMarkDone:
			return s.actOn(ctx, q, a)
		case outbox.VerbTaskDone:
			return s.taskDone(ctx, q, a)
		}
		return check.Bad(s.name, "Action.Verb", "is not one of the operator's")
	})
	return s.failed(string(a.Verb), err)
}

// actOn acts on a message that is locked first.
func (s *Store) actOn(ctx context.Context, q Conn, a outbox.Action) error {
	putBack := a.Verb == outbox.VerbSendAgain && a.LookedUp
	if putBack {
		// Not to be forgotten, or put back twice, at the same moment.
		if _, err := one(ctx, q, []any{new(outbox.ID)}, s.sql["lock message"], a.ID); err != nil {
			return err
		}
	}
	queued, err := s.lockQueued(ctx, q, []outbox.ID{a.ID})
	if err != nil {
		return err
	}
	found, err := s.find(ctx, q, outbox.Query{IDs: []outbox.ID{a.ID}})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return outbox.ErrNotFound
	}
	m := found[0]
	row, ok := queued[a.ID]
	switch {
	case !ok && putBack && (m.State == outbox.StateDelivered || m.State == outbox.StateAlreadyDone):
		return s.putBack(ctx, q, a, m)
	case !ok:
		return &outbox.RefusedError{ID: a.ID, Reason: "is " + m.State.String() + ": its profile is deleted, so it cannot be acted on any more"}
	case row.underWay:
		return outbox.ErrInFlight
	}
	if a.Verb == outbox.VerbSendAgain {
		if _, err := q.Exec(ctx, s.sql["send again"], s.now(), row.Lane, a.ID); err != nil {
			return err
		}
	} else {
		row.State, row.Reason, row.By = uint8(outbox.StateDiscarded), a.Reason, outbox.CutText(a.Actor.Name, maxBy)
		if a.Verb == outbox.VerbMarkDone {
			row.State = uint8(outbox.StateMarkedDone)
		}
		if err := s.end(ctx, q, []ending{row}); err != nil {
			return err
		}
	}
	if len(a.Then) > 0 {
		if err := outbox.CheckMessages(a.Then); err != nil {
			return err
		}
		if _, err := s.insert(ctx, q, a.Then); err != nil {
			return err
		}
	}
	return s.audit(ctx, q, a, &m)
}

// putBack lets a message be sent again that was done with: its profile will be
// looked up.
func (s *Store) putBack(ctx context.Context, q Conn, a outbox.Action, m outbox.Record) error {
	if len(m.Facts) == 0 {
		return &outbox.RefusedError{ID: a.ID, Reason: "is of a person who was erased: nothing is left to send"}
	}
	if _, err := q.Exec(ctx, s.sql["put back"], s.now(), a.ID); err != nil {
		return err
	}
	return s.audit(ctx, q, a, &m)
}

// audit records an action; m is nil for those on destinations.
func (s *Store) audit(ctx context.Context, q Conn, a outbox.Action, m *outbox.Record) error {
	var id, key, was any
	destination := a.Destination
	if m != nil {
		id, key, was, destination = m.ID, []byte(m.Key), int64(m.State), m.Destination
	}
	_, err := q.Exec(ctx, s.sql["audit"], s.now(), a.Actor.Name, a.Actor.Role, string(a.Verb), a.Reason,
		id, key, was, []byte(destination), []byte(a.Association), []byte(a.Subject), []byte(a.Task))
	return err
}
