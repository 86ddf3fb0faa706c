package outboxtest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// flight is what a session recorded.
type flight struct{ sent []sent }

// sent is a message that a sender may send.
type sent struct {
	outbox.Waiting
	outbox.Begun
}

func queued(w *outbox.Waiting) outbox.Queued {
	return outbox.Queued{ID: w.ID, Key: w.Key, Destination: w.Destination}
}

// read returns all that a reading leads to, page by page.
func (s *env[Tx]) read(edits ...func(*outbox.Reading)) (waiting []outbox.Waiting) {
	s.t.Helper()
	r := outbox.Reading{Session: s.own(), Shards: everyShard(), Limit: 1000}
	for _, edit := range edits {
		edit(&r)
	}
	for {
		page, err := s.Store.Read(s.t.Context(), r)
		require.NoError(s.t, err)
		require.LessOrEqual(s.t, len(page.Messages), r.Limit)
		waiting = append(waiting, page.Messages...)
		if !page.More {
			return waiting
		}
		require.False(s.t, page.LastDue.Equal(r.AfterDue) && page.Last == r.After, "the reading does not get on")
		r.AfterDue, r.After = page.LastDue, page.Last
	}
}

func everyShard() (shards []int) {
	for shard := range outbox.Shards {
		shards = append(shards, shard)
	}
	return shards
}

func due(r *outbox.Reading) { r.Due = true }

// waiting returns what the sender could send and has not in flight, by ID.
func (s *env[Tx]) waiting() []outbox.Waiting {
	s.t.Helper()
	s.own()
	known := func(r *outbox.Reading) { r.Known = slices.Collect(maps.Keys(s.flying)) }
	waiting := append(s.read(known), s.read(known, due)...)
	slices.SortFunc(waiting, func(a, b outbox.Waiting) int { return cmp.Compare(a.ID, b.ID) })
	return waiting
}

func (s *env[Tx]) record(f outbox.Flight) outbox.Recorded {
	s.t.Helper()
	recorded, err := s.Store.Record(s.t.Context(), f)
	require.NoError(s.t, err)
	return recorded
}

// fly records these messages as the sender's next flight.
func (s *env[Tx]) fly(waiting []outbox.Waiting, edits ...func(*outbox.Flight)) (flight, outbox.Recorded) {
	s.t.Helper()
	f := outbox.Flight{Session: s.own()}
	s.flights++
	f.N = s.flights
	for i := range waiting {
		f.Messages = append(f.Messages, queued(&waiting[i]))
	}
	for _, edit := range edits {
		edit(&f)
	}
	recorded := s.record(f)
	var began flight
	for _, b := range recorded.Begun {
		at := slices.IndexFunc(waiting, func(w outbox.Waiting) bool { return w.ID == b.ID })
		require.GreaterOrEqual(s.t, at, 0, "a message that was not to be recorded")
		require.Equal(s.t, waiting[at].Lost, b.Lost)
		s.flying[b.ID] = f.N
		began.sent = append(began.sent, sent{waiting[at], b})
	}
	return began, recorded
}

// begin records exactly the messages with these keys, whatever else waits.
func (s *env[Tx]) begin(keys ...string) flight {
	s.t.Helper()
	waiting := s.waiting()
	var picked []outbox.Waiting
	for _, key := range keys {
		at := slices.IndexFunc(waiting, func(w outbox.Waiting) bool { return w.Message.Key == key })
		require.GreaterOrEqual(s.t, at, 0, "%s does not wait", key)
		picked = append(picked, waiting[at])
		waiting = slices.Delete(waiting, at, at+1)
	}
	f, _ := s.fly(picked)
	require.Equal(s.t, keys, f.keys())
	return f
}

// sendAll records all that may be sent.
func (s *env[Tx]) sendAll(edits ...func(*outbox.Flight)) flight {
	s.t.Helper()
	f, _ := s.fly(s.waiting(), edits...)
	return f
}

