package outboxtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func eraseClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"nothing is left of a person who is erased", (*env[Tx]).erasesAll},
		{"what is erased keeps its place, and others keep all", (*env[Tx]).eraseKeepsPlace},
		{"an erasure is on record, without the person", (*env[Tx]).eraseAudited},
		{"an order that is reported again is still a duplicate", (*env[Tx]).erasedIsDuplicate},
		{"a person with a message in flight is not erased", (*env[Tx]).eraseInFlight},
		{"a late settlement finds what was erased gone", (*env[Tx]).eraseAfterLoss},
		{"what was erased is not sent again", (*env[Tx]).erasedNotAgain},
		{"a person is erased in their association alone", (*env[Tx]).erasesOneAssociation},
		{"a person who was erased may come back", (*env[Tx]).erasedComesBack},
	}
}

// erasable is a user ID that nothing else contains.
const erasable = "U-erasable-\u00e9\u4f60"

const pseudonym = "erased-4f2c"

func (s *env[Tx]) erase() (int, error) {
	return s.Store.Erase(s.t.Context(), outbox.Erasure{
		Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "asked to be forgotten", Person: erasable, Pseudonym: pseudonym,
	})
}

func (s *env[Tx]) erased(want int) {
	s.t.Helper()
	n, err := s.erase()
	require.NoError(s.t, err)
	require.Equal(s.t, want, n)
}

// theirs is a message that names its person wherever a shop may.
func theirs(key string, edits ...func(*outbox.Message)) outbox.Message {
	m := push(key, erasable, func(m *outbox.Message) {
		m.KeyParts = []string{"elevate", "order-1", erasable, "register"}
		m.Items = []string{"line-1"}
		m.Facts = []byte("facts of " + erasable)
		m.Scope = "scope of " + erasable
	})
	for _, edit := range edits {
		edit(&m)
	}
	return m
}

func named(e *outbox.Settlement) {
	e.Reason, e.Detail, e.Receipt, e.Delay = "no "+erasable, erasable+" is unknown", []byte(erasable), 0
}

// insertTheirs returns one message in each place in which one may be.
func (s *env[Tx]) insertTheirs() (queued, ended []outbox.ID) {
	s.t.Helper()
	queued = append(queued, s.add(theirs("retried", to("notified"))), s.add(theirs("parked")))
	f := s.begin("retried", "parked")
	s.settled(f.end(0, outbox.StatePending, named, delay(time.Hour)), f.end(1, outbox.StateParked, named))
	ended = append(ended, s.add(theirs("delivered")), s.add(theirs("discarded")))
	f = s.begin("delivered")
	s.settled(f.end(0, outbox.StatePending, named))
	f = s.begin("delivered")
	s.settled(f.end(0, outbox.StateDelivered, named))
	require.NoError(s.t, s.act(outbox.VerbDiscard, ended[1]))
	queued = append(queued, s.add(theirs("fresh")))
	return queued, ended
}

// everythingKept is all that a store returns, as text.
func (s *env[Tx]) everythingKept() string {
	s.t.Helper()
	var b strings.Builder
	for _, rec := range s.all() {
		fmt.Fprintf(&b, "%+v %s %s %s\n", rec, rec.Facts, rec.Profile, rec.Receipt)
		for _, a := range s.attempts(rec.ID) {
			fmt.Fprintf(&b, "%+v %s\n", a, a.Receipt)
		}
	}
	entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{Limit: 1000})
	require.NoError(s.t, err)
	fmt.Fprintf(&b, "%+v\n", entries)
	return b.String()
}

// requireNoTrace requires that nothing that the store returns names the person.
func (s *env[Tx]) requireNoTrace() {
	s.t.Helper()
	for line := range strings.Lines(s.everythingKept()) {
		require.NotContains(s.t, line, erasable)
	}
}

func (s *env[Tx]) erasesAll() {
	queued, ended := s.insertTheirs()
	require.Contains(s.t, s.everythingKept(), erasable)
	s.erased(len(queued) + len(ended))
	s.requireNoTrace()
	require.Empty(s.t, s.find(outbox.Query{Person: erasable}))
	require.Len(s.t, s.find(outbox.Query{Person: pseudonym}), len(queued)+len(ended))
	s.erased(0)
}

func (s *env[Tx]) eraseKeepsPlace() {
	queued, ended := s.insertTheirs()
	other := s.add(push("other", "U-2", func(m *outbox.Message) { m.KeyParts = []string{"order-1", "U-2"} }))
	f := s.sendAll()
	for i := range f.sent {
		s.settled(f.end(i, outbox.StatePending, delay(0), func(e *outbox.Settlement) { e.Detail = "kept" }))
	}
	before := map[outbox.ID]outbox.Record{}
	for _, rec := range s.all() {
		before[rec.ID] = rec
	}
	s.erased(len(queued) + len(ended))
	for _, id := range append(queued, ended...) {
		rec, was := s.one(id), before[id]
		require.Equal(s.t, pseudonym, rec.Person)
		require.Equal(s.t, []string{"elevate", "order-1", pseudonym, "register"}, rec.KeyParts)
		require.Equal(s.t, was.Key, rec.Key)
		require.Equal(s.t, was.Destination, rec.Destination)
		require.Equal(s.t, was.Subject, rec.Subject)
		require.Equal(s.t, was.Items, rec.Items)
		require.Equal(s.t, was.Kind, rec.Kind)
		require.True(s.t, rec.Created.Equal(was.Created))
		require.Empty(s.t, rec.Facts)
		require.Empty(s.t, rec.Scope)
		require.Empty(s.t, rec.Profile)
		require.Empty(s.t, rec.Receipt)
		want := was.State
		if !was.State.Final() {
			want = outbox.StateDiscarded
			log := s.attempts(id)
			require.NotEmpty(s.t, log)
			require.Equal(s.t, want, log[len(log)-1].State)
		}
		require.Equal(s.t, want, rec.State, was.Key)
		require.False(s.t, rec.Settled.IsZero(), was.Key)
	}
	require.Len(s.t, s.attempts(ended[0]), 2, "attempts are emptied, not removed")
	require.Equal(s.t, outbox.OutcomeDelivered, s.one(ended[0]).Outcome)
	rec := s.one(other)
	require.Equal(s.t, before[other].KeyParts, rec.KeyParts)
	require.Equal(s.t, "kept", s.attempts(other)[0].Detail)
	require.Equal(s.t, "profile of U-2", string(s.sends("other").sent[0].Profile))
}

