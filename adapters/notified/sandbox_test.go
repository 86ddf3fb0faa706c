package notified_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestSandboxRegisterFirst(t *testing.T) {
	t.Parallel()
	inEveryWay(t, func(t *testing.T, _ string, e env) {
		m := first(push("k-1", "u-guest", show, 9985, 10342), full)
		result, err := e.client.Give(t.Context(), m)
		require.NoError(t, err)
		require.False(t, result.AlreadyDone)
		require.Equal(t, 2, *amsbridge.DecodeReceipt(result.Receipt).AddOnsAdded)
		require.Equal(t, []int64{9985, 10342}, e.sandbox.AddOns("u-guest", show))
		require.Equal(t, "K R M", calledOf(e.sandbox))
		for _, c := range e.sandbox.Journal() {
			require.Equal(t, "k-1", c.Key)
		}

		result, err = e.client.Give(t.Context(), m)
		require.NoError(t, err)
		require.True(t, result.AlreadyDone, "the repeat")
		require.Equal(t, "K R M K M A", calledOf(e.sandbox))

		_, err = e.client.Give(t.Context(), first(push("k-2", "u-guest", show, 20001), day))
		require.Contains(t, failure(t, err).Reason, "is registered for package 77001001 of the show, and bought package 77001002")
		require.Equal(t, "K R M K M A K", calledOf(e.sandbox), "someone of another package is left alone")

		_, err = e.client.Give(t.Context(), first(push("k-3", "u-nobody", show, 9985), full))
		require.Equal(t, outbox.OutcomeNotReady, failure(t, err).Outcome)
	})
}

// TestSandboxRegistersOnce: when an R was carried out but not answered, sending the message again makes
// no second registration.
func TestSandboxRegistersOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.sandbox.Misbehave(notifiedtest.Fault{}, notifiedtest.Fault{Kind: notifiedtest.CutAfter})
	m := first(push("k-1", "u-guest", show, 9985), full)
	_, err := e.client.Give(t.Context(), m)
	require.Equal(t, outbox.OutcomeUnknown, failure(t, err).Outcome)
	_, err = e.client.Give(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, "K R K M", calledOf(e.sandbox))
	persons, registrations := e.sandbox.Doubled()
	require.Zero(t, persons+registrations)
}

func TestSandboxRemoval(t *testing.T) {
	t.Parallel()
	inEveryWay(t, func(t *testing.T, _ string, e env) {
		_, err := e.client.Give(t.Context(), push("k-1", "u-1", show, 9985, 10342))
		require.NoError(t, err)

		gone := push("k-2", "u-1", show, 9985)
		result, err := e.client.Take(t.Context(), gone)
		require.NoError(t, err)
		require.False(t, result.AlreadyDone)
		require.Equal(t, []int64{10342}, e.sandbox.AddOns("u-1", show))

		result, err = e.client.Take(t.Context(), gone)
		require.NoError(t, err)
		require.True(t, result.AlreadyDone, "the repeat")
		require.Equal(t, "M N N A", calledOf(e.sandbox))
		require.Equal(t, []int64{10342}, e.sandbox.AddOns("u-1", show))

		result, err = e.client.Take(t.Context(), push("k-3", "u-guest", show, 9985))
		require.NoError(t, err)
		require.True(t, result.AlreadyDone, "without a registration there is nothing to remove")
		_, err = e.client.Take(t.Context(), push("k-4", "u-nobody", show, 9985))
		require.Equal(t, outbox.OutcomeRejected, failure(t, err).Outcome)
	})
}

