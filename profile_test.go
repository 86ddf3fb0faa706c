package amsbridge_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// profileSealer returns a sealer with these keys; it seals with the first.
func profileSealer(t *testing.T, ids ...string) *outbox.Sealer {
	t.Helper()
	var cfg outbox.SealerConfig
	for _, id := range ids {
		key := fmt.Sprintf("%-32s", "a key for tests: "+id)
		cfg.Keys = append(cfg.Keys, outbox.SealKey{ID: id, Key: outbox.NewSecret([]byte(key))})
	}
	s, err := outbox.NewSealer(cfg)
	require.NoError(t, err)
	return s
}

// with returns the same shop with another configuration of its hook.
func (s *shop) with(cfg amsbridge.HookConfig) *shop {
	s.t.Helper()
	other := &shop{t: s.t, store: s.store, catalog: s.catalog}
	cfg.Catalog = &other.catalog
	var err error
	other.hook, err = amsbridge.NewHook(other.store, cfg)
	require.NoError(s.t, err)
	return other
}

// requireNoPerson requires a text without the names and addresses of these people.
func requireNoPerson(t *testing.T, text string, people ...amsbridge.User) {
	t.Helper()
	for _, u := range people {
		for _, of := range []string{u.FirstName, u.LastName, u.Email} {
			require.NotContains(t, text, of)
		}
	}
}

// opened is the profile of a stored message as its destination gets it.
func opened(t *testing.T, seal *outbox.Sealer, m outbox.Message) string {
	t.Helper()
	require.NotEmpty(t, m.Profile)
	requireNoPerson(t, string(m.Profile), ada, bob)
	m, err := seal.Open(m)
	require.NoError(t, err)
	return string(m.Profile)
}

const adasProfile = `{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.org"}`

func TestHookStoresProfilesAsItIsTold(t *testing.T) {
	t.Parallel()
	seal := profileSealer(t, "2027", "2026")
	o := order(line("1", "course"), line("2", "dinner"), line("3", "course-2", amsbridge.User{ID: "U-9"}))
	plain, sealed, later := newShop(t), newShop(t).with(amsbridge.HookConfig{Seal: seal}), newShop(t).with(amsbridge.HookConfig{Seal: seal, ProfileAtSend: true})
	for _, s := range []*shop{plain, sealed, later} {
		q := s.complete(o)
		require.Equal(t, s != later, len(q.Parked) == 1, "names and addresses that are not taken are not looked at")
		for range 2 {
			for _, m := range s.complete(o).Messages {
				require.True(t, m.Duplicate)
			}
		}
		for _, r := range s.stored(outbox.StatePending) {
			switch s {
			case plain:
				require.Equal(t, adasProfile, string(r.Profile))
			case sealed:
				require.Equal(t, adasProfile, opened(t, seal, r.Message))
			default:
				require.Nil(t, r.Profile)
			}
		}
	}
	// However the profile is stored, the order and its messages are the same, without a conflict.
	for _, s := range []*shop{sealed.with(amsbridge.HookConfig{}), sealed.with(amsbridge.HookConfig{ProfileAtSend: true}), later.with(amsbridge.HookConfig{})} {
		for _, m := range s.complete(o).Messages {
			require.True(t, m.Duplicate)
		}
	}
	places := sealed.places(ada)
	require.Len(t, places, 2)
	require.Equal(t, "C-1", places[0].RemoteProductID, "what a person has is shown without a key")
	require.Equal(t, []int64{9985, 10342}, places[1].AddOnKeys)
}

// A message that a refund makes is sealed for itself, with today's key.
func TestRefundSealsAnewWhatItMakes(t *testing.T) {
	t.Parallel()
	old, now := profileSealer(t, "2026"), profileSealer(t, "2027", "2026")
	seller := newShop(t).with(amsbridge.HookConfig{Seal: old})
	seller.complete(order(line("1", "workshop"), line("2", "dinner"), line("3", "course")))
	keyless := seller.with(amsbridge.HookConfig{})
	require.Equal(t, []string{"withdrawn 3 elevate U-1"}, taken(keyless.refund(refundOf("R-0", "3"))), "what is only taken back needs no key")

	s := seller.with(amsbridge.HookConfig{Seal: now})
	require.Equal(t, []string{"withdrawn 2 notified U-1", "requeued 1 notified U-1"}, taken(s.refund(refundOf("R-1", "2"))))
	pending := s.stored(outbox.StatePending)
	require.Len(t, pending, 1)
	require.Equal(t, adasProfile, opened(t, profileSealer(t, "2027"), pending[0].Message))

	end := s.lease()
	require.Equal(t, []string{"removal 1 notified U-1"}, taken(s.refund(refundOf("R-2", "1"))))
	end(outbox.StateDelivered, outbox.OutcomeDelivered)
	pending = s.stored(outbox.StatePending)
	require.Len(t, pending, 1)
	require.Equal(t, amsbridge.KindRemoveAddOns, pending[0].Kind)
	require.Equal(t, adasProfile, opened(t, profileSealer(t, "2027"), pending[0].Message))
	end = s.lease()
	end(outbox.StateDelivered, outbox.OutcomeDelivered)
	for _, r := range s.stored() {
		require.Empty(t, r.Profile)
	}
}

