package outbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// One surface reads what it acts on.
func TestTheOperatorReadsWhatItActsOn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	op, err := outbox.NewOperator(store, outbox.OperatorConfig{})
	require.NoError(t, err)
	tx := store.Begin()
	_, err = store.AppendTx(ctx, tx, outbox.Entry{Subject: "1001", N: 1, Tasks: []outbox.Task{{ID: "t", Text: "seats"}}}, outbox.Message{
		Destination: "elevate", Key: "k", Kind: "give", Person: "U-1", Subject: "1001", Facts: []byte("{}"), Version: 1,
	})
	require.NoError(t, err)
	require.NoError(t, tx.Commit())

	groups, err := op.Groups(ctx, outbox.Query{})
	require.NoError(t, err)
	require.Equal(t, 1, groups[0].Count)
	found, err := op.Find(ctx, outbox.Query{IDs: []outbox.ID{groups[0].First}})
	require.NoError(t, err)
	pat := outbox.Actor{Name: "pat"}
	require.NoError(t, op.PauseAll(ctx, pat, "a copy for staging"))
	require.NoError(t, op.Discard(ctx, pat, found[0].ID, "was asked to"))
	tasks, err := op.Tasks(ctx, outbox.TaskQuery{Subject: "1001"})
	require.NoError(t, err)
	require.NoError(t, op.TaskDone(ctx, pat, tasks[0].Association, tasks[0].Subject, tasks[0].ID, "done"))
	log, err := op.Attempts(ctx, outbox.AttemptQuery{IDs: []outbox.ID{found[0].ID}})
	require.NoError(t, err)
	require.Equal(t, "pat", log[0].By)
	counts, err := op.Counts(ctx)
	require.NoError(t, err)
	require.Empty(t, counts)

	states, err := op.Destinations(ctx)
	require.NoError(t, err)
	require.Equal(t, []outbox.DestinationState{{Pausing: outbox.PausedByOperator, Reason: "a copy for staging"}}, states)
	require.NoError(t, op.ResumeAll(ctx, pat, "it is the original"))
	states, err = op.Destinations(ctx)
	require.NoError(t, err)
	require.Empty(t, states)
	audit, err := op.Audit(ctx, outbox.AuditQuery{Subject: "1001"})
	require.NoError(t, err)
	require.Len(t, audit, 2, "an order's audit has its messages and its tasks")
	audit, err = op.Audit(ctx, outbox.AuditQuery{Destination: "elevate", Verbs: []outbox.Verb{outbox.VerbPause, outbox.VerbResume}})
	require.NoError(t, err)
	require.Len(t, audit, 2, "what was done to everything was done to it")
}
