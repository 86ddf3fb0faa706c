package outboxtest_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	outboxtest.Run(t, func(t *testing.T) outboxtest.Harness[*outboxtest.Tx] {
		t.Parallel()
		return openMemory(t)
	})
}

func TestMemoryTwoTransactionsOfOneKey(t *testing.T) {
	t.Parallel()
	m := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	first, same, other := m.Begin(), m.Begin(), m.Begin()
	for _, tx := range []*outboxtest.Tx{first, same, other} {
		msg := registration("k1", "U-1")
		if tx == other {
			msg.Facts = []byte("other")
		}
		_, err := m.InsertTx(t.Context(), tx, msg)
		require.NoError(t, err)
	}
	require.NoError(t, first.Commit())
	require.NoError(t, same.Commit())
	var conflict *outbox.ConflictError
	require.ErrorAs(t, other.Commit(), &conflict)
	require.True(t, conflict.MustRollBack)
	require.ErrorIs(t, other.Commit(), outbox.ErrNoTransaction)
	found, err := m.Find(t.Context(), outbox.Query{Person: "U-1"})
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestMemoryTakenByAnOpenTransaction(t *testing.T) {
	t.Parallel()
	m := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	tx := m.Begin()
	inserted, err := m.InsertTx(t.Context(), tx, registration("k1", "U-1"))
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	id := inserted[0].ID

	first, second := m.Begin(), m.Begin()
	became, err := m.WithdrawTx(t.Context(), first, id)
	require.NoError(t, err)
	require.Equal(t, []outbox.Withdrawal{outbox.Withdrawn}, became)
	became, err = m.WithdrawTx(t.Context(), second, id)
	require.NoError(t, err)
	require.Equal(t, []outbox.Withdrawal{outbox.WithdrawInFlight}, became)
	require.ErrorIs(t, m.Act(t.Context(), outbox.Action{Verb: outbox.VerbDiscard, ID: id}), outbox.ErrInFlight)
	req := outbox.ClaimRequest{Token: outbox.NewToken(), Lease: time.Minute, Limit: 1, DestinationLimit: 1}
	claim, err := m.Claim(t.Context(), req)
	require.NoError(t, err)
	require.Empty(t, claim.Leased)

	erasure := outbox.Erasure{Person: "U-1", Pseudonym: "erased"}
	_, err = m.Erase(t.Context(), erasure)
	require.ErrorIs(t, err, outbox.ErrInFlight)

	first.Rollback()
	claim, err = m.Claim(t.Context(), req)
	require.NoError(t, err)
	require.Len(t, claim.Leased, 1)
}

func TestMemoryKeepsItsOwnBytes(t *testing.T) {
	t.Parallel()
	m := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	msg := registration("k1", "U-1", "line-1")
	tx := m.Begin()
	_, err := m.InsertTx(t.Context(), tx, msg)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	q := outbox.Query{Person: "U-1"}
	for range 2 {
		msg.Facts[0], msg.Items[0] = 'X', "X"
		found, err := m.Find(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, "k1", string(found[0].Facts))
		require.Equal(t, []string{"line-1"}, found[0].Items)
		msg = found[0].Message
	}
}

func TestMemoryTakesTheTimeOfASynctestBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := outboxtest.NewMemory(outboxtest.MemoryConfig{})
		tx := m.Begin()
		_, err := m.InsertTx(t.Context(), tx, registration("k1", "U-1"))
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		req := outbox.ClaimRequest{Token: outbox.NewToken(), Lease: time.Hour, Limit: 1, DestinationLimit: 1}
		for range 2 {
			claim, err := m.Claim(t.Context(), req)
			require.NoError(t, err)
			require.Len(t, claim.Leased, 1)
			_, err = m.Settle(t.Context(), []outbox.Settlement{{
				Message: claim.Leased[0].Message, Token: req.Token, Delay: 10 * time.Minute,
			}})
			require.NoError(t, err)
			time.Sleep(4 * time.Minute)
			claim, err = m.Claim(t.Context(), req)
			require.NoError(t, err)
			require.Empty(t, claim.Leased)
			require.Equal(t, 6*time.Minute, claim.NextDue)
			time.Sleep(claim.NextDue)
		}
	})
}

func TestMemoryRefusesABadSettlement(t *testing.T) {
	t.Parallel()
	m := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	for field, s := range map[string]outbox.Settlement{
		"batch[0].State":               {State: outbox.StateHeld},
		"batch[0].Then[0].Destination": {State: outbox.StateDelivered, Then: []outbox.Message{{}}},
	} {
		var bad *check.InputError
		_, err := m.Settle(t.Context(), []outbox.Settlement{s})
		require.ErrorAs(t, err, &bad)
		require.Equal(t, field, bad.Field)
	}
}

func TestMemoryRefusesABadErasure(t *testing.T) {
	t.Parallel()
	m := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	for field, e := range map[string]outbox.Erasure{"Erasure.Person": {Pseudonym: "erased"}, "Erasure.Pseudonym": {Person: "U-1"}} {
		var bad *check.InputError
		_, err := m.Erase(t.Context(), e)
		require.ErrorAs(t, err, &bad)
		require.Equal(t, field, bad.Field)
	}
}
