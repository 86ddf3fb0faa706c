package outboxtest

import (
	"errors"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func installationClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"the first installation that joins adopts the store", (*env[Tx]).firstAdopts},
		{"another one that joins pauses everything", (*env[Tx]).anotherPauses},
		{"where everything is paused, what was in flight is settled", (*env[Tx]).anotherSettled},
		{"everything is not resumed while another one's session is there", (*env[Tx]).anotherNotResumed},
		{"another one's session that is over is in nobody's way, until the next", (*env[Tx]).anotherGone},
		{"adopting resumes, and marks what is queued as possible duplicates", (*env[Tx]).adopts},
		{"adopting twice is harmless, and on record", (*env[Tx]).adoptsTwice},
		{"adopting leaves an operator's pause", (*env[Tx]).adoptsPaused},
		{"what was restored in place is adopted too", (*env[Tx]).adoptsRestored},
		{"of installations that join first at one moment one adopts the store", (*env[Tx]).firstAtOnce},
		{"nothing goes on beside another one's session, whatever is asked at that moment", (*env[Tx]).joinsBesideAdopting},
	}
}

// joinFrom begins a session of an installation.
func (s *env[Tx]) joinFrom(installation string) outbox.SessionID {
	s.t.Helper()
	id, err := s.Store.Join(s.t.Context(), outbox.Joining{By: "from " + installation, Length: time.Minute, Installation: installation})
	require.NoError(s.t, err)
	return id
}

// asks is an operator's action on everything.
func (s *env[Tx]) asks(verb outbox.Verb) error {
	return s.Store.Act(s.t.Context(), outbox.Action{Verb: verb, Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "was copied"})
}

// requirePaused requires that another installation's session paused everything, and that all sessions are told.
func (s *env[Tx]) requirePaused(sessions ...outbox.SessionID) {
	s.t.Helper()
	state := s.destination("")
	require.Equal(s.t, outbox.PausedByItself, state.Pausing)
	require.Contains(s.t, state.Reason, "Operator.Adopt")
	require.True(s.t, state.ProbeAt.IsZero())
	for _, id := range sessions {
		for _, b := range []outbox.Beat{{}, {Mend: true}} {
			b.Session = id
			require.Contains(s.t, s.beat(b).Closed, outbox.Closed{Reason: state.Reason})
		}
	}
}

func (s *env[Tx]) firstAdopts() {
	for range 2 {
		id := s.joinFrom("production")
		require.Empty(s.t, s.beat(outbox.Beat{Session: id}).Closed)
		require.NoError(s.t, s.Store.Leave(s.t.Context(), id))
	}
	states, err := s.Store.Destinations(s.t.Context())
	require.NoError(s.t, err)
	require.Empty(s.t, states)
	s.requirePaused(s.own()) // it has no name
	require.Contains(s.t, s.destination("").Reason, "production")
}

func (s *env[Tx]) anotherPauses() {
	s.pauseElevate("a", "U-1")
	s.insert(push("b", "U-2", to("notified")), push("c", "U-3", to("limited")))
	s.putOff(map[string]time.Duration{"b": time.Minute})
	s.Advance(day)
	copied := s.joinFrom("staging")
	s.requirePaused(s.own(), copied)
	require.Contains(s.t, s.destination("").Reason, "staging")

	limit := func(f *outbox.Flight) {
		f.Rates = map[string]outbox.Rate{"limited": {Count: 1, Per: 365 * day}}
	}
	owners := []func(*outbox.Flight){func(*outbox.Flight) {}, func(f *outbox.Flight) { f.Session = copied }}
	for _, owner := range owners {
		for _, edit := range []func(*outbox.Flight){func(*outbox.Flight) {}, limit} {
			f, recorded := s.fly(s.waiting(), edit, owner)
			require.Empty(s.t, f.keys())
			require.Equal(s.t, []outbox.Closed{{}}, recorded.Closed)
		}
		for _, key := range []string{"a", "b", "c"} {
			require.Equal(s.t, outbox.Closed{}, s.refuses(key, early, owner))
		}
	}
	s.Advance(day)
	s.requirePaused(s.own(), copied)
	s.steer(outbox.VerbResume, "notified")
	s.nothing()
}

