package amsbridge_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

func TestOrderBecomesOnePushPerLineAndAttendeeAndOnePerPersonAndShow(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	q := s.complete(order(
		line("1", "course"), line("2", "course-2", ada, bob), line("3", "workshop"), line("4", "dinner", ada, bob),
		line("5", "other"), line("6", "book"), line("7", "bundle", bob),
	))
	require.Empty(t, q.Parked)
	require.Equal(t, []string{"6"}, q.LeftOut)
	got := map[string]string{}
	for _, r := range s.stored() {
		require.NotContains(t, string(r.Facts), "@")
		require.NotContains(t, string(r.Facts), "Ada")
		require.Len(t, r.Key, 32)
		got[r.Destination+" "+r.Person+" "+strings.Join(r.Items, "+")] = string(r.Facts)
	}
	require.Equal(t, map[string]string{
		"elevate U-1 1":    `{"user_id":"U-1","remote_product_id":"C-1"}`,
		"elevate U-1 2":    `{"user_id":"U-1","remote_product_id":"C-2"}`,
		"elevate U-2 2":    `{"user_id":"U-2","remote_product_id":"C-2"}`,
		"elevate U-2 7":    `{"user_id":"U-2","remote_product_id":"C-3"}`,
		"notified U-1 3+4": `{"user_id":"U-1","show_key":7,"add_ons":[{"line_id":"3","keys":[9985]},{"line_id":"4","keys":[9985,10342]}]}`,
		"notified U-2 4+7": `{"user_id":"U-2","show_key":7,"add_ons":[{"line_id":"4","keys":[9985,10342]},{"line_id":"7","keys":[5]}]}`,
		"notified U-1 5":   `{"user_id":"U-1","show_key":8,"add_ons":[{"line_id":"5","keys":[1]}]}`,
	}, got)
}

func TestPayloadsDecode(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	odd := ada
	odd.ID = "a&b;c%\u2603😀"
	s.complete(order(line("1", "course", odd), line("2", "dinner", odd)))
	all := s.stored()
	reg, err := amsbridge.DecodeRegistration(all[0].Message)
	require.NoError(t, err)
	require.Equal(t, amsbridge.Registration{OrderID: "1001", LineID: "1", RemoteProductID: "C-1", User: odd}, reg)
	add, err := amsbridge.DecodeAddOns(all[1].Message)
	require.NoError(t, err)
	require.Equal(t, odd, add.User)
	require.Equal(t, []int64{9985, 10342}, add.Keys())

	newer := all[0].Message
	newer.Version = 2
	_, err = amsbridge.DecodeRegistration(newer)
	require.ErrorIs(t, err, outbox.ErrNewerVersion)
	_, err = amsbridge.DecodeAddOns(all[0].Message)
	require.Error(t, err)
	garbled := all[0].Message
	garbled.Facts = []byte("{")
	_, err = amsbridge.DecodeRegistration(garbled)
	require.Error(t, err)
}

func TestReportingAgainIsHarmless(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	lines := []amsbridge.Line{line("1", "course"), line("2", "dinner"), line("3", "workshop"), line("4", "nowhere")}
	first := s.complete(order(lines...))
	require.Len(t, first.Messages, 2)
	require.Len(t, first.Parked, 1)
	again := order(lines[3], lines[2], lines[1], lines[0])
	again.Buyer.Email = "new@example.org"
	second := s.complete(again)
	require.Len(t, second.Messages, 2)
	require.Len(t, second.Parked, 1)
	for _, m := range second.Messages {
		require.True(t, m.Duplicate)
	}
	require.True(t, second.Parked[0].Duplicate)
	require.Equal(t, first.Parked[0].ID, second.Parked[0].ID)
	require.Len(t, s.stored(), 3)
}

func TestOtherFactsAreAConflictAndTheFirstIsKept(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.complete(order(line("1", "workshop")))
	tx := s.store.Begin()
	defer tx.Rollback()
	_, err := s.hook.OrderCompleted(t.Context(), tx, order(line("1", "dinner"), line("2", "course")))
	var conflict *outbox.ConflictError
	require.ErrorAs(t, err, &conflict)
	require.False(t, conflict.MustRollBack)
	other := order(line("1", "course"))
	other.ID = "1002"
	_, err = s.hook.OrderCompleted(t.Context(), tx, other)
	require.NoError(t, err, "the transaction stays usable")
	require.NoError(t, tx.Commit())
	require.Len(t, s.stored(), 1)
	require.Contains(t, string(s.stored()[0].Facts), "[9985]")
}

