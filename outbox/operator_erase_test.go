package outbox_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

var eraseKey = outbox.NewSecret([]byte("a key for tests of thirty-two b."))

// erasing notes what is to be erased.
type erasing struct {
	outbox.Inspector
	asked []outbox.Erasure
}

func (n *erasing) Erase(_ context.Context, e outbox.Erasure) (int, error) {
	n.asked = append(n.asked, e)
	return 3, nil
}

func eraser(t *testing.T, store outbox.Inspector) *outbox.Operator {
	op, err := outbox.NewOperator(store, outbox.OperatorConfig{EraseKey: eraseKey})
	require.NoError(t, err)
	return op
}

func TestEraseNamesTheBadFieldAndAsksNothing(t *testing.T) {
	t.Parallel()
	store := &erasing{}
	for _, key := range [][]byte{[]byte("thirty-one bytes are one too few"[:31]), make([]byte, 32)} {
		_, err := outbox.NewOperator(store, outbox.OperatorConfig{EraseKey: outbox.NewSecret(key)})
		requireField(t, err, "OperatorConfig.EraseKey")
	}
	_, err := outbox.NewOperator(nil, outbox.OperatorConfig{EraseKey: eraseKey})
	requireField(t, err, "store")
	pat := outbox.Actor{Name: "pat"}
	for _, c := range []struct {
		actor                              outbox.Actor
		association, person, reason, field string
	}{
		{outbox.Actor{}, "", "U-1", "why", "actor.Name"},
		{pat, "", "U-1", " \n", "reason"},
		{pat, "", "", "why", "person"},
		{pat, "", strings.Repeat("x", 256), "why", "person"},
		{pat, "", "U-1", "U-1 asked for it", "reason"},
		{pat, "", "U-1", "asked for by U-12 and (U-1)", "reason"},
		{pat, "", "7", "member 7", "reason"},
		{pat, "a b", "U-1", "why", "association"},
		{pat, strings.Repeat("x", 65), "U-1", "why", "association"},
	} {
		n, err := eraser(t, store).Erase(t.Context(), c.actor, c.association, c.person, c.reason)
		requireField(t, err, c.field)
		require.NotContains(t, err.Error(), "U-1")
		require.Zero(t, n)
	}
	plain, err := outbox.NewOperator(store, outbox.OperatorConfig{})
	require.NoError(t, err)
	_, err = plain.Erase(t.Context(), pat, "", "U-1", "why")
	requireField(t, err, "OperatorConfig.EraseKey")
	require.Empty(t, store.asked)
}

func TestEraseAsksForAPseudonymThatOnlyTheKeyGives(t *testing.T) {
	t.Parallel()
	store := &erasing{}
	pat := outbox.Actor{Name: " pat ", Role: "privacy"}
	for _, person := range []string{"U-1", "U-1", "u-1", "U-1 "} {
		n, err := eraser(t, store).Erase(t.Context(), pat, "acme", person, " request 17 of U-12\n")
		require.NoError(t, err)
		require.Equal(t, 3, n)
	}
	other, err := outbox.NewOperator(store, outbox.OperatorConfig{EraseKey: outbox.NewSecret(bytes.Repeat([]byte("another!"), 4))})
	require.NoError(t, err)
	_, err = other.Erase(t.Context(), pat, "", "U-1", "request 17")
	require.NoError(t, err)
	first := store.asked[0]
	require.Equal(t, outbox.Erasure{
		Actor: outbox.Actor{Name: "pat", Role: "privacy"}, Reason: "request 17 of U-12", Person: "U-1", Association: "acme",
		// Of rows that were erased before: another way to make it would give a person two names.
		Pseudonym: "erased-cc978ef280ddc6713c30cd89789a746d",
	}, first)
	seen := map[string]bool{}
	for _, e := range store.asked {
		require.Regexp(t, `^erased-[0-9a-f]{32}$`, e.Pseudonym)
		require.LessOrEqual(t, len(e.Pseudonym), outbox.MaxPerson)
		seen[e.Pseudonym] = true
	}
	require.Len(t, seen, 4, "the same person twice, and three others")
	require.Equal(t, first.Pseudonym, store.asked[1].Pseudonym)
}

