package outboxtest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

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

// joined is a session that owns all shards.
func joined(t *testing.T, m *outboxtest.Memory) outbox.SessionID {
	t.Helper()
	session, err := m.Join(t.Context(), outbox.Joining{By: "sender-1", Length: time.Minute})
	require.NoError(t, err)
	_, err = m.Beat(t.Context(), outbox.Beat{Session: session, Take: outbox.Shards})
	require.NoError(t, err)
	return session
}

func everyShard() (shards []int) {
	for shard := range outbox.Shards {
		shards = append(shards, shard)
	}
	return shards
}

func TestMemoryTakesTheTimeOfASynctestBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := outboxtest.NewMemory(outboxtest.MemoryConfig{})
		tx := m.Begin()
		_, err := m.InsertTx(t.Context(), tx, registration("k1", "U-1"))
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		session := joined(t, m)
		r := outbox.Reading{Session: session, Shards: everyShard(), Limit: 1}
		for n := range 2 {
			r.Due = n > 0
			read, err := m.Read(t.Context(), r)
			require.NoError(t, err)
			require.Len(t, read.Messages, 1)
			_, err = m.Settle(t.Context(), outbox.Settling{Session: session, Batch: []outbox.Settlement{{
				Message: read.Messages[0].Message, Delay: 10 * time.Minute,
			}}})
			require.NoError(t, err)
			time.Sleep(4 * time.Minute)
			r.Due = true
			read, err = m.Read(t.Context(), r)
			require.NoError(t, err)
			require.Empty(t, read.Messages)
			require.Equal(t, 6*time.Minute, read.NextDue)
			time.Sleep(read.NextDue)
		}
	})
}

func TestMemoryTellsWhatMayCommitLate(t *testing.T) {
	t.Parallel()
	m := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	session := joined(t, m)
	beat := func() outbox.Pulse {
		p, err := m.Beat(t.Context(), outbox.Beat{Session: session})
		require.NoError(t, err)
		return p
	}
	first, second := m.Begin(), m.Begin()
	pulse := beat()
	require.Less(t, pulse.Ended, pulse.Begun)
	require.NoError(t, second.Commit())
	require.Less(t, beat().Ended, pulse.Begun)
	first.Rollback()
	require.GreaterOrEqual(t, beat().Ended, pulse.Begun)
}

func TestMemoryRefusesABadSettlement(t *testing.T) {
	t.Parallel()
	m := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	session := joined(t, m)
	for field, s := range map[string]outbox.Settlement{
		"Batch[0].State":               {State: outbox.StateDiscarded},
		"Batch[0].Ends[0].State":       {State: outbox.StateDelivered, Ends: []outbox.End{{State: outbox.StateDelivered}}},
		"Batch[0].Then[0].Destination": {State: outbox.StateDelivered, Then: []outbox.Message{{}}},
	} {
		var bad *check.InputError
		_, err := m.Settle(t.Context(), outbox.Settling{Session: session, Batch: []outbox.Settlement{s}})
		require.ErrorAs(t, err, &bad)
		require.Equal(t, field, bad.Field)
	}
}

func TestMemoryRefusesALimit(t *testing.T) {
	t.Parallel()
	m := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	for _, limit := range []int{-1, 0, 10_001} {
		_, err := m.Read(t.Context(), outbox.Reading{Session: joined(t, m), Limit: limit})
		require.ErrorAs(t, err, new(*check.InputError))
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