func TestCallersMistakesNameTheFieldAndWriteNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for field, o := range map[string]amsbridge.Order{
		"Order.ID":          {Buyer: ada, Lines: []amsbridge.Line{line("1", "course")}},
		"Order.Lines[1].ID": order(line("1", "course"), line("", "course")),
		"Order.Lines[2].ID": order(line("1", "course"), line("2", "course"), line("1", "dinner")),
		"Order.Association": {ID: "1001", Association: "a b", Buyer: ada},
		"Order.Lines":       {ID: "1001", Lines: make([]amsbridge.Line, 10_001)},
	} {
		tx := s.store.Begin()
		for _, f := range []report{s.hook.OrderCompleted, s.hook.Rebuild} {
			_, err := f(t.Context(), tx, o)
			var bad *amsbridge.InputError
			require.ErrorAs(t, err, &bad, field)
			require.Equal(t, field, bad.Field)
		}
		_, err := s.hook.OrderCompleted(t.Context(), tx, amsbridge.Order{ID: "ok-" + field, Buyer: ada, Lines: []amsbridge.Line{line("1", "course")}})
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
	}
	require.Empty(t, s.stored())
	_, err := s.hook.OrderCompleted(t.Context(), nil, order(line("1", "course")))
	require.ErrorIs(t, err, outbox.ErrNoTransaction)
	_, err = s.hook.OrderCompleted(t.Context(), nil, order())
	require.ErrorIs(t, err, outbox.ErrNoTransaction)
}

func TestHookConfigNamesTheBadField(t *testing.T) {
	t.Parallel()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	catalog := catalogFunc(mapped)
	for field, cfg := range map[string]amsbridge.HookConfig{
		"Catalog":  {},
		"Catalog ": {Catalog: (*amsbridge.StaticCatalog)(nil)}, // not nil, but panics at its first use
		"Elevate":  {Catalog: &catalog, Elevate: "No"},
		"Notified": {Catalog: &catalog, Notified: "elevate"},
		"OnDefect": {Catalog: &catalog, OnDefect: 9},
	} {
		_, err := amsbridge.NewHook(store, cfg)
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, "HookConfig."+strings.TrimSpace(field), bad.Field)
	}
	_, err := amsbridge.NewHook((*outboxtest.Memory)(nil), amsbridge.HookConfig{Catalog: &catalog})
	require.ErrorContains(t, err, "amsbridge: store is nil")
	_, err = amsbridge.NewHook[*outboxtest.Tx](nil, amsbridge.HookConfig{Catalog: &catalog})
	require.Error(t, err)
}

