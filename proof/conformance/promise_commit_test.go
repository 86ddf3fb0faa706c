package conformance

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// One message and a batch are stored by different statements.
func TestPromise01_WhatWasCommittedIsSentAndNothingElse(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		store := func(outcome error, keys ...string) error {
			return sqlstore.InTx(t.Context(), e.db, nil, func(tx *sql.Tx) error {
				var msgs []outbox.Message
				for _, k := range keys {
					msgs = append(msgs, push(k, k))
				}
				if _, err := e.store.InsertTx(t.Context(), tx, msgs...); err != nil {
					return err
				}
				return outcome
			})
		}
		declined := errors.New("card declined")
		require.ErrorIs(t, store(declined, "no"), declined)
		require.ErrorIs(t, store(declined, "neither", "nor"), declined)
		require.NoError(t, store(nil, "one"))
		require.NoError(t, store(nil, "two", "three"))

		var mu sync.Mutex
		var sent []string
		e.send(t, e.store, quick(outbox.Fixed{"elevate": deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, m.Key)
			return outbox.Result{}, nil
		})}))
		until(t, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(sent) >= 3 && e.pending(t) == 0
		}, "what was committed is sent")
		mu.Lock()
		defer mu.Unlock()
		require.ElementsMatch(t, []string{"one", "two", "three"}, sent)
	})
}

// What the hook did in a savepoint that was rolled back is not sent, though the transaction around it
// committed; and it is as if it had never been reported.
func TestPromise01_WhatASavepointUndidIsNotSent(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		p := newPlatform()
		e.complete(t, purchase("refunded", member("U-1"), "dinner"))
		s := e.beginShop(t)
		_, err := s.complete(purchase("kept", member("U-1"), "course"))
		require.NoError(t, err)
		require.NoError(t, s.exec("SAVEPOINT a"))
		_, err = s.complete(purchase("undone", member("U-1"), "lunch"))
		require.NoError(t, err)
		_, err = s.refund(refundOf("R-1", "refunded", "1"))
		require.NoError(t, err)
		require.NoError(t, s.exec("ROLLBACK TO SAVEPOINT a"))
		require.NoError(t, s.commit())
		e.serve(t, p)
		e.settleAll(t)
		require.Equal(t, []string{"U-1 10342", "U-1 9985", "U-1 C-1"}, p.everything())
		require.Empty(t, e.messages(t, "undone"))
		require.Equal(t, []amsbridge.Did{"queued"}, did(e.complete(t, purchase("undone", member("U-1"), "lunch"))))
		require.Contains(t, did(e.refund(t, refundOf("R-1", "refunded", "1"))), amsbridge.DidTakingBack)
		e.settleAll(t)
		require.Equal(t, []string{"U-1 3", "U-1 C-1"}, p.everything())
	})
}