func (s *env[Tx]) anotherSettled() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	f := s.sends("a", "b")
	s.joinFrom("staging")
	s.settled(f.end(0, outbox.StateDelivered, resume), f.end(1, outbox.StatePending, delay(0)))
	s.nothing()
	s.requirePaused(s.own())
	require.NoError(s.t, s.asks(outbox.VerbAdopt))
	s.sends("b")
}

func (s *env[Tx]) anotherNotResumed() {
	s.add(push("a", "U-1"))
	s.own()
	copied := s.joinFrom("staging")
	require.ErrorIs(s.t, s.asks(outbox.VerbResume), outbox.ErrNotAdopted)
	s.requirePaused(s.own(), copied)
	s.steer(outbox.VerbPause, "")
	require.Equal(s.t, outbox.PausedByOperator, s.destination("").Pausing)
	require.ErrorIs(s.t, s.asks(outbox.VerbResume), outbox.ErrNotAdopted)
	again := s.joinFrom("staging")
	require.Equal(s.t, "maintenance", s.destination("").Reason)
	s.nothing()
	entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{})
	require.NoError(s.t, err)
	require.Len(s.t, entries, 1, "what was refused is not on record")
	for _, id := range []outbox.SessionID{copied, again} {
		require.ErrorIs(s.t, s.asks(outbox.VerbResume), outbox.ErrNotAdopted)
		require.NoError(s.t, s.Store.Leave(s.t.Context(), id))
	}
	require.NoError(s.t, s.asks(outbox.VerbResume))
	s.sends("a")
}

func (s *env[Tx]) anotherGone() {
	id := s.add(push("a", "U-1"))
	s.own()
	dead := s.joinFrom("staging")
	s.reap(s.own(), dead)
	s.requirePaused(s.own())
	require.NoError(s.t, s.asks(outbox.VerbResume))
	require.Empty(s.t, s.beat(outbox.Beat{Session: s.own()}).Closed)
	require.Zero(s.t, s.one(id).Doubt)
	s.requirePaused(s.joinFrom("staging"))
	s.nothing()
}

func (s *env[Tx]) adopts() {
	s.insert(push("fresh", "U-1"), push("later", "U-2", to("notified")), push("known", "U-5"), push("gone", "U-3"))
	parked := s.addParkedOf("parked")
	s.putOff(map[string]time.Duration{"later": time.Minute})
	gone := s.idOf("gone")
	s.deliver("gone")
	f := s.begin("known")
	s.settled(f.end(0, outbox.StatePending, func(e *outbox.Settlement) { e.Outcome = outbox.OutcomeUnknown }, delay(0)))
	s.Advance(2 * time.Minute)
	copied := s.joinFrom("staging")
	require.NoError(s.t, s.asks(outbox.VerbAdopt))
	require.Equal(s.t, outbox.NotPaused, s.destination("").Pausing)
	require.Empty(s.t, s.beat(outbox.Beat{Session: copied}).Closed)
	require.Equal(s.t, outbox.DoubtLost, s.one(parked).Doubt)
	require.Zero(s.t, s.one(gone).Doubt)

	require.Empty(s.t, s.beat(outbox.Beat{Session: s.joinFrom("staging")}).Closed)
	require.Empty(s.t, s.beat(outbox.Beat{Session: s.join("of the first")}).Closed)
	require.NoError(s.t, s.act(outbox.VerbSendAgain, parked))
	s.add(push("new", "U-6"))
	for _, m := range s.sends("fresh", "later", "known", "parked", "new").sent {
		want := map[string]outbox.Doubt{"known": outbox.DoubtLost | outbox.DoubtUnknown, "new": 0}
		doubt, other := want[m.Message.Key]
		if !other {
			doubt = outbox.DoubtLost
		}
		require.Equal(s.t, doubt, m.Begun.Doubt, m.Message.Key)
		require.Equal(s.t, m.Message.Key == "new", m.Begun.Alone, m.Message.Key)
		require.Zero(s.t, m.Begun.Lost, "nobody is to blame")
	}
}

// addParkedOf inserts a message and parks it, whatever else is due.
func (s *env[Tx]) addParkedOf(key string) outbox.ID {
	s.t.Helper()
	id := s.add(push(key, "U-"+key))
	s.park(key)
	return id
}