func TestDefectiveLinesAreParkedLoudly(t *testing.T) {
	t.Parallel()
	with := func(change func(*amsbridge.User)) amsbridge.User {
		u := bob
		change(&u)
		return u
	}
	for name, c := range map[string]struct {
		line   amsbridge.Line
		reason string
		parked int
		sent   int
	}{
		"malformed e-mail":   {line("9", "course", with(func(u *amsbridge.User) { u.Email = "bob at home" })), "email", 1, 0},
		"header injection":   {line("9", "course", with(func(u *amsbridge.User) { u.Email = "b@x.org\r\nBcc: c@x.org" })), "email", 1, 0},
		"no first name":      {line("9", "course", with(func(u *amsbridge.User) { u.FirstName = " " })), "first name", 1, 0},
		"no user ID":         {line("9", "course", with(func(u *amsbridge.User) { u.ID = "" })), "user ID", 1, 0},
		"over-long user ID":  {line("9", "course", with(func(u *amsbridge.User) { u.ID = amsbridge.UserID(strings.Repeat("x", 256)) })), "user ID", 1, 0},
		"null user ID":       {line("9", "dinner", with(func(u *amsbridge.User) { u.ID = "NULL" })), "user ID", 1, 0},
		"unknown mapping":    {line("9", "nowhere", bob), "mapping", 1, 0},
		"catalogue fails":    {line("9", "fails", bob), "mapping", 1, 0},
		"bad catalogue":      {line("9", "broken", bob), "add-on keys", 1, 0},
		"quantity zero":      {amsbridge.Line{ID: "9", ProductID: "course"}, "quantity", 1, 0},
		"attendees missing":  {amsbridge.Line{ID: "9", ProductID: "course", Quantity: 3}, "attendees", 1, 0},
		"some missing":       {amsbridge.Line{ID: "9", ProductID: "course", Quantity: 1 << 40, Attendees: []amsbridge.User{bob}}, "attendees", 1, 1},
		"too many attendees": {amsbridge.Line{ID: "9", ProductID: "course", Quantity: 1, Attendees: []amsbridge.User{ada, bob}}, "attendees", 1, 0},
		"named twice":        {line("9", "course", bob, bob), "twice", 1, 1},
		"over-long line ID":  {line(strings.Repeat("9", 1000), "course", bob), "line ID", 1, 0},
		"odd line ID":        {line("9\xff\x00", "course", bob), "line ID", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
				if id == "fails" {
					return amsbridge.Product{}, amsbridge.Offered, errors.New("catalogue is away")
				}
				return mapped(id)
			}
			for range 2 {
				q := s.complete(order(line("1", "course"), c.line))
				require.Len(t, q.Messages, 1+c.sent, "the sound rest is sent")
				require.Len(t, q.Parked, c.parked)
				require.Contains(t, q.Parked[0].Reason, c.reason)
				require.NotContains(t, q.Parked[0].Reason, "bob")
				require.Equal(t, name == "catalogue fails", q.Parked[0].Cause != nil)
			}
			parked := s.stored(outbox.StateParked)
			require.Len(t, parked, c.parked)
			require.Contains(t, parked[0].Reason, c.reason)
			require.NotContains(t, string(parked[0].Facts), "Bob")

			strict, err := amsbridge.NewHook(s.store, amsbridge.HookConfig{Catalog: &s.catalog, OnDefect: amsbridge.Refuse})
			require.NoError(t, err)
			tx := s.store.Begin()
			defer tx.Rollback()
			o := order(line("1", "course"), c.line)
			o.ID = "refused"
			_, err = strict.OrderCompleted(t.Context(), tx, o)
			var defect *amsbridge.DefectError
			require.ErrorAs(t, err, &defect)
		})
	}
}

func TestCancelledContextIsReturned(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tx := s.store.Begin()
	defer tx.Rollback()
	_, err := s.hook.OrderCompleted(ctx, tx, order(line("1", "course")))
	require.ErrorIs(t, err, context.Canceled)
}

func TestAssociationsHaveDestinationsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(line("1", "bundle"))
	o.Association = "acme"
	s.complete(o)
	all := s.stored()
	require.Equal(t, "elevate/acme", all[0].Destination)
	require.Equal(t, "notified/acme", all[1].Destination)
	require.NotEqual(t, s.complete(order(line("1", "bundle"))).Messages[0].Key, all[0].Key)
}

// A line is identified without its product's mapping, so a parked line stays the same one when the
// catalogue answers differently later.
func TestParkedLineStaysOneWhateverTheCatalogueAnswers(t *testing.T) {
	t.Parallel()
	away := func(string) (amsbridge.Product, amsbridge.Offering, error) {
		return amsbridge.Product{}, amsbridge.Unknown, nil
	}
	for name, l := range map[string]amsbridge.Line{
		"rest": {ID: "1", ProductID: "course", Quantity: 3, Attendees: []amsbridge.User{bob}},
		"line": {ID: "1", ProductID: "course"},
	} {
		for _, answers := range [][]catalogFunc{{mapped, away, mapped}, {away, mapped, away}} {
			s := newShop(t)
			var first int
			for i, answer := range answers {
				s.catalog = answer
				q := s.complete(order(l))
				if i == 0 {
					first = len(s.stored())
				}
				require.NotEmpty(t, q.Parked, name)
				require.Len(t, s.stored(), first, name)
			}
		}
	}
}