func TestRefundLeavesProfilesToTheSender(t *testing.T) {
	t.Parallel()
	seller := newShop(t).with(amsbridge.HookConfig{Seal: profileSealer(t, "2026")})
	seller.complete(order(line("1", "workshop"), line("2", "dinner")))
	s := seller.with(amsbridge.HookConfig{ProfileAtSend: true}) // without any key
	require.Equal(t, []string{"withdrawn 2 notified U-1", "requeued 1 notified U-1"}, taken(s.refund(refundOf("R-1", "2"))))
	require.Nil(t, s.stored(outbox.StatePending)[0].Profile)
}

// A refund that cannot open a profile which it must seal again changes nothing, and says why.
func TestRefundThatCannotOpenSaysSo(t *testing.T) {
	t.Parallel()
	seal := profileSealer(t, "2026")
	for want, cfg := range map[error]amsbridge.HookConfig{
		outbox.ErrSealUnknown: {Seal: profileSealer(t, "2027")},
		outbox.ErrSealBroken:  {Seal: stranger(t, "2026")},
	} {
		seller := newShop(t).with(amsbridge.HookConfig{Seal: seal})
		seller.complete(order(line("1", "workshop"), line("2", "dinner")))
		before := seller.stored()
		tx := seller.store.Begin()
		_, err := seller.with(cfg).hook.OrderRefunded(t.Context(), tx, refundOf("R-1", "2"))
		require.ErrorIs(t, err, want)
		requireNoPerson(t, err.Error(), ada)
		tx.Rollback()
		require.Equal(t, before, seller.stored())
		require.Len(t, taken(seller.refund(refundOf("R-1", "2"))), 2, "who can open it can refund it")
	}
}

// stranger returns a sealer that has another key under the same ID.
func stranger(t *testing.T, id string) *outbox.Sealer {
	t.Helper()
	s, err := outbox.NewSealer(outbox.SealerConfig{Keys: []outbox.SealKey{{ID: id, Key: outbox.NewSecret([]byte("another key for tests, 32 bytes."))}}})
	require.NoError(t, err)
	return s
}

// A message that would be rebuilt unchanged stays parked. A profile that does not open, or may not be
// stored, is made again.
func TestRebuildSealsAnew(t *testing.T) {
	t.Parallel()
	seal := profileSealer(t, "2027", "2026")
	strict, err := outbox.NewSealer(outbox.SealerConfig{Strict: true, Keys: []outbox.SealKey{{ID: "2027", Key: outbox.NewSecret([]byte("another key for tests, 32 bytes."))}}})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		was, is amsbridge.HookConfig
		rebuilt bool
	}{
		"as it was":             {amsbridge.HookConfig{Seal: seal}, amsbridge.HookConfig{Seal: seal}, false},
		"sealed by an old key":  {amsbridge.HookConfig{Seal: profileSealer(t, "2026")}, amsbridge.HookConfig{Seal: seal}, false},
		"plain":                 {amsbridge.HookConfig{}, amsbridge.HookConfig{Seal: seal}, false},
		"plain, and refused":    {amsbridge.HookConfig{}, amsbridge.HookConfig{Seal: strict}, true},
		"lost key":              {amsbridge.HookConfig{Seal: seal}, amsbridge.HookConfig{Seal: stranger(t, "2027")}, true},
		"unknown key":           {amsbridge.HookConfig{Seal: seal}, amsbridge.HookConfig{Seal: profileSealer(t, "2028")}, true},
		"looked up from now on": {amsbridge.HookConfig{Seal: seal}, amsbridge.HookConfig{ProfileAtSend: true}, true},
		"looked up before":      {amsbridge.HookConfig{ProfileAtSend: true}, amsbridge.HookConfig{ProfileAtSend: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := newShop(t).with(c.was)
			o := order(line("1", "course"))
			before.complete(o)
			before.settleAll(outbox.StateParked, outbox.OutcomeRejected, nil)
			s := before.with(c.is)
			q := s.rebuild(o)
			require.Len(t, q.Messages, map[bool]int{true: 1}[c.rebuilt])
			require.Len(t, q.Parked, map[bool]int{false: 1}[c.rebuilt])
			if !c.rebuilt {
				return
			}
			m := s.stored(outbox.StatePending)[0].Message
			if c.is.ProfileAtSend {
				require.Nil(t, m.Profile)
			} else {
				require.Equal(t, adasProfile, opened(t, c.is.Seal, m))
			}
			require.Empty(t, s.rebuild(o).Messages)
		})
	}
}

