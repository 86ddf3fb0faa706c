package outbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// handing is a store that hands over what a test says.
type handing struct {
	*outboxtest.Memory
	id     outbox.SessionID
	shards uint64
	begin  func(outbox.SessionID, []outbox.Handed)
}

func (h *handing) HandOver(id outbox.SessionID, shards uint64, begin func(outbox.SessionID, []outbox.Handed)) {
	h.id, h.shards, h.begin = id, shards, begin
}

// handed inserts a message, and hands it over as one whose insertion began so long ago.
func (r *env) handed(h *handing, m outbox.Message, ago time.Duration, committed bool) {
	tx := h.Begin()
	inserted, err := h.InsertTx(r.t.Context(), tx, m)
	require.NoError(r.t, err)
	require.NoError(r.t, tx.Commit())
	m.ID = inserted[0].ID
	h.begin(h.id, []outbox.Handed{{Message: m, Asked: time.Now().Add(-ago), Committed: committed, Alone: true}})
	r.pass(time.Millisecond)
}

func TestWhatIsHandedOverIsSentAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		h := &handing{Memory: r.store}
		r.queue = h
		r.on("elevate", answer(nil))
		r.start()
		r.pass(3 * time.Second)
		require.Equal(t, ^uint64(0), h.shards)

		r.handed(h, msg("one", "U-1"), time.Millisecond, true)
		require.Equal(t, 1, r.sends(), "without being read")
		require.True(t, r.messages()[0].Alone)
		r.handed(h, msg("two", "U-1"), time.Minute, true)
		require.Equal(t, 2, r.sends())
		require.False(t, r.messages()[1].Alone, "others may have been committed since")
		r.pass(time.Second)
		r.handed(h, msg("three", "U-2"), 10*time.Millisecond, true)
		require.True(t, r.messages()[2].Alone)
		r.handed(h, msg("four", "U-2"), 2*time.Millisecond, true)
		require.False(t, r.messages()[3].Alone, "another of the person was sent since its insertion began")

		r.handed(h, msg("five", "U-3"), 0, false)
		r.pass(time.Second)
		require.Equal(t, 5, r.sends(), "it is sent like what is read")
		for _, m := range r.messages() {
			rec := r.one(m.ID)
			require.Equal(t, outbox.StateDelivered, rec.State)
			log, err := h.Attempts(t.Context(), outbox.AttemptQuery{IDs: []outbox.ID{m.ID}})
			require.NoError(t, err)
			require.Len(t, log, 1)
		}
	})
}

func TestWhatIsHandedOverWaitsForItsTurn(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		h := &handing{Memory: r.store}
		r.queue = h
		r.on("elevate", deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
			time.Sleep(time.Minute)
			return outbox.Result{}, nil
		}))
		r.cfg.Concurrency, r.cfg.DeliverTimeout = 2, 2*time.Minute
		r.start()
		r.pass(3 * time.Second)
		for _, person := range []string{"U-1", "U-2", "U-3", "U-1"} {
			r.handed(h, msg("of "+person+" "+time.Now().String(), person), 0, true)
		}
		require.Equal(t, 2, r.sends(), "no more at once than may be")
		require.Zero(t, h.shards, "while others wait, nothing is handed over")
		r.stop()
		require.Equal(t, 2, r.sends())
		require.Zero(t, h.shards)
		counts, err := r.store.Counts(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, counts[0].Pending, "the others are left to whoever comes next")
	})
}
