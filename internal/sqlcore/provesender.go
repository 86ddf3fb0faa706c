package sqlcore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// proveSender takes a probe all the way through a transaction of our own, which is rolled back: it is inserted, read,
// recorded as in flight and settled by a session of its own. On PostgreSQL the rights that the rest of a sender's
// work needs are asked for too. A sender whose tables take orders, and whose messages it can never send, would
// otherwise only be heard of from members.
func (s *Store) proveSender(ctx context.Context) error {
	if err := s.missingGrants(ctx, senderGrants); err != nil {
		return err
	}
	m := probeMessage()
	err := s.inTx(ctx, "", func(q Conn) error {
		q, err := s.d.hurried(ctx, q, false)
		if err != nil {
			return err
		}
		session, err := s.d.join(ctx, s, q, s.now(), m.Subject, time.Minute.Microseconds(), []byte{})
		if err != nil {
			return fmt.Errorf("join: %w", err)
		}
		inserted, err := s.insert(ctx, s.d.withLiterals(q), []outbox.Message{m})
		if err != nil {
			return fmt.Errorf("insert a probe: %w", err)
		}
		m.ID = inserted[0].ID
		for _, step := range []struct {
			name string
			do   func(context.Context, Conn, outbox.SessionID, outbox.Message) error
		}{{"read", s.readProbe}, {"record", s.recordProbe}, {"settle", s.settleProbe}} {
			if err := step.do(ctx, q, session, m); err != nil {
				return fmt.Errorf("%s the probe: %w", step.name, err)
			}
		}
		return errProven
	})
	if errors.Is(err, errProven) || s.held(err) {
		return nil
	}
	return explained(err)
}

// held tells whether a proof would have waited for somebody else's transaction. It is no fault, and nothing is waited
// for: on MariaDB an open checkout may have the gap locked that the probe would be inserted into.
func (s *Store) held(err error) bool {
	return err != nil && (s.d.waited(err) || s.d.again != nil && s.d.again(err))
}

func (s *Store) readProbe(ctx context.Context, q Conn, session outbox.SessionID, m outbox.Message) error {
	key := m.OrderingKey()
	statement, err := s.d.read(s, outbox.Reading{
		Session: session, Shards: []int{outbox.ShardOf(key)}, Key: key, HasKey: true, After: m.ID - 1, Limit: 1,
	})
	if err != nil {
		return err
	}
	var got outbox.Waiting
	scan := newWaitingScan()
	err = each(ctx, q, func(r Rows) (err error) {
		got, err = scan.read(r)
		return err
	}, statement.text, statement.args...)
	if err == nil && (got.ID != m.ID || got.Broken != "" || string(got.Facts) != string(m.Facts) || got.Person != m.Person) {
		err = errors.New("what is written is not what is read: the driver or the connection's settings change it")
	}
	return err
}

// recordProbe begins nothing where everything is paused, which is no fault.
func (s *Store) recordProbe(ctx context.Context, q Conn, session outbox.SessionID, m outbox.Message) error {
	r := &recording{s: s, q: q, begun: map[outbox.ID]outbox.Begun{}, Flight: outbox.Flight{
		Session: session, N: 1, Messages: []outbox.Queued{{ID: m.ID, Key: m.OrderingKey(), Destination: m.Destination}},
	}}
	return r.bySteps(ctx)
}

func (s *Store) settleProbe(ctx context.Context, q Conn, session outbox.SessionID, m outbox.Message) error {
	batch := []outbox.Settlement{{Message: m, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered, By: m.Subject}}
	all, err := newSettlings(batch)
	if err != nil {
		return err
	}
	done := make([]bool, 1)
	p := &settlingPart{s: s, session: session, batch: batch, over: []int64{1}}
	if err := s.d.settle(ctx, p, q, all, done, false); err != nil {
		return err
	}
	found, err := s.find(ctx, s.d.withLiterals(q), outbox.Query{IDs: []outbox.ID{m.ID}})
	if err == nil && (!done[0] || len(found) != 1 || found[0].State != outbox.StateDelivered) {
		err = errors.New("its outcome is not recorded: the driver or the connection's settings are in the way")
	}
	return err
}

// senderGrants are the rights of a sender's role that the probe does not use, or of which a database's own error
// does not name the table.
var senderGrants = []grant{
	{"SELECT", "amsbridge_message", ""},
	{"INSERT", "amsbridge_message", ""},
	{"DELETE", "amsbridge_message", ""},
	{"UPDATE", "amsbridge_message", "trace_context"},
	{"SELECT", "amsbridge_queue", ""},
	{"INSERT", "amsbridge_queue", ""},
	{"UPDATE", "amsbridge_queue", ""},
	{"DELETE", "amsbridge_queue", ""},
	{"SELECT", "amsbridge_attempt", ""},
	{"INSERT", "amsbridge_attempt", ""},
	{"UPDATE", "amsbridge_attempt", ""},
	{"DELETE", "amsbridge_attempt", ""},
	{"SELECT", "amsbridge_destination", ""},
	{"INSERT", "amsbridge_destination", ""},
	{"UPDATE", "amsbridge_destination", ""},
	{"DELETE", "amsbridge_session", ""},
	{"UPDATE", "amsbridge_beat", ""},
	{"DELETE", "amsbridge_beat", ""},
	{"DELETE", "amsbridge_flight", ""},
	{"UPDATE", "amsbridge_shard", ""},
	{"SELECT", "amsbridge_installation", ""},
	{"UPDATE", "amsbridge_progress", ""},
	{"SELECT", "amsbridge_entry", ""},
	{"UPDATE", "amsbridge_entry", "told"},
	{"DELETE", "amsbridge_entry", ""},
	{"INSERT", "amsbridge_task", ""},
}