func (s *env[Tx]) eraseAudited() {
	s.add(theirs("a"))
	s.steer(outbox.VerbPause, "notified")
	s.Advance(time.Minute)
	s.erased(1)
	entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{Limit: 10})
	require.NoError(s.t, err)
	require.Len(s.t, entries, 2)
	require.Equal(s.t, outbox.VerbErase, entries[0].Verb)
	require.Equal(s.t, outbox.Actor{Name: "Kim", Role: "staff"}, entries[0].Actor)
	texts := fmt.Sprintf("%+v", entries[0])
	require.Contains(s.t, texts, "asked to be forgotten")
	require.Contains(s.t, texts, pseudonym)
	require.NotContains(s.t, texts, erasable)
}

func (s *env[Tx]) erasedIsDuplicate() {
	id := s.add(theirs("a"))
	waiting := s.add(theirs("b"))
	f := s.begin("a")
	s.settled(f.end(0, outbox.StateDelivered))
	s.erased(2)
	for _, edit := range []func(*outbox.Message){facts("facts of " + erasable), facts("other facts")} {
		inserted := s.insert(theirs("a", edit), push("new", "U-3"), theirs("b", edit))
		require.Equal(s.t, outbox.Inserted{ID: id, Duplicate: true}, inserted[0])
		require.Equal(s.t, outbox.Inserted{ID: waiting, Duplicate: true}, inserted[2])
	}
	s.requireNoTrace()
	s.deliver("new")
	s.nothing()
}

func (s *env[Tx]) eraseInFlight() {
	queued, ended := s.insertTheirs()
	f := s.begin("fresh")
	before := s.everythingKept()
	n, err := s.erase()
	require.ErrorIs(s.t, err, outbox.ErrInFlight)
	require.Zero(s.t, n)
	require.Equal(s.t, before, s.everythingKept())
	s.settled(f.end(0, outbox.StateDelivered))
	s.erased(len(queued) + len(ended))
}

func (s *env[Tx]) eraseAfterLoss() {
	id := s.add(theirs("a"))
	late, dead := s.begin("a"), s.own()
	s.die()
	s.erased(1)
	s.settleOver(dead, late.end(0, outbox.StateDelivered, everything, named))
	require.Empty(s.t, s.settle(late.end(0, outbox.StateDelivered, everything, named)))
	s.requireState(id, outbox.StateDiscarded)
	s.requireNoTrace()
	require.Empty(s.t, s.find(outbox.Query{Person: "U-then"}))
	s.nothing()
}

func (s *env[Tx]) erasedNotAgain() {
	id := s.add(theirs("a"))
	s.deliver("a")
	s.erased(1)
	var refused *outbox.RefusedError
	require.ErrorAs(s.t, s.sendAgainLookedUp(id), &refused, "its facts are gone")
	s.requireState(id, outbox.StateDelivered)
}

func (s *env[Tx]) erasedComesBack() {
	s.add(theirs("a"))
	s.erased(1)
	s.insert(theirs("b"), theirs("c"))
	s.deliver("b")
	s.deliver("c")
	s.erased(2)
	require.Len(s.t, s.find(outbox.Query{Person: pseudonym}), 3)
}

func (s *env[Tx]) erasesOneAssociation() {
	none := s.add(theirs("a"))
	acme := []outbox.ID{s.add(theirs("a", to("elevate/acme"))), s.add(theirs("b", to("notified/acme")))}
	other := s.add(theirs("a", to("elevate/acme.b")))
	n, err := s.Store.Erase(s.t.Context(), outbox.Erasure{
		Actor: outbox.Actor{Name: "Kim"}, Reason: "asked to be forgotten", Person: erasable, Association: "acme", Pseudonym: pseudonym,
	})
	require.NoError(s.t, err)
	require.Equal(s.t, 2, n)
	for _, id := range acme {
		require.Equal(s.t, pseudonym, s.one(id).Person)
		require.Empty(s.t, s.one(id).Facts)
	}
	for _, id := range []outbox.ID{none, other} {
		rec := s.one(id)
		require.Equal(s.t, erasable, rec.Person)
		require.NotEmpty(s.t, rec.Facts)
		require.NotEmpty(s.t, rec.Scope)
		require.Equal(s.t, outbox.StatePending, rec.State)
	}
	s.erased(1)
	require.Equal(s.t, erasable, s.one(other).Person)
}
