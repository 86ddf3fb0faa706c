package conformance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// stamped runs a proof where messages are handed over by their stamp.
func stamped(t *testing.T, proof func(t *testing.T, e *env)) {
	t.Helper()
	t.Parallel()
	for _, s := range []setup{setups[0], setups[2], halfMoved} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			proof(t, s.open(t))
		})
	}
}

// stamp has messages be handed to a session, as an insertion does.
func (e *env) stamp(t *testing.T, session outbox.SessionID, keys ...string) {
	t.Helper()
	for _, key := range keys {
		found, err := e.store.Find(t.Context(), outbox.Query{Keys: []string{key}})
		require.NoError(t, err)
		_, err = e.db.ExecContext(t.Context(), fmt.Sprintf("UPDATE amsbridge_queue SET stamp = %d WHERE id = %d", session, found[0].ID))
		require.NoError(t, err)
	}
}

func (s *session) keys(t *testing.T) []string {
	t.Helper()
	keys := []string{}
	for _, w := range s.waiting(t) {
		keys = append(keys, w.Message.Key)
	}
	slices.Sort(keys)
	return keys
}

// lostOnce are the keys of the messages that were lost once, and may have arrived.
func (e *env) lostOnce(t *testing.T) []string {
	t.Helper()
	keys := []string{}
	found, err := e.store.Find(t.Context(), outbox.Query{States: []outbox.State{outbox.StatePending}, InFlight: true})
	require.NoError(t, err)
	for _, r := range found {
		if r.Lost == 0 {
			require.Zero(t, r.Doubt)
			continue
		}
		require.Equal(t, 1, r.Lost)
		require.Equal(t, outbox.DoubtLost, r.Doubt)
		require.False(t, r.InFlight)
		keys = append(keys, r.Key)
	}
	return keys
}

// What is stamped with a session is nobody else's to read, and in flight while that session lives.
func TestStampedMessagesAreTheirSessions(t *testing.T) {
	stamped(t, func(t *testing.T, e *env) {
		e.insert(t, push("a", "U-1"), push("b", "U-2"))
		s := e.join(t)
		other, err := e.store.Join(t.Context(), outbox.Joining{By: "other", Length: time.Minute})
		require.NoError(t, err)
		e.stamp(t, s.id, "a")
		require.Equal(t, []string{"a", "b"}, s.keys(t))
		e.stamp(t, other, "a")
		require.Equal(t, []string{"b"}, s.keys(t))
		found, err := e.store.Find(t.Context(), outbox.Query{Subject: "order", InFlight: true})
		require.NoError(t, err)
		require.Equal(t, []bool{true, false}, []bool{found[0].InFlight, found[1].InFlight})
		require.NoError(t, e.store.Leave(t.Context(), other))
		require.Equal(t, []string{"a", "b"}, s.keys(t), "it left them unsent")
		require.Empty(t, e.lostOnce(t))
	})
}

// What was stamped with a session that died falls due, with its reaping or, where it was committed later,
// with any beat.
func TestStampsOfDeadSessionsFallDue(t *testing.T) {
	stamped(t, func(t *testing.T, e *env) {
		e.insert(t, push("a", "U-1"), push("b", "U-2"), push("c", "U-3"), push("d", "U-4"), push("e", "U-5"))
		dead := e.join(t)
		e.stamp(t, dead.id, "a")
		s := e.takeOver(t)
		require.Equal(t, []string{"a"}, e.lostOnce(t))

		e.stamp(t, dead.id, "b", "c")
		require.Equal(t, 2, s.beat(t, outbox.Beat{}).Reaped)
		e.stamp(t, dead.id, "d")
		e.stamp(t, s.id, "e")
		require.Equal(t, 1, s.beat(t, outbox.Beat{Take: 1}).Reaped)
		require.Zero(t, s.beat(t, outbox.Beat{}).Reaped, "once")
		require.Equal(t, []string{"a", "b", "c", "d"}, e.lostOnce(t))
		require.Equal(t, []string{"a", "b", "c", "d", "e"}, s.keys(t))
	})
}

// A session of stamps between those of others is found among them.
func TestEachDeadStampIsFound(t *testing.T) {
	stamped(t, func(t *testing.T, e *env) {
		var ids []outbox.SessionID
		for range 5 {
			id, err := e.store.Join(t.Context(), outbox.Joining{By: "s", Length: time.Minute})
			require.NoError(t, err)
			ids = append(ids, id)
		}
		for i, id := range ids {
			key := fmt.Sprint(i)
			e.insert(t, push(key, "U-"+key), push(key+"b", "U-"+key))
			e.stamp(t, id, key, key+"b")
		}
		for _, i := range []int{0, 1, 3} {
			_, err := e.db.ExecContext(t.Context(), fmt.Sprintf("DELETE FROM amsbridge_session WHERE id = %d", ids[i]))
			require.NoError(t, err)
		}
		reaped := 0
		for range 3 {
			p, err := e.store.Beat(t.Context(), outbox.Beat{Session: ids[4]})
			require.NoError(t, err)
			reaped += p.Reaped
		}
		require.Equal(t, 6, reaped)
		require.Equal(t, []string{"0", "0b", "1", "1b", "3", "3b"}, e.lostOnce(t))
	})
}