// TestSandboxTakeLeavesTheRegistration: no call ends a registration, so a person must.
func TestSandboxTakeLeavesTheRegistration(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	whole := first(push("k-1", "u-guest", show, 9985), full)
	_, err := e.client.Give(t.Context(), whole)
	require.NoError(t, err)
	idOnly := whole
	idOnly.User = amsbridge.User{ID: "u-guest"} // a take is stored without a profile
	for i, partly := range []bool{true, true, false} {
		if i == 2 {
			idOnly.Item.AddOnKeys = nil
		}
		result, err := e.client.Take(t.Context(), idOnly)
		require.Empty(t, result)
		var task *amsbridge.ByHandError
		require.ErrorAs(t, err, &task)
		require.Equal(t, partly, task.Partly)
		require.Equal(t, "the registration for show 77001 stays in Notified: end it there by hand if it shall end", task.Task)
	}
	require.Equal(t, "K R M N N A", calledOf(e.sandbox))
	require.Empty(t, e.sandbox.AddOns("u-guest", show))
	registered, err := e.client.ShowPackage(t.Context(), notified.Person{UserID: "u-guest"}, show)
	require.NoError(t, err)
	require.EqualValues(t, full, registered)
}

// TestSandboxGivesAddOnsByIDAlone: what a doubtful take may have removed is given again without a
// profile.
func TestSandboxGivesAddOnsByIDAlone(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *notified.Config, _ *notifiedtest.Config) { c.UpsertProfile, c.MoveToPackage = true, true })
	g := push("k-1", "u-1", show, 9985)
	g.User = amsbridge.User{ID: "u-1"}
	_, err := e.client.Give(t.Context(), g)
	require.NoError(t, err)
	require.Equal(t, "M", calledOf(e.sandbox))
}

// TestSandboxTakeByEmail: looking people up by e-mail address, a take needs it as well.
func TestSandboxTakeByEmail(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *notified.Config, _ *notifiedtest.Config) { c.LookupByEmail = true })
	require.True(t, e.client.TakeNeedsProfile())
	require.False(t, newEnv(t, nil).client.TakeNeedsProfile())
	const own = "own.address@members.example"
	require.NoError(t, e.sandbox.AddUser(area, notifiedtest.User{ID: "u-mail", Email: own}))
	require.NoError(t, e.sandbox.Register("u-mail", show, "full"))
	g := push("k-1", "any-id", show, 9985)
	g.User.Email = own
	_, err := e.client.Give(t.Context(), g)
	require.NoError(t, err)
	g.User = amsbridge.User{ID: "any-id"}
	_, err = e.client.Take(t.Context(), g)
	require.Contains(t, failure(t, err).Reason, "notified: Person.Email is empty")
	g.User.Email = own
	_, err = e.client.Take(t.Context(), g)
	require.NoError(t, err)
	require.Equal(t, "M N", calledOf(e.sandbox))
}

func TestSandboxTicket(t *testing.T) {
	t.Parallel()
	inEveryWay(t, func(t *testing.T, _ string, e env) {
		url, err := e.client.MintTicket(t.Context(), oddID, amsbridge.Product{ShowKey: show})
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
		visits := e.sandbox.Visits()
		require.Len(t, visits, 1)
		require.Equal(t, oddID, visits[0].User)

		for user, code := range map[amsbridge.UserID]string{"u-guest": "72", "u-nobody": "71"} {
			url, err = e.client.MintTicket(t.Context(), user, amsbridge.Product{ShowKey: show})
			require.Empty(t, url)
			require.Equal(t, code, failure(t, err).Code)
		}
	})
}

func TestSandboxOptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*notified.Config)
		m      amsbridge.Grant
		want   string
	}{
		"upsert, known":        {func(c *notified.Config) { c.UpsertProfile = true }, push("k", "u-guest", show, 9985), "C K R M"},
		"upsert, unknown":      {func(c *notified.Config) { c.UpsertProfile = true }, push("k", "u-new", show, 9985), "C K R M"},
		"move":                 {func(c *notified.Config) { c.MoveToPackage = true }, push("k", "u-day", show, 9985), "r M"},
		"both, unknown":        {func(c *notified.Config) { c.UpsertProfile, c.MoveToPackage = true, true }, push("k", "u-new", show, 9985), "CrM"},
		"both, other package":  {func(c *notified.Config) { c.UpsertProfile, c.MoveToPackage = true, true }, push("k", "u-day", show, 9985), "CrM"},
		"by e-mail":            {func(c *notified.Config) { c.LookupByEmail = true }, push("k", "any-id", show, 9985), "K R M"},
		"by e-mail and upsert": {func(c *notified.Config) { c.LookupByEmail, c.UpsertProfile = true, true }, push("k", "any-id", show, 9985), "C K R M"},
	} {
		for way, change := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				e := newEnv(t, func(n *notified.Config, s *notifiedtest.Config) {
					if change != nil {
						change(n, s)
					}
					c.change(n)
				})
				const own = "own.address@members.example"
				require.NoError(t, e.sandbox.AddUser(area, notifiedtest.User{ID: "u-day", Email: own}))
				require.NoError(t, e.sandbox.Register("u-day", show, "day"))
				m := first(c.m, full)
				if strings.HasPrefix(name, "by e-mail") {
					require.NoError(t, e.sandbox.AddUser(area, notifiedtest.User{ID: "u-mail", Email: own}))
					m.User.Email = own
					require.NoError(t, e.sandbox.AddUser(area, notifiedtest.User{ID: "u-day", Email: "another@members.example"}))
					m.User.ID = "u-mail"
				}
				_, err := e.client.Give(t.Context(), m)
				require.NoError(t, err)
				require.Equal(t, c.want, calledOf(e.sandbox))
				require.Equal(t, []int64{9985}, e.sandbox.AddOns(string(m.User.ID), show))
				_, err = e.client.Give(t.Context(), m)
				require.NoError(t, err, "the repeat")
				require.Equal(t, []int64{9985}, e.sandbox.AddOns(string(m.User.ID), show))
			})
		}
	}
}

// TestSandboxChain: the opcodes before a chain's stop have taken effect and are returned.
func TestSandboxChain(t *testing.T) {
	t.Parallel()
	inEveryWay(t, func(t *testing.T, _ string, e env) {
		q := notified.Chain{OpCodes: "RKMANZT", Person: notified.Person{UserID: "u-guest"}, ShowKey: show, ShowPackageKey: full, AddOnKeys: []int64{10342, 9985}}
		steps, err := e.client.Chain(t.Context(), q)
		require.NoError(t, err)
		require.Len(t, steps, 7)
		require.Equal(t, int64(full), steps[1].ShowPackageKey)
		require.Equal(t, 2, steps[2].AddOnsChanged)
		require.Equal(t, []int64{9985, 10342}, steps[3].AddOns)
		require.Equal(t, 2, steps[4].AddOnsChanged)
		require.NotEmpty(t, steps[5].RegistrationID)
		require.NotEmpty(t, steps[6].Ticket.Key())

		q.OpCodes, q.AddOnKeys = "KMT", []int64{1}
		steps, err = e.client.Chain(t.Context(), q)
		d := failure(t, err)
		require.Equal(t, "76", d.Code)
		require.Contains(t, d.Reason, "at opcode M, number 2 of KMT")
		require.Len(t, steps, 2)
		require.Equal(t, int64(full), steps[0].ShowPackageKey)
		require.Equal(t, 76, steps[1].Status)
		require.Empty(t, d.Detail, "a reply that may hold a ticket is not kept")
	})
}

// TestSandboxLongList: A's answer for the longest list can be read.
func TestSandboxLongList(t *testing.T) {
	t.Parallel()
	var keys []int64
	var addOns []notifiedtest.AddOn
	for k := int64(100_000); len(keys) < 1143; k++ { // of seven bytes each, with its comma
		keys = append(keys, k)
		addOns = append(addOns, notifiedtest.AddOn{Key: k})
	}
	e := newEnv(t, func(_ *notified.Config, s *notifiedtest.Config) { s.Shows[0].Packages[0].AddOns = addOns })
	m := push("k", "u-1", show, keys...)
	for _, already := range []bool{false, true} {
		result, err := e.client.Give(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, already, result.AlreadyDone)
	}
	result, err := e.client.Take(t.Context(), m)
	require.NoError(t, err)
	require.False(t, result.AlreadyDone)
	require.Empty(t, e.sandbox.AddOns("u-1", show))
}
