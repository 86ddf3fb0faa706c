package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// session is a sender's session that is driven by hand.
type session struct {
	queue outbox.Queue
	id    outbox.SessionID
	n     int64                        // of the last flight
	held  map[int64]outbox.ID          // in flight, by ordering key
	by    map[outbox.ID]int64          // the flight of each
	at    map[outbox.ID]outbox.Waiting // as it was read
}

// held is a message in flight.
type held struct {
	outbox.Message
	Lost int
}

// join begins a session, which takes all shards that nobody owns.
func join(t *testing.T, queue outbox.Queue) *session {
	t.Helper()
	id, err := queue.Join(t.Context(), outbox.Joining{By: "test", Length: time.Minute})
	require.NoError(t, err)
	s := &session{queue: queue, id: id, held: map[int64]outbox.ID{}, by: map[outbox.ID]int64{}, at: map[outbox.ID]outbox.Waiting{}}
	s.beat(t, outbox.Beat{Take: outbox.Shards})
	return s
}

// takeOver begins a session after all others died: it reaps them and takes what was theirs.
func takeOver(t *testing.T, queue outbox.Queue) *session {
	t.Helper()
	s := join(t, queue)
	var dead []outbox.SessionBeats
	for _, other := range s.beat(t, outbox.Beat{}).Sessions {
		if other.ID != s.id {
			dead = append(dead, other)
		}
	}
	s.beat(t, outbox.Beat{Dead: dead, Take: outbox.Shards})
	return s
}

func (e *env) join(t *testing.T) *session {
	t.Helper()
	return join(t, e.store)
}

func (e *env) takeOver(t *testing.T) *session {
	t.Helper()
	return takeOver(t, e.store)
}

func (s *session) leave(t *testing.T) {
	t.Helper()
	require.NoError(t, s.queue.Leave(t.Context(), s.id))
}

func (s *session) beat(t *testing.T, b outbox.Beat) outbox.Pulse {
	t.Helper()
	b.Session = s.id
	p, err := s.queue.Beat(t.Context(), b)
	require.NoError(t, err)
	return p
}

// waiting are the messages that may be sent: those that are due, and then the fresh ones.
func (s *session) waiting(t *testing.T) (all []outbox.Waiting) {
	t.Helper()
	owned := s.beat(t, outbox.Beat{}).Owned
	require.NotEmpty(t, owned)
	for _, due := range []bool{true, false} {
		r := outbox.Reading{Session: s.id, Shards: owned, Due: due, Limit: 1000}
		for more := true; more; {
			got, err := s.queue.Read(t.Context(), r)
			require.NoError(t, err)
			all = append(all, got.Messages...)
			more, r.AfterDue, r.After = got.More, got.LastDue, got.Last
		}
	}
	return all
}

// begin takes what may be sent in flight, of each ordering key the first in the order of reading.
func (s *session) begin(t *testing.T) (out []held) {
	t.Helper()
	for _, w := range s.waiting(t) {
		if _, busy := s.held[w.Key]; !busy {
			out = append(out, s.record(t, w)...)
		}
	}
	return out
}

// beginAll takes all of it in flight, several of an ordering key together.
func (s *session) beginAll(t *testing.T) (out []held) {
	t.Helper()
	return s.record(t, s.waiting(t)...)
}

func (s *session) record(t *testing.T, ws ...outbox.Waiting) (out []held) {
	t.Helper()
	s.n++
	f := outbox.Flight{Session: s.id, N: s.n}
	for _, w := range ws {
		f.Messages = append(f.Messages, outbox.Queued{ID: w.ID, Key: w.Key, Destination: w.Destination})
		s.at[w.ID] = w
	}
	got, err := s.queue.Record(t.Context(), f)
	require.NoError(t, err)
	for _, b := range got.Begun {
		w := s.at[b.ID]
		s.held[w.Key], s.by[b.ID] = b.ID, f.N
		m := w.Message
		m.Attempt, m.Doubt, m.Alone = b.Attempts+1, b.Doubt, b.Alone
		out = append(out, held{m, b.Lost})
	}
	return out
}

// deliveredOf is the settlement of a message that was delivered.
func deliveredOf(m outbox.Message) outbox.Settlement {
	return outbox.Settlement{Message: m, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered, By: "test"}
}

// try settles a message, and names no flight as over.
func (s *session) try(m outbox.Message, change func(*outbox.Settlement)) (outbox.Settled, error) {
	st := deliveredOf(m)
	if change != nil {
		change(&st)
	}
	return s.queue.Settle(context.Background(), outbox.Settling{Session: s.id, Batch: []outbox.Settlement{st}})
}

// settle settles a message, with which its flight is over.
func (s *session) settle(t *testing.T, h held, change func(*outbox.Settlement)) (acked bool) {
	t.Helper()
	st := deliveredOf(h.Message)
	if change != nil {
		change(&st)
	}
	got, err := s.queue.Settle(t.Context(), outbox.Settling{Session: s.id, Batch: []outbox.Settlement{st}, Over: []int64{s.by[h.ID]}})
	require.NoError(t, err)
	if key := s.at[h.ID].Key; s.held[key] == h.ID {
		delete(s.held, key)
	}
	return len(got.Acked) == 1
}