func (s *env[Tx]) adoptsTwice() {
	id := s.add(push("a", "U-1"))
	s.own()
	s.joinFrom("staging")
	for range 2 {
		require.NoError(s.t, s.asks(outbox.VerbAdopt))
		require.Equal(s.t, outbox.DoubtLost, s.one(id).Doubt)
		require.Zero(s.t, s.destination(""))
	}
	entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{Destination: "elevate", Verbs: []outbox.Verb{outbox.VerbAdopt}})
	require.NoError(s.t, err)
	require.Len(s.t, entries, 2)
	require.Equal(s.t, "was copied", entries[0].Reason)
	require.Equal(s.t, "Kim", entries[0].Actor.Name)
	require.Empty(s.t, entries[0].Destination)
	require.Zero(s.t, entries[0].ID)
	s.sends("a")
}

func (s *env[Tx]) adoptsPaused() {
	id := s.add(push("a", "U-1"))
	s.own()
	s.steer(outbox.VerbPause, "")
	s.joinFrom("staging")
	require.NoError(s.t, s.asks(outbox.VerbAdopt))
	require.Equal(s.t, outbox.PausedByOperator, s.destination("").Pausing)
	require.Equal(s.t, "maintenance", s.destination("").Reason)
	require.Equal(s.t, outbox.DoubtLost, s.one(id).Doubt)
	s.nothing()
	require.NoError(s.t, s.asks(outbox.VerbResume))
	s.sends("a")
}

func (s *env[Tx]) adoptsRestored() {
	id := s.add(push("a", "U-1"))
	require.NoError(s.t, s.asks(outbox.VerbAdopt), "nobody joined yet")
	require.Equal(s.t, outbox.DoubtLost, s.one(id).Doubt)
	require.Empty(s.t, s.beat(outbox.Beat{Session: s.own()}).Closed)
	f := s.sends("a")
	s.settled(f.end(0, outbox.StateDelivered))
	require.True(s.t, s.attempts(id)[0].PossibleDuplicate)
	require.NoError(s.t, s.asks(outbox.VerbAdopt), "nothing is queued")
	s.add(push("b", "U-1"))
	require.Zero(s.t, s.sends("b").sent[0].Begun.Doubt)
}

func (s *env[Tx]) firstAtOnce() {
	const many = 6
	var ids [many]outbox.SessionID
	join := func(i int) (err error) {
		ids[i], err = s.Store.Join(s.t.Context(), outbox.Joining{Length: time.Minute, Installation: fmt.Sprint(i)})
		return err
	}
	require.NoError(s.t, atOnce(many, join))
	s.requirePaused(ids[:]...)
	for _, id := range ids {
		require.NoError(s.t, s.Store.Leave(s.t.Context(), id))
	}
	adopted := 0
	for i := range many {
		require.NoError(s.t, s.asks(outbox.VerbResume))
		require.NoError(s.t, join(i))
		if s.destination("").Pausing == outbox.NotPaused {
			adopted++
		}
		require.NoError(s.t, s.Store.Leave(s.t.Context(), ids[i]))
	}
	require.Equal(s.t, 1, adopted)
}

func (s *env[Tx]) joinsBesideAdopting() {
	s.joinFrom("production")
	for round := range 15 {
		var ids [4]outbox.SessionID
		require.NoError(s.t, atOnce(len(ids)+2, func(i int) (err error) {
			switch i {
			case len(ids):
				return s.asks(outbox.VerbAdopt)
			case len(ids) + 1:
				if err = s.asks(outbox.VerbResume); errors.Is(err, outbox.ErrNotAdopted) {
					return nil
				}
				return err
			}
			ids[i], err = s.Store.Join(s.t.Context(), outbox.Joining{Length: time.Minute, Installation: fmt.Sprint(round, " ", i%2)})
			return err
		}))
		paused := s.destination("").Pausing
		if err := s.asks(outbox.VerbResume); err != nil {
			require.ErrorIs(s.t, err, outbox.ErrNotAdopted)
			require.Equal(s.t, outbox.PausedByItself, paused)
		}
		for _, id := range ids {
			require.NoError(s.t, s.Store.Leave(s.t.Context(), id))
		}
	}
}
