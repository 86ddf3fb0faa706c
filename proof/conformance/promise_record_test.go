package conformance

import (
	"context"
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
		audit, err := e.store.Audit(ctx, 10)
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
		token := outbox.NewToken()
		l := e.claim(t, token)[0]
		before := e.one(t, id)
		for _, st := range []outbox.State{outbox.StateDelivered, outbox.StateParked, outbox.StatePending} {
			acked, err := e.store.Settle(t.Context(), []outbox.Settlement{{
				Message: l.Message, Token: token, State: st, Outcome: outbox.OutcomeDelivered, Pause: "paused", Then: []outbox.Message{{}},
			}})
			require.Error(t, err)
			require.Empty(t, acked)
			require.Equal(t, before, e.one(t, id))
			require.Empty(t, e.log(t, id))
		}
		require.True(t, e.settle(t, token, l, nil), "the lease is as good as before")
	})
}

// A lease changes hands while the old holder's settlement is already at work:
// the token that counts is the one found under the row's lock. On SQLite, whose
// writers go one after another, the settlement comes before or after.
func TestPromise03_TokenIsComparedUnderLock(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx := t.Context()
		id := e.insert(t, push("a", "U-1"))[0]
		old, current := outbox.NewToken(), outbox.NewToken()
		l := e.claim(t, old)[0]
		tx, err := e.db.BeginTx(ctx, nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }() // harmless after the commit
		_, err = tx.ExecContext(ctx, map[sqlstore.Dialect]string{
			sqlstore.SQLite: "UPDATE amsbridge_queue SET token = ?", sqlstore.MySQL: "UPDATE amsbridge_queue SET token = ?",
			sqlstore.PostgreSQL: "UPDATE amsbridge_queue SET token = $1",
		}[e.dialect], current[:])
		require.NoError(t, err)

		type answer struct {
			acked []outbox.ID
			err   error
		}
		begun, settled := make(chan struct{}), make(chan answer, 1)
		go func() {
			close(begun)
			acked, err := e.store.Settle(context.Background(), []outbox.Settlement{{
				Message: l.Message, Token: old, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered,
			}})
			settled <- answer{acked, err}
		}()
		<-begun
		if e.dialect != sqlstore.SQLite {
			until(t, func() bool { return e.waiting(t) == 1 }, "the settlement waits for the row")
		}
		require.NoError(t, tx.Commit())
		got := <-settled
		require.NoError(t, got.err)
		require.Empty(t, got.acked)
		require.Equal(t, outbox.StatePending, e.one(t, id).State)
		require.Empty(t, e.log(t, id))
		require.True(t, e.settle(t, current, l, nil), "the holder of the current token settles")
	})
}

// Neighbours of one claim share its token: the ID counts as well.
func TestPromise03_IDCountsAsWellAsTheToken(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ids := e.insert(t, push("a", "U-1"), push("b", "U-2"), push("c", "U-3"))
		token := outbox.NewToken()
		leased := e.claim(t, token)
		require.Len(t, leased, 3)
		require.True(t, e.settle(t, token, leased[0], nil))
		require.False(t, e.settle(t, token, leased[0], nil), "it has no lease any more, though its token is in use")
		for _, id := range ids[1:] {
			require.Equal(t, outbox.StatePending, e.one(t, id).State)
			require.True(t, e.one(t, id).InFlight)
			require.Empty(t, e.log(t, id))
		}
		again := outbox.Settlement{Message: leased[0].Message, Token: token, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered}
		retry := outbox.Settlement{Message: leased[1].Message, Token: token, Outcome: outbox.OutcomeUnavailable, Delay: time.Hour}
		acked, err := e.store.Settle(t.Context(), []outbox.Settlement{again, retry})
		require.NoError(t, err)
		require.Equal(t, ids[1:2], acked)
		require.Len(t, e.log(t, ids[0]), 1)
		require.True(t, e.one(t, ids[2]).InFlight)
	})
}

// A send that ended without an answer is followed by one whose sender dies: the
// second one's entry is marked as well, though nobody settled it.
func TestPromise07_LostRepeatIsMarkedInTheTimeline(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		id := e.insert(t, push("a", "U-1"))[0]
		token := outbox.NewToken()
		require.True(t, e.settle(t, token, e.claim(t, token)[0], func(s *outbox.Settlement) {
			s.State, s.Outcome = outbox.StatePending, outbox.OutcomeUnknown
		}))
		require.Len(t, e.claim(t, outbox.NewToken()), 1)
		e.ahead.Add(int64(time.Hour))
		require.Len(t, e.claim(t, outbox.NewToken()), 1)
		log := e.log(t, id)
		require.Len(t, log, 2)
		require.Equal(t, []bool{false, true}, []bool{log[0].PossibleDuplicate, log[1].PossibleDuplicate})
	})
}
