package amsbridge

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// script is a destination that gives these answers one after the other, repeats the last one, and
// records what it was given.
type script struct {
	answers []answer

	mu  sync.Mutex
	got []outbox.Message
}

type answer struct {
	result outbox.Result
	err    error
}

func (s *script) Deliver(_ context.Context, m outbox.Message) (outbox.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, m)
	if len(s.answers) == 0 {
		return outbox.Result{}, nil
	}
	a := s.answers[min(len(s.got), len(s.answers))-1]
	return a.result, a.err
}

func done(r Receipt) answer { return answer{result: outbox.Result{Receipt: r.Encode()}} }

func failing(o outbox.Outcome) answer {
	return answer{err: &outbox.DeliveryError{Outcome: o, Reason: "so"}}
}

var linked = done(Receipt{ProductURL: "https://learn.example.org/c-1"})

func announcer(t *testing.T, next outbox.Destination, backfill bool) *Announcer {
	t.Helper()
	a, err := NewAnnouncer(AnnouncerConfig{Next: next, To: "mail", Backfill: backfill})
	require.NoError(t, err)
	return a
}

var ada = User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"}

func course(t *testing.T, destination string, backfill bool) outbox.Message {
	t.Helper()
	m, err := Registration{OrderID: "1001", LineID: "1", RemoteProductID: "C-1", User: ada, Backfill: backfill}.message(destination)
	require.NoError(t, err)
	m.TraceContext = "00-trace"
	return m
}

func gala(t *testing.T, destination string) outbox.Message {
	t.Helper()
	m, err := AddOns{
		OrderID: "1001", ShowKey: 7, User: ada, Lines: []LineAddOns{{"1", []int64{5, 3}}, {"2", []int64{3}}},
	}.message(destination, 1)
	require.NoError(t, err)
	return m
}

func TestNewAnnouncerNamesTheField(t *testing.T) {
	t.Parallel()
	for field, cfg := range map[string]AnnouncerConfig{
		"Next": {To: "mail"},
		"To":   {Next: &script{}, To: "mail/acme"},
	} {
		_, err := NewAnnouncer(cfg)
		var bad *InputError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, "AnnouncerConfig."+field, bad.Field)
	}
	for _, to := range []string{"", "Mail", "e-mail", Unmapped, Refunds, string(slices.Repeat([]byte("x"), 64))} {
		_, err := NewAnnouncer(AnnouncerConfig{Next: &script{}, To: to})
		require.Error(t, err, to)
	}
}

// The facts are kept for ever, so every later version must be able to read them.
func TestAnnouncementOfEachKindOfPush(t *testing.T) {
	t.Parallel()
	course, gala := course(t, "elevate/acme", false), gala(t, "notified")
	for _, c := range []struct {
		push      outbox.Message
		to, facts string
		want      Delivered
	}{
		{
			course, "mail/acme",
			`{"user_id":"U-1","destination":"elevate/acme","key":"` + course.Key + `","kind":"registration","remote_product_id":"C-1",` +
				`"product_url":"https://learn.example.org/c-1"}`,
			Delivered{
				OrderID: "1001", LineIDs: []string{"1"}, Destination: "elevate/acme", Key: course.Key, Kind: KindRegistration, User: ada,
				RemoteProductID: "C-1", ProductURL: "https://learn.example.org/c-1",
			},
		},
		{
			gala, "mail",
			`{"user_id":"U-1","destination":"notified","key":"` + gala.Key + `","kind":"add-ons","show_key":7,"add_on_keys":[3,5],` +
				`"product_url":"https://learn.example.org/c-1"}`,
			Delivered{
				OrderID: "1001", LineIDs: []string{"1", "2"}, Destination: "notified", Key: gala.Key, Kind: KindAddOns, User: ada,
				ShowKey: 7, AddOnKeys: []int64{3, 5}, ProductURL: "https://learn.example.org/c-1",
			},
		},
	} {
		res, err := announcer(t, &script{answers: []answer{linked}}, false).Deliver(t.Context(), c.push)
		require.NoError(t, err)
		require.Len(t, res.Then, 1)
		m := res.Then[0]
		require.NoError(t, outbox.CheckMessages(res.Then))
		require.Equal(t, c.facts, string(m.Facts))
		parts := []string{c.to, c.push.Destination, c.push.Key, "delivered"}
		require.Equal(t, outbox.Message{
			Destination: c.to, Key: keyOf(parts...), KeyParts: parts, Kind: "delivered", Version: 1, Person: "U-1", Subject: "1001",
			Items: c.push.Items, Facts: m.Facts, Profile: c.push.Profile, TraceContext: c.push.TraceContext,
		}, m)
		require.NotContains(t, string(m.Facts), "Ada")
		require.NotContains(t, string(m.Facts), "@")

		d, err := DecodeDelivered(m)
		require.NoError(t, err)
		require.Equal(t, c.want, d)
		m.Profile = nil // as after its deletion
		d, err = DecodeDelivered(m)
		require.NoError(t, err)
		require.Equal(t, User{ID: "U-1"}, d.User)
	}
}

