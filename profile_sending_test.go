package amsbridge_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/outbox"
)

// town is a shop with its sender, both platforms' clients and sandboxes, and the shop's own mail.
// Notified looks people up by e-mail, so that both kinds of push need the profile.
type town struct {
	*shop
	learning *elevatetest.Server
	events   *notifiedtest.Server
	sender   *outbox.Sender

	mu     sync.Mutex
	mailed []amsbridge.Delivered
	told   bytes.Buffer // everything logged, alarms included
}

// Write collects the log.
func (c *town) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told.Write(p)
}

// Deliver sends the shop's mail.
func (c *town) Deliver(_ context.Context, m outbox.Message) (outbox.Result, error) {
	d, err := amsbridge.DecodeDelivered(m)
	if err != nil {
		return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "cannot be read"}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mailed = append(c.mailed, d)
	return outbox.Result{}, nil
}

func (c *town) mails() []amsbridge.Delivered {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]amsbridge.Delivered{}, c.mailed...)
}

// watched is the town's store. It records what is stored with an outcome.
type watched struct {
	outbox.Queue
	town *town
}

func (w watched) Settle(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
	for _, s := range batch {
		for _, m := range s.Then {
			_, _ = fmt.Fprintf(w.town, "follow-up: %q %q\n", m.Facts, m.Profile)
		}
	}
	return w.Queue.Settle(ctx, batch)
}

const area = "Alpine Society"

// newTown is a town whose sender is not running yet.
func newTown(t *testing.T, hook amsbridge.HookConfig, profiles outbox.Profiles) *town {
	t.Helper()
	c := &town{shop: newShop(t).with(hook)}
	var err error
	c.learning, err = elevatetest.New(elevatetest.Config{
		Key: "k", Profile: elevate.GuessedProfile(), Products: []elevatetest.Product{{RemoteProductID: "C-1"}, {RemoteProductID: "C-2"}},
	})
	require.NoError(t, err)
	c.events, err = notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: "a", Credentials: "c", Area: area}},
		Shows: []notifiedtest.Show{{Key: 7, Area: area, Packages: []notifiedtest.Package{
			{Name: "full", AddOns: []notifiedtest.AddOn{{Key: 9985}, {Key: 10342}}},
		}}},
	})
	require.NoError(t, err)
	learning, events := httptest.NewServer(c.learning), httptest.NewServer(c.events)
	t.Cleanup(learning.Close)
	t.Cleanup(events.Close)
	toElevate, err := elevate.New(elevate.Config{
		Endpoint: learning.URL + "/api/registration", Profile: elevate.GuessedProfile(), Credentials: elevate.Key("k"),
		SendConfirmation: true, AllowLoopbackHTTP: true,
	})
	require.NoError(t, err)
	toNotified, err := notified.New(notified.Config{
		AuthCode: "a", Credentials: "c", BaseURL: events.URL + "/scripts/Server.nxp", LookupByEmail: true, AllowLoopbackHTTP: true,
	})
	require.NoError(t, err)
	t.Cleanup(toNotified.CloseIdleConnections)
	announced, err := amsbridge.NewAnnouncer(amsbridge.AnnouncerConfig{Next: toElevate, To: "mail"})
	require.NoError(t, err)
	c.sender, err = outbox.NewSender(watched{c.store, c}, outbox.SenderConfig{
		Destinations: outbox.Fixed{"elevate": announced, "notified": toNotified, "mail": c},
		Profiles:     profiles, Poll: 10 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(c, nil)),
		Alarm: func(_ context.Context, a outbox.Alarm) { _, _ = fmt.Fprintf(c, "%+v\n", a) },
	})
	require.NoError(t, err)
	return c
}

// registered registers a person for the show.
func (c *town) registered(u amsbridge.User) {
	c.t.Helper()
	require.NoError(c.t, c.events.AddUser(area, notifiedtest.User{ID: string(u.ID), Email: u.Email}))
	require.NoError(c.t, c.events.Register(string(u.ID), 7, "full"))
}

// send runs the sender until nothing is pending, or everything pending was refused.
func (c *town) send() {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.sender.Run(ctx) }()
	require.Eventually(c.t, func() bool {
		counts, err := c.store.Counts(ctx)
		pending := 0
		for _, n := range counts {
			pending += n.Pending
		}
		return err == nil && pending == 0
	}, 10*time.Second, 5*time.Millisecond)
	cancel()
	require.NoError(c.t, <-ended)
}

