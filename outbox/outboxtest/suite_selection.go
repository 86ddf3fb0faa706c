package outboxtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func ofKey(m outbox.Message) func(*outbox.Reading) {
	return func(r *outbox.Reading) { r.Key, r.HasKey = m.OrderingKey(), true }
}

func (s *env[Tx]) readShards() {
	byShard := map[int][]string{}
	var msgs []outbox.Message
	for i := range 200 {
		m := push(fmt.Sprintf("%03d", i), fmt.Sprint("U-", i))
		msgs = append(msgs, m)
		shard := outbox.ShardOf(m.OrderingKey())
		byShard[shard] = append(byShard[shard], m.Key)
	}
	s.insert(msgs...)
	shards := func(shards ...int) func(*outbox.Reading) {
		return func(r *outbox.Reading) { r.Shards = shards }
	}
	for shard, keys := range byShard {
		s.requireRead(keys, shards(shard))
	}
	some := slices.Sorted(slices.Values(slices.Concat(byShard[0], byShard[13], byShard[63])))
	s.requireRead(append([]string{}, some...), shards(63, 0, 13))
	s.requireRead([]string{}, shards())

	delays := map[string]time.Duration{}
	for i, key := range some {
		delays[key] = time.Duration(i) * time.Millisecond
	}
	s.putOff(delays)
	s.Advance(time.Minute)
	require.ElementsMatch(s.t, some, waitingKeys(s.read(due, shards(0, 13, 63))))
	require.ElementsMatch(s.t, byShard[13], waitingKeys(s.read(due, shards(13))))
	s.requireRead([]string{}, due, shards(1, 2))
}

func (s *env[Tx]) readAfter() {
	inserted := s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-1"), push("d", "U-2"), push("e", "U-3"))
	between := func(after, upTo outbox.ID) func(*outbox.Reading) {
		return func(r *outbox.Reading) { r.After, r.UpTo = after, upTo }
	}
	a, b, d := inserted[0].ID, inserted[1].ID, inserted[3].ID
	s.requireRead([]string{"c", "d", "e"}, between(b, 0))
	s.requireRead([]string{"c", "d"}, between(b, d))
	s.requireRead([]string{"a", "b"}, between(0, b))
	s.requireRead([]string{}, between(b, a))
	s.requireRead([]string{}, between(1<<40, 0))
	s.requireRead([]string{"c"}, between(a, d), ofKey(push("", "U-1")))
	s.requireRead([]string{"d"}, between(b, d), limit(1), func(r *outbox.Reading) { r.Known = []outbox.ID{inserted[2].ID} })
}

func (s *env[Tx]) readAfterDue() {
	s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
	f := s.begin("a", "b", "c")
	s.settled(f.end(0, outbox.StatePending, delay(0)), f.end(1, outbox.StatePending, delay(0)), f.end(2, outbox.StatePending, delay(0)))
	read := s.read(due)
	require.Len(s.t, read, 3)
	for i := range read {
		after := func(r *outbox.Reading) { r.AfterDue, r.After = read[i].Due, read[i].ID }
		s.requireRead(waitingKeys(read[i+1:]), due, after)
	}
}

func (s *env[Tx]) readKey() {
	s.insert(push("a", "U-1"), push("b", "U-1"), push("x", "U-2"), push("c", "U-1"), push("d", "U-1"), push("y", "U-1", to("notified")))
	s.putOff(map[string]time.Duration{"a": time.Hour, "b": time.Minute})
	s.settled(s.begin("d").end(0, outbox.StateDelivered))
	theirs := ofKey(push("", "U-1"))
	s.requireRead([]string{"c"}, theirs)
	s.Advance(2 * time.Minute)
	read := s.requireRead([]string{"b", "c"}, theirs)
	require.False(s.t, read[0].Due.IsZero())
	require.True(s.t, read[1].Due.IsZero())
	s.Advance(time.Hour)
	for _, n := range []int{1, 2, 10} {
		s.requireRead([]string{"a", "b", "c"}, theirs, limit(n))
	}
	s.requireRead([]string{"y"}, ofKey(push("", "U-1", to("notified"))))
	s.requireRead([]string{}, ofKey(push("", "U-9")))
}

func (s *env[Tx]) readDestination() {
	s.insert(push("a", "U-1"), push("b", "U-1", to("elevate/acme")), push("c", "U-1", to("notified")),
		push("d", "U-2"), push("e", "U-2", to("elevate/acme")), push("f", "U-2", to("notified")))
	s.putOff(map[string]time.Duration{"d": 0, "e": 0, "f": 0})
	only := func(name string) func(*outbox.Reading) { return func(r *outbox.Reading) { r.Destination = name } }
	except := func(names ...string) func(*outbox.Reading) { return func(r *outbox.Reading) { r.Except = names } }
	for name, want := range map[string][2]string{"elevate": {"a", "d"}, "elevate/acme": {"b", "e"}, "notified": {"c", "f"}} {
		s.requireRead(want[:1], only(name))
		s.requireRead(want[1:], only(name), due)
		s.requireRead([]string{}, only(name), except("x", name))
	}
	s.requireRead([]string{}, only("Elevate"))
	s.requireRead([]string{"a"}, only("elevate"), ofKey(push("", "U-1")))
	s.requireRead([]string{}, only("notified"), ofKey(push("", "U-1")))
	s.requireRead([]string{"b"}, except("elevate", "notified"))
	s.requireRead([]string{"e"}, except("elevate", "notified"), due)
	require.Len(s.t, s.read(except("nowhere")), 3)
}

func (s *env[Tx]) readKnown() {
	inserted := s.insert(push("a", "U-1"), push("b", "U-2"), push("c", "U-3"), push("d", "U-4"))
	known := func(r *outbox.Reading) {
		r.Known = []outbox.ID{inserted[0].ID, inserted[2].ID, 1 << 40}
	}
	for _, n := range []int{1, 2, 10} {
		s.requireRead([]string{"b", "d"}, known, limit(n))
	}
	s.putOff(map[string]time.Duration{"a": 0, "b": 0})
	s.requireRead([]string{"b"}, known, due)
	s.requireRead([]string{}, known, ofKey(push("", "U-1")))
}