// A backfilled push stays one, however its profile is stored and whenever it is sent again.
func TestBackfillOutlivesTheProfile(t *testing.T) {
	t.Parallel()
	for _, cfg := range []amsbridge.HookConfig{{}, {Seal: profileSealer(t, "2026")}, {ProfileAtSend: true}} {
		s := newShop(t).with(cfg)
		o := order(line("1", "course"), line("2", "workshop"), line("3", "dinner"))
		o.Backfill = true
		s.complete(o)
		s.refund(refundOf("R-1", "3"))
		s.deliver()
		delivered := s.stored(outbox.StateDelivered)
		require.Len(t, delivered, 2)
		reg, err := amsbridge.DecodeRegistration(delivered[0].Message)
		require.NoError(t, err)
		add, err := amsbridge.DecodeAddOns(delivered[1].Message)
		require.NoError(t, err)
		require.True(t, reg.Backfill && add.Backfill)
		o.Backfill = false
		for _, m := range s.complete(o).Messages {
			require.True(t, m.Duplicate)
		}
	}
}

func TestLookUpProfile(t *testing.T) {
	t.Parallel()
	require.Nil(t, amsbridge.LookUpProfile(nil))
	s := newShop(t)
	s.complete(order(line("1", "course"), line("2", "workshop")))
	away := errors.New("the shop's database is away")
	for name, c := range map[string]struct {
		kind   string
		change func(*outbox.Message)
		finds  amsbridge.User
		err    error
		want   string
		none   string
		other  error
	}{
		"registration":    {"registration", nil, ada, nil, adasProfile, "", nil},
		"add-ons":         {"add-ons", nil, ada, nil, adasProfile, "", nil},
		"removal":         {"add-ons", func(m *outbox.Message) { m.Kind = amsbridge.KindRemoveAddOns }, ada, nil, adasProfile, "", nil},
		"announcement":    {"registration", func(m *outbox.Message) { m.Kind = amsbridge.KindDelivered }, ada, nil, adasProfile, "", nil},
		"task":            {"registration", func(m *outbox.Message) { m.Kind = amsbridge.KindRefundTask }, ada, nil, "", "", nil},
		"the shop's own":  {"registration", func(m *outbox.Message) { m.Kind = "invoice" }, ada, nil, "", "", nil},
		"newer program's": {"registration", func(m *outbox.Message) { m.Version = 99 }, ada, nil, "", "", nil},
		"gone":            {"registration", nil, amsbridge.User{}, fmt.Errorf("user U-1: %w", amsbridge.ErrPersonGone), "", "no longer knows", nil},
		"gone, removal":   {"add-ons", func(m *outbox.Message) { m.Kind = amsbridge.KindRemoveAddOns }, amsbridge.User{}, amsbridge.ErrPersonGone, "", "", nil},
		"away":            {"registration", nil, amsbridge.User{}, away, "", "", away},
		"someone else":    {"registration", nil, bob, nil, "", "another person", nil},
		"other case":      {"registration", nil, amsbridge.User{ID: "u-1", Email: "u@example.org"}, nil, "", "another person", nil},
		"no ID":           {"registration", nil, amsbridge.User{Email: "u@example.org"}, nil, "", "another person", nil},
		"other facts":     {"registration", func(m *outbox.Message) { m.Person = "U-2" }, bob, nil, "", "not about the person", nil},
		"odd facts":       {"registration", func(m *outbox.Message) { m.Facts = []byte("{") }, ada, nil, "", "not about the person", nil},
		"erased":          {"registration", func(m *outbox.Message) { m.Facts, m.Person = nil, "erased-1" }, ada, nil, "", "erased", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := s.stored()[map[string]int{"registration": 0, "add-ons": 1}[c.kind]].Message
			m.Profile = nil
			if c.change != nil {
				c.change(&m)
			}
			find := func(_ context.Context, id amsbridge.UserID) (amsbridge.User, error) {
				require.Equal(t, amsbridge.UserID(m.Person), id)
				return c.finds, c.err
			}
			got, err := amsbridge.LookUpProfile(find)(t.Context(), m)
			require.Equal(t, c.want, string(got))
			switch none, ok := errors.AsType[*outbox.ProfileError](err); {
			case c.none != "":
				require.True(t, ok)
				require.Contains(t, none.Reason, c.none)
				requireNoPerson(t, none.Error(), ada, bob)
				require.NotContains(t, none.Error(), "U-1")
			case c.other != nil:
				require.False(t, ok)
				require.ErrorIs(t, err, c.other)
			default:
				require.NoError(t, err)
			}
		})
	}
}

func ExampleLookUpProfile() {
	members := map[amsbridge.UserID]amsbridge.User{"U-1": {ID: "U-1", FirstName: "Ada", LastName: "Byron", Email: "ada@example.org"}}
	find := func(_ context.Context, id amsbridge.UserID) (amsbridge.User, error) {
		u, ok := members[id]
		if !ok {
			return amsbridge.User{}, amsbridge.ErrPersonGone
		}
		return u, nil
	}
	_, err := outbox.NewSender(outboxtest.NewMemory(outboxtest.MemoryConfig{}), outbox.SenderConfig{
		Destinations: outbox.Fixed{"elevate": platform{}},
		Profiles:     outbox.Profiles{LookUp: amsbridge.LookUpProfile(find)},
	})
	fmt.Println(err)
	// Output:
	// <nil>
}
