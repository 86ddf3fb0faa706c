package amsbridge_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// sealer returns a sealer with these keys; it seals with the first.
func sealer(t *testing.T, ids ...string) *outbox.Sealer {
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

const annasProfile = `{"first_name":"Anna","last_name":"A","email":"anna@example.org"}`

// users records whom the platform was called for.
func (p *platform) users() (all []amsbridge.User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

func TestProfilesAreSealedUntilTheyAreSent(t *testing.T) {
	seal := sealer(t, "2027", "2026")
	inBubbleWith(t, outbox.Profiles{Seal: seal}, func(t *testing.T, e *env) {
		require.NoError(t, e.operator.Pause(t.Context(), staff, "elevate", "so"))
		e.report(order("1001", "course"))
		all, err := e.store.Find(t.Context(), outbox.Query{Subject: "1001"})
		require.NoError(t, err)
		require.NotContains(t, string(all[0].Profile), "Anna")
		opened, err := seal.Open(all[0].Message)
		require.NoError(t, err)
		require.Equal(t, annasProfile, string(opened.Profile))
		require.NoError(t, e.operator.Resume(t.Context(), staff, "elevate", "so"))
		e.pass(time.Minute)
		require.Equal(t, []amsbridge.User{anna()}, e.platform.users())
		e.refundLine("R-1", "1001", "1") // needs no key
		e.pass(time.Minute)
		require.Equal(t, []string{"parked take anna product r1"}, e.queue())
	}, func(cfg *amsbridge.HookConfig) { cfg.Seal = seal })
}

func TestProfilesAreLookedUpWhenTheyAreSent(t *testing.T) {
	find := func(_ context.Context, association string, id amsbridge.UserID) (amsbridge.User, error) {
		return amsbridge.User{ID: id, FirstName: "Now", LastName: association, Email: "now@example.org"}, nil
	}
	profiles := outbox.Profiles{LookUp: amsbridge.LookUpProfile(find)}
	inBubbleWith(t, profiles, func(t *testing.T, e *env) {
		o := order("1001", "course")
		o.Association, o.Buyer = "acme", amsbridge.User{ID: "anna"}
		require.Empty(t, e.report(o).NeedsStaff(), "names and addresses that are not taken are not looked at")
		o.Buyer = anna()
		require.Equal(t, []string{"1 anna unchanged"}, did(e.report(o)))
		all, err := e.store.Find(t.Context(), outbox.Query{Subject: "1001"})
		require.NoError(t, err)
		require.Empty(t, all[0].Profile)
		e.pass(time.Minute)
		require.Equal(t, []amsbridge.User{{ID: "anna", FirstName: "Now", LastName: "acme", Email: "now@example.org"}}, e.platform.users())
	}, func(cfg *amsbridge.HookConfig) { cfg.ProfileAtSend = true })
}

func TestLookUpProfile(t *testing.T) {
	t.Parallel()
	require.Nil(t, amsbridge.LookUpProfile(nil))
	away := errors.New("the shop's database is away")
	for name, c := range map[string]struct {
		change func(*outbox.Message)
		finds  amsbridge.User
		err    error
		want   string
		none   string
		other  error
	}{
		"give":           {nil, anna(), nil, annasProfile, "", nil},
		"take":           {func(m *outbox.Message) { m.Kind = amsbridge.KindTake }, anna(), nil, annasProfile, "", nil},
		"ended":          {func(m *outbox.Message) { m.Kind = amsbridge.KindEnded }, anna(), nil, annasProfile, "", nil},
		"announcement":   {func(m *outbox.Message) { m.Kind = amsbridge.KindDelivered }, anna(), nil, annasProfile, "", nil},
		"the shop's own": {func(m *outbox.Message) { m.Kind = "invoice" }, anna(), nil, "", "", nil},
		"newer":          {func(m *outbox.Message) { m.Version = 99 }, anna(), nil, "", "", nil},
		"gone":           {nil, amsbridge.User{}, fmt.Errorf("anna: %w", amsbridge.ErrPersonGone), "", "no longer knows", nil},
		"gone, take":     {func(m *outbox.Message) { m.Kind = amsbridge.KindTake }, amsbridge.User{}, amsbridge.ErrPersonGone, "", "", nil},
		"away":           {nil, amsbridge.User{}, away, "", "", away},
		"someone else":   {nil, berta(), nil, "", "another person", nil},
		"other case":     {nil, amsbridge.User{ID: "Anna", Email: "u@example.org"}, nil, "", "another person", nil},
		"no ID":          {nil, amsbridge.User{Email: "u@example.org"}, nil, "", "another person", nil},
		"other facts":    {func(m *outbox.Message) { m.Person = "berta" }, berta(), nil, "", "not about the person", nil},
		"odd facts":      {func(m *outbox.Message) { m.Facts = []byte("{") }, anna(), nil, "", "not about the person", nil},
		"erased":         {func(m *outbox.Message) { m.Facts, m.Person = nil, "erased-1" }, anna(), nil, "", "erased", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := stored(t, false)
			m.Profile = nil
			if c.change != nil {
				c.change(&m)
			}
			find := func(_ context.Context, association string, id amsbridge.UserID) (amsbridge.User, error) {
				require.Equal(t, "acme", association)
				require.Equal(t, amsbridge.UserID(m.Person), id)
				return c.finds, c.err
			}
			got, err := amsbridge.LookUpProfile(find)(t.Context(), m)
			require.Equal(t, c.want, string(got))
			switch none, ok := errors.AsType[*outbox.ProfileError](err); {
			case c.none != "":
				require.True(t, ok)
				require.Contains(t, none.Reason, c.none)
				require.NotContains(t, none.Error(), "anna")
			case c.other != nil:
				require.False(t, ok)
				require.ErrorIs(t, err, c.other)
			default:
				require.NoError(t, err)
			}
		})
	}
}