// requireToldNothing checks that no person is named in the sender's log, nor in the store, except in
// parked messages whose profile is not sealed.
func (c *town) requireToldNothing(people ...amsbridge.User) {
	c.t.Helper()
	records, err := c.store.Find(c.t.Context(), outbox.Query{
		States: []outbox.State{outbox.StatePending, outbox.StateParked, outbox.StateHeld, outbox.StateDelivered, outbox.StateAlreadyDone},
	})
	require.NoError(c.t, err)
	require.NotEmpty(c.t, records)
	var text bytes.Buffer
	for _, r := range records {
		log, err := c.store.Attempts(c.t.Context(), r.ID)
		require.NoError(c.t, err)
		fmt.Fprintln(&text, r.KeyParts, r.Reason, string(r.Facts), string(r.Profile), string(r.Receipt))
		for _, a := range log {
			fmt.Fprintln(&text, a.Code, a.Reason, a.Detail, string(a.Receipt))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	requireNoPerson(c.t, text.String()+c.told.String(), people...)
}

// The store never shows a name or an address, and both platforms and the shop's own mail still get
// them.
func TestSealedProfilesReachThePlatforms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seals string
		opens []string
	}{
		"one key":        {"2026", []string{"2026"}},
		"after rotation": {"2026", []string{"2027", "2026"}},
		"before the end": {"2027", []string{"2026", "2027"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			town := newTown(t, amsbridge.HookConfig{Seal: profileSealer(t, c.seals)}, outbox.Profiles{Seal: profileSealer(t, c.opens...)})
			town.registered(ada)
			town.registered(bob)
			town.complete(order(line("1", "course", ada, bob), line("2", "dinner"), line("3", "workshop", bob)))
			require.Len(t, town.stored(outbox.StatePending), 4)
			town.requireToldNothing(ada, bob)
			town.send()
			require.ElementsMatch(t, []amsbridge.User{ada, bob}, town.learning.Users())
			require.Len(t, town.learning.Mails(), 2)
			require.Equal(t, []int64{9985, 10342}, town.events.AddOns("U-1", 7))
			require.Equal(t, []int64{9985}, town.events.AddOns("U-2", 7))
			var people []amsbridge.User
			for _, m := range town.mails() {
				people = append(people, m.User)
			}
			require.ElementsMatch(t, []amsbridge.User{ada, bob}, people)
			town.requireToldNothing(ada, bob)
		})
	}
}

// A program without the key sends nothing and parks nothing; one with the key sends what was left.
func TestSealedProfilesWaitForTheirKey(t *testing.T) {
	t.Parallel()
	town := newTown(t, amsbridge.HookConfig{Seal: profileSealer(t, "2027")}, outbox.Profiles{Seal: profileSealer(t, "2026")})
	town.complete(order(line("1", "course")))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- town.sender.Run(ctx) }()
	require.Eventually(t, func() bool {
		town.mu.Lock()
		defer town.mu.Unlock()
		return bytes.Contains(town.told.Bytes(), []byte(outbox.AlarmUnknownSeal))
	}, 10*time.Second, 5*time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
	require.Len(t, town.stored(outbox.StatePending), 1)
	require.Empty(t, town.learning.Journal())
	town.requireToldNothing(ada)
}

// A profile that the store does not hold is looked up when it is sent, with the person's name of that
// moment, and never belongs to somebody else.
func TestProfilesAreLookedUpWhenSent(t *testing.T) {
	t.Parallel()
	married := ada
	married.LastName, married.Email = "Byron", "byron@example.org"
	find := func(_ context.Context, id amsbridge.UserID) (amsbridge.User, error) {
		switch id {
		case married.ID:
			return married, nil
		case bob.ID:
			return married, nil // a mistake in the shop
		}
		return amsbridge.User{}, amsbridge.ErrPersonGone
	}
	town := newTown(t, amsbridge.HookConfig{ProfileAtSend: true}, outbox.Profiles{LookUp: amsbridge.LookUpProfile(find)})
	town.registered(married)
	bare := func(id amsbridge.UserID) amsbridge.User { return amsbridge.User{ID: id} }
	town.complete(order(line("1", "course", ada, bare(bob.ID), bare("U-gone")), line("2", "dinner", bare(ada.ID))))
	town.requireToldNothing(ada)
	town.send()
	require.Equal(t, []amsbridge.User{married}, town.learning.Users())
	require.Equal(t, []int64{9985, 10342}, town.events.AddOns("U-1", 7))
	require.Len(t, town.mails(), 1)
	require.Equal(t, married, town.mails()[0].User)
	parked := town.stored(outbox.StateParked)
	require.Len(t, parked, 2)
	require.Equal(t, "no profile: the shop's look-up returned another person", parked[0].Reason)
	require.Equal(t, "no profile: the shop no longer knows the person", parked[1].Reason)
	town.requireToldNothing(ada, married)

	// A delivered message can be sent again, because the profile can be looked up.
	operator, err := outbox.NewOperator(town.store, outbox.OperatorConfig{LookedUp: true})
	require.NoError(t, err)
	first := town.stored(outbox.StateDelivered)[0]
	require.NoError(t, operator.SendAgain(t.Context(), outbox.Actor{Name: "pat"}, first.ID, "she does not see it"))
	town.send()
	calls := town.learning.Journal()
	require.Len(t, calls, 2)
	require.True(t, calls[1].Repeat)
	require.False(t, calls[1].Confirmation, "nobody is mailed twice")
	require.Len(t, town.mails(), 1, "announced once")
	town.requireToldNothing(ada, married)
}

// Nobody is mailed about an old order, although a profile that was looked up does not mark it as one.
func TestLookedUpBackfillMailsNobody(t *testing.T) {
	t.Parallel()
	find := func(context.Context, amsbridge.UserID) (amsbridge.User, error) { return ada, nil }
	town := newTown(t, amsbridge.HookConfig{ProfileAtSend: true}, outbox.Profiles{LookUp: amsbridge.LookUpProfile(find)})
	past := order(line("1", "course"))
	past.Backfill = true
	town.complete(past)
	town.send()
	require.Equal(t, []amsbridge.User{ada}, town.learning.Users())
	require.Empty(t, town.learning.Mails())
	require.Empty(t, town.mails())
}
