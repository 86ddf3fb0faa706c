package outboxtest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func (s *env[Tx]) join(by string) outbox.SessionID {
	s.t.Helper()
	id, err := s.Store.Join(s.t.Context(), outbox.Joining{By: by, Length: time.Minute})
	require.NoError(s.t, err)
	return id
}

func (s *env[Tx]) beat(b outbox.Beat) outbox.Pulse {
	s.t.Helper()
	pulse, err := s.Store.Beat(s.t.Context(), b)
	require.NoError(s.t, err)
	return pulse
}

// own returns the session of the clause's sender, which has all shards.
func (s *env[Tx]) own() outbox.SessionID {
	s.t.Helper()
	if s.session == 0 {
		s.session, s.flights, s.flying = s.join("sender-1"), 0, map[outbox.ID]int64{}
		pulse := s.beat(outbox.Beat{Session: s.session, Take: outbox.Shards})
		require.Len(s.t, pulse.Owned, outbox.Shards)
	}
	return s.session
}

// die has the clause's sender die and another one take over.
func (s *env[Tx]) die() outbox.Pulse {
	s.t.Helper()
	dead := s.own()
	s.session = 0
	reaper := s.join("sender-1")
	pulse := s.reap(reaper, dead)
	s.session, s.flights, s.flying = reaper, 0, map[outbox.ID]int64{}
	return pulse
}

// reap has a session reap another one, and take what it can.
func (s *env[Tx]) reap(reaper, dead outbox.SessionID) outbox.Pulse {
	s.t.Helper()
	return s.beat(outbox.Beat{Session: reaper, Dead: s.beats(reaper, dead), Take: outbox.Shards})
}

// beats returns how often a session has beaten, as another one sees it.
func (s *env[Tx]) beats(other, of outbox.SessionID) []outbox.SessionBeats {
	s.t.Helper()
	sessions := s.beat(outbox.Beat{Session: other}).Sessions
	at := slices.IndexFunc(sessions, func(b outbox.SessionBeats) bool { return b.ID == of })
	require.GreaterOrEqual(s.t, at, 0, "the session is not told of")
	return sessions[at : at+1]
}

// lose has a sender die while these messages are in flight, several times.
func (s *env[Tx]) lose(times int, keys ...string) {
	s.t.Helper()
	for range times {
		s.begin(keys...)
		s.die()
	}
}
