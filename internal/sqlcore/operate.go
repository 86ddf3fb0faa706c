package sqlcore

import (
	"context"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// Destinations returns the state of each destination that ever had one, and of everything while it is paused.
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

// Act does what an operator asked and records it, both or neither.
func (s *Store) Act(ctx context.Context, a outbox.Action) error {
	err := s.inTx(ctx, "", func(q Conn) error {
		switch a.Verb {
		case outbox.VerbPause:
			if _, err := q.Exec(ctx, s.sql["pause"], s.now(), []byte(a.Destination), a.Reason); err != nil {
				return err
			}
			return s.audit(ctx, q, a, nil)
		case outbox.VerbResume:
			if a.Destination == "" {
				if err := s.resumeAll(ctx, q); err != nil {
					return err
				}
			}
			if _, err := q.Exec(ctx, s.sql["resume"], s.now(), []byte(a.Destination)); err != nil {
				return err
			}
			return s.audit(ctx, q, a, nil)
		case outbox.VerbSendAgain, outbox.VerbDiscard, outbox.VerbMarkDone:
			return s.actOn(ctx, q, a)
		case outbox.VerbTaskDone:
			return s.taskDone(ctx, q, a)
		case outbox.VerbAdopt:
			return s.adopt(ctx, q, a)
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
	case row.inFlight:
		return outbox.ErrInFlight
	}
	if a.Verb == outbox.VerbSendAgain {
		if _, err := q.Exec(ctx, s.sql["send again"], s.now(), a.ID, row.Doubt); err != nil {
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

// audit records an action; m is its message, if it is on one.
func (s *Store) audit(ctx context.Context, q Conn, a outbox.Action, m *outbox.Record) error {
	var id, key, was any
	if m != nil {
		id, key, was = m.ID, []byte(m.Key), int64(m.State)
		a.Destination, a.Association, a.Subject = m.Destination, m.Association(), m.Subject
	}
	_, err := q.Exec(ctx, s.sql["audit"], s.now(), a.Actor.Name, a.Actor.Role, string(a.Verb), a.Reason,
		id, key, was, []byte(a.Destination), []byte(a.Association), []byte(a.Subject), []byte(a.Task))
	return err
}