func TestOnlyAnOperatorWithALookUpSendsAgainWhatWasDelivered(t *testing.T) {
	t.Parallel()
	for _, lookedUp := range []bool{false, true} {
		store := &noted{}
		op, err := outbox.NewOperator(store, outbox.OperatorConfig{LookedUp: lookedUp})
		require.NoError(t, err)
		pat := outbox.Actor{Name: "pat"}
		require.NoError(t, op.SendAgain(t.Context(), pat, 7, "why"))
		require.NoError(t, op.Discard(t.Context(), pat, 8, "why"))
		require.Equal(t, []bool{lookedUp, false}, []bool{store.asked[0].LookedUp, store.asked[1].LookedUp})
	}
}

// From delivery to erasure: nothing of the person is left in what the store tells,
// and the order is still a duplicate.
func TestErasedPersonIsNowhere(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			switch m.Key {
			case "other":
				return outbox.Result{}, nil
			case "parked":
				return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "planted reason", Detail: "planted reply"}
			}
			return outbox.Result{Detail: "planted reply", Receipt: []byte("planted receipt")}, nil
		})
		theirs := func(key string) outbox.Message {
			m := msg(key, "U-planted")
			m.KeyParts, m.Facts, m.Profile = []string{"elevate", key, "U-planted"}, []byte("planted facts"), []byte("planted profile")
			return m
		}
		r.start()
		r.insert(theirs("delivered"), theirs("parked"), msg("other", "U-1"))
		r.pass(time.Second)
		n, err := eraser(t, r.store).Erase(t.Context(), outbox.Actor{Name: "pat"}, "", "U-planted", "request 17")
		require.NoError(t, err)
		require.Equal(t, 2, n)
		var told strings.Builder
		all, err := r.store.Find(t.Context(), outbox.Query{Subject: "order"})
		require.NoError(t, err)
		require.Len(t, all, 3)
		for _, rec := range all {
			log, err := r.store.Attempts(t.Context(), outbox.AttemptQuery{IDs: []outbox.ID{rec.ID}})
			require.NoError(t, err)
			fmt.Fprintln(&told, rec.Person, rec.KeyParts, rec.Reason, string(rec.Facts), string(rec.Profile), string(rec.Receipt))
			for _, a := range log {
				fmt.Fprintln(&told, a.Code, a.Reason, a.Detail, string(a.Receipt))
			}
		}
		audit, err := r.store.Audit(t.Context(), outbox.AuditQuery{Limit: 10})
		require.NoError(t, err)
		fmt.Fprintln(&told, audit)
		require.NotContains(t, told.String(), "planted")
		require.Contains(t, told.String(), "erased-")
		sent := r.sends()
		r.insert(theirs("delivered"), theirs("parked"))
		r.pass(time.Hour)
		require.Equal(t, sent, r.sends())
	})
}

func ExampleOperator_Erase() {
	ctx := context.Background()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	tx := store.Begin()
	_, err := store.InsertTx(ctx, tx, outbox.Message{
		Destination: "elevate", Key: "key-1", Kind: "greeting", Person: "U-1", Subject: "1001", Version: 1, Facts: []byte("{}"),
	})
	if err != nil || tx.Commit() != nil {
		fmt.Println(err)
		return
	}
	operator, err := outbox.NewOperator(store, outbox.OperatorConfig{EraseKey: eraseKey})
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := operator.Erase(ctx, outbox.Actor{Name: "pat", Role: "privacy"}, "", "U-1", "request 17")
	fmt.Println(n, "message", err)
	theirs, err := store.Find(ctx, outbox.Query{Person: "U-1"})
	fmt.Println(len(theirs), "of U-1", err)
	ofOrder, err := store.Find(ctx, outbox.Query{Subject: "1001"})
	fmt.Println(ofOrder[0].Person, ofOrder[0].State, err)
	// Output:
	// 1 message <nil>
	// 0 of U-1 <nil>
	// erased-56b4913245e77b7551ca03bb0abe7b97 discarded <nil>
}
