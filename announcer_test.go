package amsbridge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// answers is a destination that gives one answer.
type answers struct {
	res outbox.Result
	err error
}

func (a answers) Deliver(context.Context, outbox.Message) (outbox.Result, error) { return a.res, a.err }

func TestNewAnnouncerNamesTheField(t *testing.T) {
	t.Parallel()
	for field, cfg := range map[string]amsbridge.AnnouncerConfig{
		"Next": {To: "mail"},
		"To":   {Next: answers{}, To: "mail/acme"},
	} {
		_, err := amsbridge.NewAnnouncer(cfg)
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, "AnnouncerConfig."+field, bad.Field)
	}
	for _, to := range []string{"", "Mail", "e-mail", strings.Repeat("x", 64)} {
		_, err := amsbridge.NewAnnouncer(amsbridge.AnnouncerConfig{Next: answers{}, To: to})
		require.Error(t, err, to)
	}
}

// stored is a stored give of Anna's order in an association.
func stored(t *testing.T, backfill bool) outbox.Message {
	t.Helper()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalogue()})
	require.NoError(t, err)
	o := order("1001", "course")
	o.Association, o.Backfill = "acme", backfill
	tx := store.Begin()
	_, err = hook.OrderCompleted(t.Context(), tx, o)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	all, err := store.Find(t.Context(), outbox.Query{Subject: "1001"})
	require.NoError(t, err)
	return all[0].Message
}

func TestOnlyGivesThatArrivedAreAnnounced(t *testing.T) {
	t.Parallel()
	sold, old := stored(t, false), stored(t, true)
	link := amsbridge.Receipt{ProductURL: "https://learn.example.org/r1"}.Encode()
	own := outbox.Message{Destination: "own", Key: "k", Kind: "own", Version: 1, Person: "U-1", Subject: "1001", Facts: []byte("{}")}
	kind := func(kind string) outbox.Message {
		m := sold
		m.Kind = kind
		return m
	}
	odd := sold
	odd.Facts = []byte("[")
	rejected := &outbox.DeliveryError{Outcome: outbox.OutcomeRejected}
	for name, c := range map[string]struct {
		m        outbox.Message
		next     answers
		backfill bool
		want     int
	}{
		"delivered":           {sold, answers{res: outbox.Result{Receipt: link}}, false, 1},
		"without a receipt":   {sold, answers{}, false, 1},
		"already done":        {sold, answers{res: outbox.Result{AlreadyDone: true, Then: []outbox.Message{own}}}, false, 2},
		"not sent any more":   {sold, answers{res: outbox.Result{Ended: outbox.StateWithdrawn}}, false, 0},
		"there already":       {sold, answers{res: outbox.Result{Ended: outbox.StateAlreadyDone}}, false, 0},
		"rejected":            {sold, answers{err: rejected}, false, 0},
		"backfill":            {old, answers{}, false, 0},
		"backfill, asked for": {old, answers{}, true, 1},
		"take":                {kind(amsbridge.KindTake), answers{}, true, 0},
		"ended":               {kind(amsbridge.KindEnded), answers{}, true, 0},
		"another kind":        {own, answers{}, true, 0},
		"unreadable":          {odd, answers{}, true, 0},
	} {
		a, err := amsbridge.NewAnnouncer(amsbridge.AnnouncerConfig{Next: c.next, To: "mail", Backfill: c.backfill})
		require.NoError(t, err)
		res, err := a.Deliver(t.Context(), c.m)
		require.Equal(t, c.next.err, err, name)
		require.Len(t, res.Then, c.want, name)
		for i, m := range c.next.res.Then {
			require.Equal(t, m, res.Then[i], "%s: Next's own come first", name)
		}
	}

	a, err := amsbridge.NewAnnouncer(amsbridge.AnnouncerConfig{Next: answers{res: outbox.Result{Receipt: link}}, To: "mail"})
	require.NoError(t, err)
	res, err := a.Deliver(t.Context(), sold)
	require.NoError(t, err)
	require.NoError(t, outbox.CheckMessages(res.Then))
	m := res.Then[0]
	require.Equal(t, "mail/acme", m.Destination)
	require.Equal(t, `{"user_id":"anna","destination":"elevate/acme","key":"`+sold.Key+
		`","item":{"remote_product_id":"r1"},"product_url":"https://learn.example.org/r1"}`, string(m.Facts))
	d, err := amsbridge.DecodeDelivered(m)
	require.NoError(t, err)
	require.Equal(t, amsbridge.Delivered{
		OrderID: "1001", LineID: "1", Destination: "elevate/acme", Key: sold.Key, User: anna(),
		Item: amsbridge.Item{RemoteProductID: "r1"}, ProductURL: "https://learn.example.org/r1",
	}, d)
}

// A platform that is asked several times is announced once.
func TestAnnouncedOncePerGive(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		unclear := 2
		e.platform.answer = func(string) (bool, error) {
			if unclear--; unclear >= 0 {
				return true, noAnswer
			}
			return true, nil
		}
		e.report(order("1001", "course"))
		e.pass(24 * time.Hour)
		require.Len(t, e.platform.took(), 3)
		require.Len(t, e.mails, 1)
		e.refundLine("R-1", "1001", "1")
		e.pass(time.Hour)
		require.Len(t, e.mails, 1)
	})
}

func FuzzDecodeDelivered(f *testing.F) {
	f.Add(1, []byte(`{"user_id":"U-1","destination":"elevate","key":"k","item":{"remote_product_id":"C-1"}}`), []byte(`{"email":"ada@example.org"}`))
	f.Add(1, []byte(`{"item":{"add_on_keys":[1,null]}}`), []byte("null"))
	f.Add(2, []byte("of a newer program"), []byte(nil))
	f.Fuzz(func(t *testing.T, version int, facts, profile []byte) {
		d, err := amsbridge.DecodeDelivered(outbox.Message{Kind: amsbridge.KindDelivered, Version: version, Facts: facts, Profile: profile})
		if err != nil {
			require.Equal(t, amsbridge.Delivered{}, d)
			requireDecodeError(t, err, version)
		}
	})
}

func FuzzDecodeGrant(f *testing.F) {
	f.Add(1, "give", []byte(`{"user_id":"U-1","item":{"remote_product_id":"C-1"},"turn":1}`), []byte(`{"email":"ada@example.org"}`))
	f.Add(1, "take", []byte(`{"user_id":"U-1","item":{"show_key":7,"add_on_keys":[1]},"turn":-1}`), []byte(nil))
	f.Add(1, "ended", []byte(`{"user_id":"U-1","item":{},"turn":1}`), []byte("{"))
	f.Add(9, "later", []byte("of a newer program"), []byte(nil))
	f.Fuzz(func(t *testing.T, version int, kind string, facts, profile []byte) {
		m := outbox.Message{
			Kind: kind, Version: version, Facts: facts, Profile: profile, Person: "U-1", Subject: "1001", Items: []string{"1"}, Destination: "elevate",
		}
		g, err := amsbridge.DecodeGrant(m)
		if err != nil {
			require.Equal(t, amsbridge.Grant{}, g)
			requireDecodeError(t, err, version)
			return
		}
		require.Equal(t, amsbridge.UserID("U-1"), g.User.ID)
		require.NotEmpty(t, g.Item.String())
	})
}

// requireDecodeError requires the error that a destination gives on.
func requireDecodeError(t *testing.T, err error, version int) {
	t.Helper()
	if version > 1 {
		require.ErrorIs(t, err, outbox.ErrNewerVersion)
		return
	}
	var bad *amsbridge.InputError
	require.ErrorAs(t, err, &bad)
}
