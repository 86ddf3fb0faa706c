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
	first, second := m.Begin(), m.Begin()
	for _, tx := range []*outboxtest.Tx{first, second} {
		_, err := m.InsertTx(t.Context(), tx, registration("k1", "U-1"))
		require.NoError(t, err)
	}
	require.NoError(t, first.Commit())
	require.NoError(t, second.Commit())
	require.ErrorIs(t, second.Commit(), outbox.ErrNoTransaction)
	found, err := m.Find(t.Context(), outbox.Query{Person: "U-1"})
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func TestMemoryTwoTransactionsOfOneEntry(t *testing.T) {
	t.Parallel()
	m := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	e := outbox.Entry{Subject: "order-1", N: 1}
	first, second := m.Begin(), m.Begin()
	for i, tx := range []*outboxtest.Tx{first, second} {
		appended, err := m.AppendTx(t.Context(), tx, e, registration([]string{"k1", "k2"}[i], "U-1"))
		require.NoError(t, err)
		require.True(t, appended)
	}
	require.NoError(t, second.Commit())
	require.ErrorIs(t, first.Commit(), outboxtest.ErrAppendedMeanwhile)
	require.ErrorIs(t, first.Commit(), outbox.ErrNoTransaction)
	found, err := m.Find(t.Context(), outbox.Query{Person: "U-1"})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "k2", found[0].Key)
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
		"batch[0].State":               {State: outbox.StateDiscarded},
		"batch[0].Ends[0].State":       {State: outbox.StateDelivered, Ends: []outbox.End{{State: outbox.StateDelivered}}},
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
