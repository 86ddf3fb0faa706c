package outbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// given is a store with a parked message that has a sequel, and its operator.
func given(t *testing.T) (*outboxtest.Memory, *outbox.Operator, outbox.ID) {
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	m := msg("given", "U-1")
	m.Destination, m.Items, m.Scope, m.Sequel = "elevate/acme", []string{"line-7"}, "product-1", "take"
	m.TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	return store, eraser(t, store), parked(t, store, m)
}

// all returns every message of the order.
func all(t *testing.T, store *outboxtest.Memory) []outbox.Record {
	found, err := store.Find(t.Context(), outbox.Query{Subject: "order"})
	require.NoError(t, err)
	return found
}

func TestEndingByHandInsertsTheSequel(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for name, end := range map[string]func(*outbox.Operator, outbox.ID) error{
		"discard": func(op *outbox.Operator, id outbox.ID) error {
			return op.Discard(t.Context(), outbox.Actor{Name: "pat"}, id, "why")
		},
		"mark done": func(op *outbox.Operator, id outbox.ID) error {
			return op.MarkDone(t.Context(), outbox.Actor{Name: "pat"}, id, "why")
		},
	} {
		store, op, id := given(t)
		require.NoError(t, end(op, id))
		records := all(t, store)
		require.Len(t, records, 2, name)
		first, next := records[0], records[1]
		require.True(t, first.State.Final())
		require.Equal(t, outbox.StatePending, next.State)
		require.Equal(t, outbox.Message{
			ID: next.ID, Destination: first.Destination, Key: next.Key,
			KeyParts: []string{"elevate/acme", "given", name}, Kind: "take", Sequel: "take",
			Person: "U-1", Scope: "product-1", Subject: "order", Items: []string{"line-7"},
			Facts: first.Facts, Version: first.Version, TraceContext: first.TraceContext, Created: next.Created,
		}, next.Message)
		keys[next.Key] = true

		require.NoError(t, end(op, next.ID), "a sequel has its own")
		require.Len(t, all(t, store), 3)
		require.ErrorAs(t, end(op, id), new(*outbox.RefusedError))
		require.Len(t, all(t, store), 3)
	}
	require.Len(t, keys, 2, "each verb has its own")
}

func TestWhatHasNoSequelInsertsNothing(t *testing.T) {
	t.Parallel()
	store, op, id := given(t)
	_, err := op.Erase(t.Context(), outbox.Actor{Name: "pat"}, "acme", "U-1", "request 17")
	require.NoError(t, err)
	require.ErrorAs(t, op.Discard(t.Context(), outbox.Actor{Name: "pat"}, id, "why"), new(*outbox.RefusedError))
	require.Len(t, all(t, store), 1, "its facts are gone")

	tx := store.Begin()
	inserted, err := store.InsertTx(t.Context(), tx, msg("plain", "U-2"))
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	require.NoError(t, op.Discard(t.Context(), outbox.Actor{Name: "pat"}, inserted[0].ID, "why"))
	require.Len(t, all(t, store), 2)
}

func TestATaskIsMarkedDone(t *testing.T) {
	t.Parallel()
	store, op, _ := given(t)
	tx := store.Begin()
	_, err := store.AppendTx(t.Context(), tx, entryOf(1, "a", "b"))
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	pat := outbox.Actor{Name: " pat "}
	requireField(t, op.TaskDone(t.Context(), pat, "acme", "order", "", "why"), "task")
	requireField(t, op.TaskDone(t.Context(), pat, "acme", "order", "a", ""), "reason")
	requireField(t, op.TaskDone(t.Context(), outbox.Actor{}, "acme", "order", "a", "why"), "actor.Name")
	require.ErrorIs(t, op.TaskDone(t.Context(), pat, "", "order", "a", "why"), outbox.ErrNotFound)
	require.NoError(t, op.TaskDone(t.Context(), pat, "acme", "order", "a", "why"))
	require.ErrorIs(t, op.TaskDone(t.Context(), pat, "acme", "order", "a", "why"), outbox.ErrNotFound)
	open, err := store.Tasks(t.Context(), outbox.TaskQuery{Limit: 10})
	require.NoError(t, err)
	require.Len(t, open, 1)
	require.Equal(t, "b", open[0].ID)
	audit, err := store.Audit(t.Context(), outbox.AuditQuery{Limit: 10})
	require.NoError(t, err)
	require.Len(t, audit, 1)
	require.Equal(t, outbox.Action{
		Verb: outbox.VerbTaskDone, Actor: outbox.Actor{Name: "pat"}, Reason: "why",
		Association: "acme", Subject: "order", Task: "a",
	}, audit[0].Action)
}
