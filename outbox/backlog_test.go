package outbox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newReading is a session that owns all shards, of which messages 1 to n of one ordering key were read.
func newReading(t *testing.T, n int) (*reader, *destState, *keyRows) {
	m := newModel(t, 0, 240)
	s := m.session
	for i := range s.owned {
		s.owned[i] = owned
	}
	d := s.state("a")
	d.speed.rate = 3000
	f := m.reader
	f.of = s
	f.admit(pageOf(1, n), forAll)
	s.head = ID(n)
	return f, d, s.keys[0]
}

// pageOf are messages of ordering key 0.
func pageOf(from, to int) Read {
	got := Read{Last: ID(to), More: true}
	for id := from; id <= to; id++ {
		got.Messages = append(got.Messages, Waiting{Message: Message{ID: ID(id), Destination: "a"}})
	}
	return got
}

func TestOrderingKeyKeepsTheFirstAndRemembersTheRest(t *testing.T) {
	t.Parallel()
	f, d, k := newReading(t, 100)
	most := d.perKey(240)
	require.Len(t, k.rows, most)
	require.Equal(t, ID(most+1), k.left)
	f.admit(Read{Messages: []Waiting{{Message: Message{ID: 0, Destination: "a"}, Due: time.Unix(1, 0)}}}, forAll)
	require.Equal(t, ID(0), k.rows[0].ID, "the earlier goes first")
	require.Len(t, k.rows, most)
	require.Equal(t, ID(most), k.left)
}

// While more of a key was read, what was in memory of it was left: what was read comes after that.
func TestKeyThatWasLeftWhileMoreOfItWasRead(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(f *reader, d *destState){
		"its destination was closed and opened": func(f *reader, d *destState) {
			f.closeFor(d, Closed{Destination: "a", For: time.Second}, time.Now())
			f.open(d)
		},
		"its shard was given back and taken again": func(f *reader, _ *destState) {
			f.session.drop(0)
			f.session.owned[0] = taken
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d, k := newReading(t, 100)
			s := f.session
			for range 2 { // until it is short
				s.pick(d, longestBatch)
				s.release(k)
			}
			left := k.left
			var req Reading
			apply := f.key(&req)
			require.Equal(t, left-1, req.After)
			leave(f, d)
			apply(pageOf(int(left), int(left)+9))
			require.NotContains(t, s.known, left)
		})
	}
}

// What is put back of a shard that was given back is another sender's.
func TestNothingIsPutBackOfAShardThatWasGivenBack(t *testing.T) {
	t.Parallel()
	f, d, k := newReading(t, 3)
	s := f.session
	w := k.rows[0]
	s.pick(d, 3)
	s.owned[0] = givenBack
	s.putBack(w)
	s.release(k)
	require.Empty(t, s.keys)
	require.NotContains(t, s.known, w.ID)
	require.Empty(t, d.rows)
}

// New shards are read beyond what was read of the others, of which nothing is passed over then.
func TestDestinationIsReadOnFromWhereAllShardsWereRead(t *testing.T) {
	t.Parallel()
	f, d, _ := newReading(t, 3)
	s := f.session
	s.owned[5] = taken
	s.scans = []scan{{shards: []int{5}}}
	var req Reading
	apply := f.shards(&req)
	got := pageOf(101, 400)
	for i := range got.Messages {
		got.Messages[i].Key = int64(5 + Shards*i)
	}
	apply(got)
	require.Equal(t, ID(4), d.left)
}

// A probe that is read, or recorded, after its destination was opened leaves it open.
func TestDestinationThatWasOpenedMeanwhileStaysOpen(t *testing.T) {
	t.Parallel()
	for name, found := range map[string]Read{"found none": {}, "found one": pageOf(7, 7)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d, _ := newReading(t, 3)
			f.closeFor(d, Closed{Destination: "a", Probing: true}, time.Now())
			d.probeDue, d.hasProbeKey = true, name == "found one"
			var req Reading
			apply := f.probe(&req, time.Now().Add(time.Second))
			f.open(d)
			apply(found)
			require.False(t, d.closed())
			require.Nil(t, d.probe)
		})
	}
}