func TestOnlyPushesThatArrivedAreAnnounced(t *testing.T) {
	t.Parallel()
	own := outbox.Message{Destination: "own", Key: "k", Kind: "own", Version: 1, Person: "U-1", Subject: "1001", Facts: []byte("{}")}
	already := answer{result: outbox.Result{AlreadyDone: true, Code: "44", Detail: "d", Then: []outbox.Message{own}}}
	change := func(m outbox.Message, f func(*outbox.Message)) outbox.Message {
		f(&m)
		return m
	}
	for name, c := range map[string]struct {
		push     outbox.Message
		next     answer
		backfill bool
		want     int
	}{
		"delivered":           {course(t, "elevate", false), linked, false, 1},
		"without a receipt":   {course(t, "elevate", false), answer{}, false, 1},
		"already done":        {course(t, "elevate", false), already, false, 2},
		"add-ons":             {gala(t, "notified"), linked, false, 1},
		"rejected":            {course(t, "elevate", false), failing(outbox.OutcomeRejected), false, 0},
		"unknown":             {course(t, "elevate", false), failing(outbox.OutcomeUnknown), false, 0},
		"backfill":            {course(t, "elevate", true), already, false, 1},
		"backfill, asked for": {course(t, "elevate", true), linked, true, 1},
		"backfill of add-ons": {change(gala(t, "notified"), func(m *outbox.Message) { m.Profile = []byte(`{"backfill":true}`) }), linked, false, 0},
		"removal":             {change(gala(t, "notified"), func(m *outbox.Message) { m.Kind = KindRemoveAddOns }), linked, true, 0},
		"another kind":        {own, linked, true, 0},
		"unreadable":          {change(course(t, "elevate", false), func(m *outbox.Message) { m.Facts = []byte("[") }), linked, true, 0},
	} {
		res, err := announcer(t, &script{answers: []answer{c.next}}, c.backfill).Deliver(t.Context(), c.push)
		require.Equal(t, c.next.err, err, name)
		require.Len(t, res.Then, c.want, name)
		for i, m := range c.next.result.Then {
			require.Equal(t, m, res.Then[i], "%s: Next's own come first", name)
		}
		res.Then = c.next.result.Then
		require.Equal(t, c.next.result, res, "%s: the rest is Next's", name)
	}
	require.Len(t, already.result.Then, 1)
}

// losing is a queue that drops its first settlements, like a sender that dies after the platform
// accepted the push.
type losing struct {
	*outboxtest.Memory
	mu   sync.Mutex
	lose int
}

func (l *losing) Settle(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
	l.mu.Lock()
	l.lose--
	lost := l.lose >= 0
	l.mu.Unlock()
	if lost {
		return nil, nil
	}
	return l.Memory.Settle(ctx, batch)
}

