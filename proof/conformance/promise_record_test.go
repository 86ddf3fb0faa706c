package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// waiting counts the sessions of a database that wait for a lock. SQLite has
// none.
func (e *env) waiting(t *testing.T) (n int) {
	t.Helper()
	query := "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
	if e.dialect == sqlstore.MySQL {
		// Its list of locks is as old as somebody reads it often. Whatever takes so
		// long here waits.
		query = "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND command = 'Query' AND id <> CONNECTION_ID() AND time_ms > 400"
	}
	require.NoError(t, e.db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

func TestPromise02_UnauditedActionDoesNotHappen(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx, pat := t.Context(), outbox.Actor{Name: "pat"}
		id := e.insert(t, push("a", "U-1"))[0]
		op, err := outbox.NewOperator(e.store, outbox.OperatorConfig{})
		require.NoError(t, err)
		require.ErrorIs(t, op.Discard(ctx, pat, id+1, "no such message"), outbox.ErrNotFound)
		audit, err := e.store.Audit(ctx, outbox.AuditQuery{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, audit, "what did not happen is not on record")

		_, err = e.db.ExecContext(ctx, "DROP TABLE amsbridge_audit")
		require.NoError(t, err)
		require.Error(t, op.Discard(ctx, pat, id, "test order"))
		require.Error(t, op.MarkDone(ctx, pat, id, "done by hand"))
		require.Equal(t, outbox.StatePending, e.one(t, id).State)
		require.Empty(t, e.log(t, id))
	})
}

// The follow-up cannot be stored, so nothing of the settlement is.
func TestPromise02_SettlementIsWholeOrNotAtAll(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		id := e.insert(t, push("a", "U-1"))[0]
		s := e.join(t)
		h := s.begin(t)[0]
		before := e.one(t, id)
		for _, st := range []outbox.State{outbox.StateDelivered, outbox.StateParked, outbox.StatePending} {
			got, err := s.try(h.Message, func(s *outbox.Settlement) {
				s.State, s.Pause, s.Then = st, "paused", []outbox.Message{{}}
			})
			require.Error(t, err)
			require.Empty(t, got)
			require.Equal(t, before, e.one(t, id))
			require.Empty(t, e.log(t, id))
		}
		require.True(t, s.settle(t, h, nil), "the session is as good as before")
	})
}

// A session is reaped while its sender's settlement is already at work: what counts is the session row as found
// under its lock. On SQLite, whose writers go one after another, the settlement comes before or after.
func TestPromise03_SessionIsLookedAtUnderLock(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx := t.Context()
		id := e.insert(t, push("a", "U-1"))[0]
		old := e.join(t)
		h := old.begin(t)[0]
		tx, err := e.db.BeginTx(ctx, nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }() // harmless after the commit
		for _, table := range []string{"amsbridge_flight WHERE session", "amsbridge_beat WHERE session", "amsbridge_session WHERE id"} {
			_, err = tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s = %d", table, old.id))
			require.NoError(t, err)
		}
		begun, settled := make(chan struct{}), make(chan error, 1)
		go func() {
			close(begun)
			_, err := old.try(h.Message, nil)
			settled <- err
		}()
		<-begun
		if e.dialect != sqlstore.SQLite {
			until(t, func() bool { return e.waiting(t) == 1 || len(settled) == 1 }, "the settlement waits for the session, or gave up")
		}
		require.NoError(t, tx.Commit())
		require.Error(t, <-settled)
		_, err = old.try(h.Message, nil)
		require.ErrorIs(t, err, outbox.ErrNoSession)
		require.Equal(t, outbox.StatePending, e.one(t, id).State)
		require.Empty(t, e.log(t, id))
		current := e.takeOver(t)
		require.True(t, current.settle(t, current.begin(t)[0], nil), "whoever owns its shard settles")
	})
}

// Neighbours of one flight share its session: the ID counts as well.
func TestPromise03_IDCountsAsWellAsTheSession(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ids := e.insert(t, push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
		s := e.join(t)
		begun := s.beginAll(t)
		require.Len(t, begun, 3)
		settle := func(batch ...outbox.Settlement) outbox.Settled {
			t.Helper()
			got, err := e.store.Settle(t.Context(), outbox.Settling{Session: s.id, Batch: batch})
			require.NoError(t, err)
			return got
		}
		again := deliveredOf(begun[0].Message)
		require.Equal(t, ids[:1], settle(again).Acked)
		require.Empty(t, settle(again), "it has left the queue, though its flight is not over")
		for _, id := range ids[1:] {
			require.Equal(t, outbox.StatePending, e.one(t, id).State)
			require.True(t, e.one(t, id).InFlight)
			require.Empty(t, e.log(t, id))
		}
		retry := outbox.Settlement{Message: begun[1].Message, Outcome: outbox.OutcomeUnavailable, Delay: time.Hour}
		require.Equal(t, ids[1:2], settle(again, retry).Acked)
		require.Len(t, e.log(t, ids[0]), 1)
		require.True(t, e.one(t, ids[2]).InFlight)
	})
}

// A send that ended without an answer is followed by one whose sender dies: what comes next is marked for both
// reasons, and its entry too.
func TestPromise07_LostRepeatIsMarkedInTheTimeline(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		id := e.insert(t, push("a", "U-1"))[0]
		s := e.join(t)
		require.True(t, s.settle(t, s.begin(t)[0], func(st *outbox.Settlement) {
			st.State, st.Outcome = outbox.StatePending, outbox.OutcomeUnknown
		}))
		require.Len(t, s.begin(t), 1)
		s = e.takeOver(t)
		h := s.begin(t)[0]
		require.Equal(t, outbox.DoubtUnknown|outbox.DoubtLost, h.Doubt)
		require.True(t, s.settle(t, h, nil))
		log := e.log(t, id)
		require.Len(t, log, 2)
		require.Equal(t, []bool{false, true}, []bool{log[0].PossibleDuplicate, log[1].PossibleDuplicate})
	})
}
