package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// probing makes a flight a probe.
func probing(f *outbox.Flight) { f.Probe, f.ProbeFor = true, 10*time.Minute }

func early(f *outbox.Flight) {
	probing(f)
	f.Early = true
}

// tries records one message that waits, by its key.
func (s *env[Tx]) tries(key string, edits ...func(*outbox.Flight)) (flight, outbox.Recorded) {
	s.t.Helper()
	for _, w := range s.waiting() {
		if w.Message.Key == key {
			return s.fly([]outbox.Waiting{w}, edits...)
		}
	}
	require.Fail(s.t, key+" does not wait")
	return flight{}, outbox.Recorded{}
}

// probes records a probe, which must begin.
func (s *env[Tx]) probes(key string, edits ...func(*outbox.Flight)) flight {
	s.t.Helper()
	f, recorded := s.tries(key, append([]func(*outbox.Flight){probing}, edits...)...)
	require.Len(s.t, f.sent, 1)
	require.Empty(s.t, recorded.Closed)
	return f
}

// refuses requires that a message may not begin, since its destination is
// closed.
func (s *env[Tx]) refuses(key string, edits ...func(*outbox.Flight)) outbox.Closed {
	s.t.Helper()
	f, recorded := s.tries(key, edits...)
	require.Empty(s.t, f.sent)
	require.Len(s.t, recorded.Closed, 1)
	return recorded.Closed[0]
}

func (s *env[Tx]) probeEarly() {
	s.pauseElevate("a", "U-1")
	s.add(push("b", "U-2"))
	s.refuses("a", probing)
	s.refuses("a", func(f *outbox.Flight) { f.Early = true })
	f := s.probes("a", early)
	s.refuses("b", probing)
	s.settled(f.end(0, outbox.StatePending, delay(0), hold(5*time.Minute)))
	s.refuses("b", early)
	s.Advance(6 * time.Minute)
	f = s.probes("b", early)
	s.settled(f.end(0, outbox.StatePending, breaks(time.Hour)))
	s.refuses("a", early)
}

func (s *env[Tx]) probeOfOpen() {
	s.insert(push("a", "U-1"), push("b", "U-2"))
	s.probes("a")
	require.True(s.t, s.destination("elevate").ProbeAt.IsZero())
	require.True(s.t, s.destination("elevate").BrokenUntil.IsZero())
	s.probes("b")
}
