package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// A follower stored while its predecessor is parked is parked by the next
// claim. A transaction of the shop that ends another order's message leaves it
// alone: the claim does not wait for the shop's commit. PostgreSQL only, for
// SQLite has no row locks.
func TestPromise13_EndingAMessageLocksNoOtherOrdersFollower(t *testing.T) {
	t.Parallel()
	e := engines[1].open(t)
	parked := push("predecessor", "U-1")
	parked.Born, parked.Reason = outbox.StateParked, "test"
	follower := push("follower", "U-1")
	follower.After = "predecessor"
	other := push("other", "U-2")
	other.Subject = "another order"
	ids := e.insert(t, parked, follower, other)

	tx, err := e.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	got, err := e.store.WithdrawTx(t.Context(), tx, ids[2])
	require.NoError(t, err)
	require.Equal(t, []outbox.Withdrawal{outbox.Withdrawn}, got)

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = e.store.Claim(ctx, outbox.ClaimRequest{Token: outbox.NewToken(), Lease: time.Minute, Limit: 1, DestinationLimit: 1, InFlight: map[string]int{"elevate": 1}})
	require.NoError(t, err, "a claim waits for no checkout")
	require.Equal(t, "waits for predecessor", e.one(t, ids[1]).Reason)
	require.NoError(t, tx.Commit())
}
