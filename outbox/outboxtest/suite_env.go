package outboxtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// env is what a clause works at: a store, and a sender of its own.
type env[Tx any] struct {
	Harness[Tx]
	t       *testing.T
	session outbox.SessionID // zero until something is sent
	flights int64            // of the session
	flying  map[outbox.ID]int64
}

// push returns a message that may be inserted.
func push(key, person string, edits ...func(*outbox.Message)) outbox.Message {
	m := outbox.Message{
		Destination: "elevate", Key: key, Kind: "registration", Person: person, Subject: "order-1",
		Facts: []byte("facts of " + key), Profile: []byte("profile of " + person), Version: 1,
	}
	for _, edit := range edits {
		edit(&m)
	}
	return m
}

func to(destination string) func(*outbox.Message) {
	return func(m *outbox.Message) { m.Destination = destination }
}

func facts(b string) func(*outbox.Message) {
	return func(m *outbox.Message) { m.Facts = []byte(b) }
}

// inTx runs f in a transaction and commits it.
func (s *env[Tx]) inTx(f func(tx Tx)) {
	s.t.Helper()
	tx, err := s.Begin()
	require.NoError(s.t, err)
	defer s.Rollback(tx)
	f(tx)
	require.NoError(s.t, s.Commit(tx))
}

// insert adds messages in a transaction of their own.
func (s *env[Tx]) insert(msgs ...outbox.Message) (inserted []outbox.Inserted) {
	s.t.Helper()
	s.inTx(func(tx Tx) {
		var err error
		inserted, err = s.Store.InsertTx(s.t.Context(), tx, msgs...)
		require.NoError(s.t, err)
	})
	require.Len(s.t, inserted, len(msgs))
	return inserted
}

// add inserts a new message and returns its ID.
func (s *env[Tx]) add(msg outbox.Message) outbox.ID {
	s.t.Helper()
	inserted := s.insert(msg)
	require.False(s.t, inserted[0].Duplicate)
	return inserted[0].ID
}

// addParked inserts a new message and parks it. Nothing else may be due.
func (s *env[Tx]) addParked(msg outbox.Message) outbox.ID {
	s.t.Helper()
	id := s.add(msg)
	s.park(msg.Key)
	return id
}

// refused returns an insertion's error, after it has checked that nothing of
// the call was written and that the transaction is usable.
func (s *env[Tx]) refused(msgs ...outbox.Message) (refusal error) {
	s.t.Helper()
	before := s.all()
	s.inTx(func(tx Tx) {
		_, refusal = s.Store.InsertTx(s.t.Context(), tx, msgs...)
		require.Error(s.t, refusal)
		_, err := s.Store.InsertTx(s.t.Context(), tx, push("usable", "U-usable"))
		require.NoError(s.t, err)
	})
	now := s.all()
	require.Len(s.t, now, len(before)+1)
	require.Equal(s.t, "usable", now[len(before)].Key)
	for i := range before {
		require.Equal(s.t, before[i].State, now[i].State)
		require.Equal(s.t, before[i].Facts, now[i].Facts)
	}
	return refusal
}

// all returns every message.
func (s *env[Tx]) all() []outbox.Record {
	s.t.Helper()
	var states []outbox.State
	for state := outbox.StatePending; state <= outbox.StateWithdrawn; state++ {
		states = append(states, state)
	}
	return s.find(outbox.Query{States: states, Limit: 10_000})
}

func (s *env[Tx]) find(q outbox.Query) []outbox.Record {
	s.t.Helper()
	found, err := s.Store.Find(s.t.Context(), q)
	require.NoError(s.t, err)
	return found
}

func (s *env[Tx]) one(id outbox.ID) outbox.Record {
	s.t.Helper()
	found := s.find(outbox.Query{IDs: []outbox.ID{id}})
	require.Len(s.t, found, 1)
	return found[0]
}

func (s *env[Tx]) requireState(id outbox.ID, state outbox.State) {
	s.t.Helper()
	require.Equal(s.t, state.String(), s.one(id).State.String())
}

func (s *env[Tx]) attempts(id outbox.ID) []outbox.Attempt {
	s.t.Helper()
	log, err := s.Store.Attempts(s.t.Context(), outbox.AttemptQuery{IDs: []outbox.ID{id}})
	require.NoError(s.t, err)
	return log
}

// act is an operator's action on a message.
func (s *env[Tx]) act(verb outbox.Verb, id outbox.ID) error {
	return s.Store.Act(s.t.Context(), outbox.Action{
		Verb: verb, ID: id, Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "was asked to",
	})
}

// steer is an operator's action on a destination.
func (s *env[Tx]) steer(verb outbox.Verb, destination string) {
	s.t.Helper()
	require.NoError(s.t, s.Store.Act(s.t.Context(), outbox.Action{
		Verb: verb, Destination: destination, Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "maintenance",
	}))
}