// sends records all that may be sent, and requires that it has exactly these
// keys. They come in the order of the keys.
func (s *env[Tx]) sends(keys ...string) flight {
	s.t.Helper()
	all := s.sendAll()
	require.ElementsMatch(s.t, keys, all.keys())
	var f flight
	for _, key := range keys {
		at := slices.IndexFunc(all.sent, func(m sent) bool { return m.Message.Key == key })
		f.sent = append(f.sent, all.sent[at])
		all.sent = slices.Delete(all.sent, at, at+1)
	}
	return f
}

// nothing requires that nothing may be sent that is not in flight.
func (s *env[Tx]) nothing(edits ...func(*outbox.Flight)) {
	s.t.Helper()
	require.Empty(s.t, s.sendAll(edits...).keys())
}

func (f flight) keys() []string {
	keys := []string{}
	for i := range f.sent {
		keys = append(keys, f.sent[i].Message.Key)
	}
	return keys
}

// end is the settlement of the nth message.
func (f flight) end(n int, state outbox.State, edits ...func(*outbox.Settlement)) outbox.Settlement {
	e := outbox.Settlement{Message: f.sent[n].Message, State: state, By: "sender-1", Took: time.Second}
	switch state {
	case outbox.StateDelivered:
		e.Outcome, e.Code = outbox.OutcomeDelivered, "200"
	case outbox.StateAlreadyDone:
		e.Outcome, e.Code = outbox.OutcomeAlreadyDone, "44"
	case outbox.StateParked:
		e.Outcome, e.Code, e.Reason = outbox.OutcomeRejected, "400", "unknown product"
	case outbox.StateWithdrawn, outbox.StateReplaced:
		e.Reason = "nothing is left to be sent"
	default:
		e.Outcome, e.Reason, e.Delay = outbox.OutcomeUnavailable, "the platform is down", time.Minute
	}
	for _, edit := range edits {
		edit(&e)
	}
	return e
}

// settle settles, and names the flights that are over by it.
func (s *env[Tx]) settle(batch ...outbox.Settlement) []outbox.ID {
	s.t.Helper()
	settling := outbox.Settling{Session: s.own(), Batch: batch}
	for i := range batch {
		id := batch[i].Message.ID
		n, flying := s.flying[id]
		delete(s.flying, id)
		if flying && !slices.Contains(slices.Collect(maps.Values(s.flying)), n) {
			settling.Over = append(settling.Over, n)
		}
	}
	settled, err := s.Store.Settle(s.t.Context(), settling)
	require.NoError(s.t, err)
	require.Empty(s.t, settled.Locked)
	if len(settled.Acked) < len(batch) { // the others had left the queue
		settling.Batch = nil
		_, err = s.Store.Settle(s.t.Context(), settling)
		require.NoError(s.t, err)
	}
	return settled.Acked
}

// settled settles and requires that all of it was acknowledged.
func (s *env[Tx]) settled(batch ...outbox.Settlement) {
	s.t.Helper()
	want := make([]outbox.ID, len(batch))
	for i := range batch {
		want[i] = batch[i].Message.ID
	}
	require.ElementsMatch(s.t, want, s.settle(batch...))
}

// deliver sends the message with that key.
func (s *env[Tx]) deliver(key string) {
	s.t.Helper()
	s.settled(s.begin(key).end(0, outbox.StateDelivered))
}

// park sends the message with that key, and parks it.
func (s *env[Tx]) park(key string) {
	s.t.Helper()
	s.settled(s.begin(key).end(0, outbox.StateParked))
}

func delay(d time.Duration) func(*outbox.Settlement) {
	return func(e *outbox.Settlement) { e.Delay = d }
}

func deferred(e *outbox.Settlement) {
	e.Deferred, e.Outcome, e.Reason = true, outbox.OutcomeThrottled, "too many calls"
}
