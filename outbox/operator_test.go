package outbox_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// noted is a store that notes what is asked of it.
type noted struct {
	outbox.Inspector
	asked []outbox.Action
}

func (n *noted) Find(context.Context, outbox.Query) ([]outbox.Record, error) { return nil, nil }

func (n *noted) Act(_ context.Context, a outbox.Action) error {
	n.asked = append(n.asked, a)
	return nil
}

func TestOperatorNamesTheBadFieldAndAsksNothing(t *testing.T) {
	t.Parallel()
	for _, store := range []outbox.Inspector{nil, (*noted)(nil)} {
		_, err := outbox.NewOperator(store, outbox.OperatorConfig{})
		requireField(t, err, "store")
	}
	store := &noted{}
	op, err := outbox.NewOperator(store, outbox.OperatorConfig{})
	require.NoError(t, err)
	pat := outbox.Actor{Name: "pat", Role: "ops"}
	for name, byID := range map[string]func(context.Context, outbox.Actor, outbox.ID, string) error{
		"send again": op.SendAgain, "discard": op.Discard, "mark done": op.MarkDone,
	} {
		for field, err := range map[string]error{
			"actor.Name": byID(t.Context(), outbox.Actor{Name: " \t", Role: "ops"}, 1, "why"),
			"reason":     byID(t.Context(), pat, 1, " \n "),
			"id":         byID(t.Context(), pat, 0, "why"),
		} {
			t.Run(name+" without "+field, func(t *testing.T) { requireField(t, err, field) })
		}
		requireField(t, byID(t.Context(), pat, -1, "why"), "id")
	}
	requireField(t, op.PauseAll(t.Context(), pat, " "), "reason")
	requireField(t, op.ResumeAll(t.Context(), outbox.Actor{}, "why"), "actor.Name")
	for _, byName := range []func(context.Context, outbox.Actor, string, string) error{op.Pause, op.Resume} {
		requireField(t, byName(t.Context(), pat, "", "why"), "destination")
		requireField(t, byName(t.Context(), pat, "Elevate", "why"), "destination")
		requireField(t, byName(t.Context(), pat, "elevate", ""), "reason")
		requireField(t, byName(t.Context(), outbox.Actor{}, "elevate", "why"), "actor.Name")
	}
	require.Empty(t, store.asked)
}

func TestOperatorsWordsAreRecordedCleanAndBounded(t *testing.T) {
	t.Parallel()
	store := &noted{}
	op, err := outbox.NewOperator(store, outbox.OperatorConfig{})
	require.NoError(t, err)
	require.NoError(t, op.Pause(t.Context(), outbox.Actor{Name: "  pat\x00\xff ", Role: strings.Repeat("é", 200)}, "elevate/acme",
		" maintenance\x1b\n"+strings.Repeat("x", 2*outbox.MaxReason)))
	require.Len(t, store.asked, 1)
	a := store.asked[0]
	require.Equal(t, outbox.VerbPause, a.Verb)
	require.Equal(t, "elevate/acme", a.Destination)
	require.Equal(t, "pat \ufffd", a.Actor.Name)
	require.Equal(t, strings.Repeat("é", 127), a.Actor.Role)
	require.Len(t, a.Reason, outbox.MaxReason)
	require.True(t, strings.HasPrefix(a.Reason, "maintenance \nx"))
}

// What the store answers reaches the operator as it is.
func TestOperatorPassesTheStoresAnswerOn(t *testing.T) {
	t.Parallel()
	op, err := outbox.NewOperator(outboxtest.NewMemory(outboxtest.MemoryConfig{}), outbox.OperatorConfig{})
	require.NoError(t, err)
	require.ErrorIs(t, op.Discard(t.Context(), outbox.Actor{Name: "pat"}, 99, "why"), outbox.ErrNotFound)
}