// A real sender sends one push several times.
func TestAnnouncedOncePerKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		platform, mail []answer
		lose           int
		pushes, mails  int // sends
	}{
		"at the first send":             {[]answer{linked}, nil, 0, 1, 1},
		"after an unknown answer":       {[]answer{failing(outbox.OutcomeUnknown), linked}, nil, 0, 2, 1},
		"already done":                  {[]answer{{result: outbox.Result{AlreadyDone: true}}}, nil, 0, 1, 1},
		"delivered twice, lease lost":   {[]answer{linked, {result: outbox.Result{AlreadyDone: true}}}, nil, 1, 2, 1},
		"delivered thrice, other links": {[]answer{linked, done(Receipt{}), done(Receipt{ProductURL: "https://b/"})}, nil, 2, 3, 1},
		"parked":                        {[]answer{failing(outbox.OutcomeRejected)}, nil, 0, 1, 0},
		"the mail is tried again":       {[]answer{linked}, []answer{failing(outbox.OutcomeUnavailable), {}}, 0, 1, 2},
		"the mail is rejected":          {[]answer{linked}, []answer{failing(outbox.OutcomeRejected)}, 0, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &losing{Memory: outboxtest.NewMemory(outboxtest.MemoryConfig{}), lose: c.lose}
				platform, mail := &script{answers: c.platform}, &script{answers: c.mail}
				sell, rebuild := orders(t, store.Memory)
				stop := sending(t, store, outbox.Fixed{"elevate/acme": announcer(t, platform, false), "mail/acme": mail})
				first := sell()
				time.Sleep(24 * time.Hour) // passes at once: the synctest bubble has its own clock
				synctest.Wait()
				require.Len(t, platform.got, c.pushes)
				require.Len(t, mail.got, c.mails)
				for _, m := range mail.got {
					require.Equal(t, mail.got[0].Key, m.Key)
					d, err := DecodeDelivered(m)
					require.NoError(t, err)
					require.Equal(t, first[0].Key, d.Key)
					require.Equal(t, ada, d.User)
				}
				// Reporting the order again stores nothing, and does not count the announcement as one
				// of its pushes.
				again := sell()
				require.Len(t, again, 1)
				require.Equal(t, first[0].ID, again[0].ID)
				require.True(t, again[0].Duplicate)
				require.Empty(t, rebuild().Messages, "a rejected mail is not rebuilt as a push")
				time.Sleep(24 * time.Hour)
				require.Len(t, platform.got, c.pushes)
				require.Len(t, mail.got, c.mails)
				stop()
			})
		})
	}
}

// orders returns one function that reports an order, and one that rebuilds the same order.
func orders(t *testing.T, store *outboxtest.Memory) (sell func() []QueuedMessage, rebuild func() *Queued) {
	catalog, err := NewCatalog(CatalogConfig{Products: []Product{{ID: "c", RemoteProductID: "C-1"}}})
	require.NoError(t, err)
	hook, err := NewHook(store, HookConfig{Catalog: catalog})
	require.NoError(t, err)
	order := Order{ID: "1001", Association: "acme", Buyer: ada, Lines: []Line{{ID: "1", ProductID: "c", Quantity: 1}}}
	in := func(f func(context.Context, *outboxtest.Tx, Order) (*Queued, error)) *Queued {
		tx := store.Begin()
		q, err := f(t.Context(), tx, order)
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		return q
	}
	sell = func() []QueuedMessage {
		q := in(hook.OrderCompleted)
		require.Empty(t, q.Parked)
		return q.Messages
	}
	return sell, func() *Queued { return in(hook.Rebuild) }
}

// sending runs a sender until stop is called.
func sending(t *testing.T, queue outbox.Queue, to outbox.Fixed) (stop func()) {
	sender, err := outbox.NewSender(queue, outbox.SenderConfig{
		Destinations: to, Poll: time.Minute, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Alarm: func(context.Context, outbox.Alarm) {},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sender.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(t, <-ended)
	}
}

func FuzzDecodeDelivered(f *testing.F) {
	f.Add(1, []byte(`{"user_id":"U-1","destination":"elevate","key":"k","kind":"registration","remote_product_id":"C-1"}`), []byte(`{"email":"ada@example.org"}`))
	f.Add(1, []byte(`{"add_on_keys":[1,null]}`), []byte("null"))
	f.Add(2, []byte("of a newer program"), []byte(nil))
	f.Add(1, []byte(`{"key":7}`), []byte("{"))
	f.Fuzz(func(t *testing.T, version int, facts, profile []byte) {
		d, err := DecodeDelivered(outbox.Message{Kind: KindDelivered, Version: version, Facts: facts, Profile: profile})
		if err != nil {
			require.Equal(t, Delivered{}, d)
			requireDecodeError(t, err, version, profile)
			return
		}
		b, err := json.Marshal(deliveredFacts{
			string(d.User.ID), d.Destination, d.Key, d.Kind, d.RemoteProductID, d.ShowKey, d.AddOnKeys, d.ProductURL,
		})
		require.NoError(t, err)
		again, err := DecodeDelivered(outbox.Message{Kind: KindDelivered, Version: 1, Facts: b, Profile: profile})
		require.NoError(t, err)
		if len(d.AddOnKeys) == 0 {
			d.AddOnKeys, again.AddOnKeys = nil, nil
		}
		require.Equal(t, d, again)
	})
}
