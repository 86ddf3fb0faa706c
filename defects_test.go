package amsbridge_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// A paid order is never refused for what its data says, nor is anything of it silent, and its sound rest
// is sent.
func TestDefectiveLinesAreToldAndTheRestIsSent(t *testing.T) {
	with := func(change func(u *amsbridge.User)) []amsbridge.User {
		u := berta()
		change(&u)
		return []amsbridge.User{u}
	}
	line := func(product string, people []amsbridge.User) amsbridge.Line {
		return amsbridge.Line{ID: "9", ProductID: product, Quantity: max(1, len(people)), Attendees: people}
	}
	for name, c := range map[string]struct {
		line   amsbridge.Line
		reason string
		sent   int
	}{
		"malformed e-mail":     {line("course", with(func(u *amsbridge.User) { u.Email = "bob at home" })), "email", 0},
		"header injection":     {line("course", with(func(u *amsbridge.User) { u.Email = "b@x.org\r\nBcc: c@x.org" })), "email", 0},
		"no first name":        {line("course", with(func(u *amsbridge.User) { u.FirstName = " " })), "first name", 0},
		"no name at Notified":  {line("gala", with(func(u *amsbridge.User) { u.FirstName = "" })), "", 1},
		"no user ID":           {line("course", with(func(u *amsbridge.User) { u.ID = "" })), "user ID is empty", 0},
		"over-long user ID":    {line("course", with(func(u *amsbridge.User) { u.ID = amsbridge.UserID(strings.Repeat("x", 256)) })), "user ID", 0},
		"null user ID":         {line("gala", with(func(u *amsbridge.User) { u.ID = "NULL" })), "user ID", 0},
		"unknown mapping":      {line("nowhere", nil), "mapping", 0},
		"bad mapping":          {line("broken", nil), "add-on keys are empty", 0},
		"odd product ID":       {line("a\x00b", nil), "product ID", 0},
		"an unknown part":      {line("half known", nil), "includes one with an unknown mapping", 1},
		"quantity zero":        {amsbridge.Line{ID: "9", ProductID: "course"}, "quantity", 0},
		"attendees missing":    {amsbridge.Line{ID: "9", ProductID: "course", Quantity: 3}, "3 of 3 seats have no person", 0},
		"some missing":         {amsbridge.Line{ID: "9", ProductID: "course", Quantity: 1 << 40, Attendees: []amsbridge.User{berta()}}, "seats have no person", 1},
		"too many attendees":   {amsbridge.Line{ID: "9", ProductID: "course", Quantity: 1, Attendees: []amsbridge.User{anna(), berta()}}, "say whose", 0},
		"named twice":          {line("course", []amsbridge.User{berta(), berta()}), "1 of 2 seats have no person", 1},
		"over-long line ID":    {amsbridge.Line{ID: strings.Repeat("9", 1000), ProductID: "course", Quantity: 1}, "line ID", 0},
		"odd line ID":          {amsbridge.Line{ID: "9\xff\x00", ProductID: "course", Quantity: 1}, "line ID", 0},
		"a buyer without ID":   {line("course", []amsbridge.User{{FirstName: "No", LastName: "Body"}}), "user ID is empty", 0},
		"the text of an error": {line("course", with(func(u *amsbridge.User) { u.ID = "%!s(<nil>)" })), "user ID", 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				e.catalog["broken"] = amsbridge.Product{ID: "broken", ShowKey: 7}
				e.catalog["half known"] = amsbridge.Product{ID: "half known", Includes: []string{"course", "nowhere"}}
				o := order("1001", "workshop")
				o.Lines = append(o.Lines, c.line)
				r := e.report(o)
				if c.reason != "" {
					require.NotEmpty(t, r.NeedsStaff())
					require.Contains(t, r.NeedsStaff()[0].Text, c.reason)
					require.Equal(t, len(r.NeedsStaff()), strings.Count(e.log.String(), "level=WARN"))
				}
				require.Equal(t, c.reason != "", len(e.tasks()) == 1)
				e.report(o)
				e.pass(time.Minute)
				require.Len(t, e.platform.everything(), 1+c.sent)
				require.Empty(t, e.queue())
				for _, private := range []string{"Berta", "berta", "bob at home", "x.org", "anna"} {
					require.NotContains(t, e.log.String(), private)
				}
			})
		})
	}
}

func TestCatalogueErrorsCountAsUnknown(t *testing.T) {
	t.Parallel()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: failing{}, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	tx := store.Begin()
	defer tx.Rollback()
	r, err := hook.OrderCompleted(t.Context(), tx, order("1001", "course"))
	require.NoError(t, err)
	require.Contains(t, r.NeedsStaff()[0].Text, "unknown mapping")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = hook.OrderCompleted(ctx, tx, order("1001", "course"))
	require.ErrorIs(t, err, context.Canceled)
}

type failing struct{}

func (failing) Lookup(context.Context, string) (amsbridge.Product, amsbridge.Offering, error) {
	return amsbridge.Product{}, amsbridge.Offered, context.DeadlineExceeded
}

func TestHookConfigNamesTheBadField(t *testing.T) {
	t.Parallel()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	for field, cfg := range map[string]amsbridge.HookConfig{
		"Catalog":  {},
		"Catalog ": {Catalog: (*amsbridge.StaticCatalog)(nil)}, // not nil, but panics at its first use
		"Elevate":  {Catalog: catalogue(), Elevate: "No"},
		"Notified": {Catalog: catalogue(), Notified: "elevate"},
	} {
		_, err := amsbridge.NewHook(store, cfg)
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, "HookConfig."+strings.TrimSpace(field), bad.Field)
	}
	_, err := amsbridge.NewHook((*outboxtest.Memory)(nil), amsbridge.HookConfig{Catalog: catalogue()})
	require.ErrorContains(t, err, "amsbridge: store is nil")
	_, err = amsbridge.NewHook[*outboxtest.Tx](nil, amsbridge.HookConfig{Catalog: catalogue()})
	require.Error(t, err)
}

type byEmail struct{ platform }

func (*byEmail) TakeNeedsProfile() bool { return true }

func TestDestinationNamesTheBadField(t *testing.T) {
	t.Parallel()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	for field, f := range map[string]func() error{
		"store": func() error {
			_, err := amsbridge.NewDestination(nil, &platform{}, amsbridge.DestinationConfig{})
			return err
		},
		"p": func() error {
			_, err := amsbridge.NewDestination(store, (*platform)(nil), amsbridge.DestinationConfig{})
			return err
		},
		"DestinationConfig.ProfilesLookedUp": func() error {
			_, err := amsbridge.NewDestination(store, &byEmail{}, amsbridge.DestinationConfig{})
			return err
		},
	} {
		var bad *amsbridge.InputError
		require.ErrorAs(t, f(), &bad)
		require.Equal(t, field, bad.Field)
	}
	_, err := amsbridge.NewDestination(store, &byEmail{}, amsbridge.DestinationConfig{ProfilesLookedUp: true})
	require.NoError(t, err)
}
