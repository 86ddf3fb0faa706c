package notified_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestGive(t *testing.T) {
	t.Parallel()
	inEveryWay(t, func(t *testing.T, way string, e env) {
		for _, user := range []string{"u-1", oddID} {
			result, err := e.client.Give(t.Context(), push("k-"+user[:3], user, show, 10342, 9985, 9985))
			require.NoError(t, err)
			require.False(t, result.AlreadyDone)
			require.Equal(t, "0", result.Code)
			require.Equal(t, 2, *amsbridge.DecodeReceipt(result.Receipt).AddOnsAdded)
			require.Contains(t, result.Detail, "AddOnsAdded")
			require.Equal(t, []int64{9985, 10342}, e.sandbox.AddOns(user, show))
		}
		calls := e.sandbox.Journal()
		require.Len(t, calls, 2)
		require.Equal(t, oddID, calls[1].User)
		for _, c := range calls {
			require.Empty(t, c.Violations)
			require.True(t, strings.HasPrefix(way, c.Method), c.Method)
			require.True(t, strings.HasPrefix(c.Key, "k-"), "the key header: %q", c.Key)
		}
	})
}

func TestGiveAgain(t *testing.T) {
	t.Parallel()
	inEveryWay(t, func(t *testing.T, _ string, e env) {
		m := push("k-1", "u-1", show, 9985, 10342)
		_, err := e.client.Give(t.Context(), m)
		require.NoError(t, err)

		m.Doubt = outbox.DoubtLost
		result, err := e.client.Give(t.Context(), m)
		require.NoError(t, err)
		require.True(t, result.AlreadyDone)
		require.Equal(t, 0, *amsbridge.DecodeReceipt(result.Receipt).AddOnsAdded)

		result, err = e.client.Give(t.Context(), push("k-2", "u-1", show, 9985))
		require.NoError(t, err)
		require.True(t, result.AlreadyDone, "at a first send too, once A shows that all are there")

		require.Equal(t, "M M A M A", calledOf(e.sandbox))
		for i, c := range e.sandbox.Journal() {
			require.Equal(t, i == 0, c.Effect)
			require.Equal(t, i > 0 && c.Key == "k-1" || c.OpCodes == "A", c.Repeat, c.OpCodes)
			require.Empty(t, c.Violations)
		}
	})
}

func TestGiveAgainWhereThePlatformCountsAll(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(_ *notified.Config, s *notifiedtest.Config) { s.ReAdd = notifiedtest.CountAll })
	m := push("k-1", "u-1", show, 9985)
	for _, doubt := range []outbox.Doubt{0, outbox.DoubtUnknown} {
		m.Doubt = doubt
		result, err := e.client.Give(t.Context(), m)
		require.NoError(t, err)
		require.False(t, result.AlreadyDone)
	}
}

func TestGiveRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		m    amsbridge.Grant
		want outbox.Outcome
		code string
	}{
		{"no such person", push("k", "u-nobody", show, 9985), outbox.OutcomeNotReady, "71"},
		{"not registered", push("k", "u-guest", show, 9985), outbox.OutcomeNotReady, "72"},
		{"no such show", push("k", "u-1", 1, 9985), outbox.OutcomeRejected, "51"},
		{"no such add-on", push("k", "u-1", show, 9985, 1), outbox.OutcomeRejected, "76"},
		{"another package's add-on", push("k", "u-1", show, 20001), outbox.OutcomeRejected, fmt.Sprint(notifiedtest.GuessStatusNotInPackage)},
		{"refers to another package", push("k", "u-1", show, 10400), outbox.OutcomeRejected, fmt.Sprint(notifiedtest.GuessStatusOtherPackage)},
	} {
		for _, way := range []string{"POST", "POST, H", "POST, T", "GET"} {
			t.Run(c.name+", "+way, func(t *testing.T) {
				t.Parallel()
				e := newEnv(t, ways[way])
				_, err := e.client.Give(t.Context(), c.m)
				d := failure(t, err)
				require.Equal(t, c.want, d.Outcome, d.Error())
				require.Equal(t, c.code, d.Code)
				require.NotEmpty(t, d.Detail)
				require.False(t, e.sandbox.Journal()[0].Effect)
			})
		}
	}
}

func TestGiveWrongCredentials(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *notified.Config, _ *notifiedtest.Config) { c.Credentials = "revoked" })
	_, err := e.client.Give(t.Context(), push("k", "u-1", show, 9985))
	d := failure(t, err)
	require.Equal(t, outbox.OutcomeUnauthorized, d.Outcome)
	require.False(t, d.Tentative, "one answer pauses the destination")
}

func TestGiveFaults(t *testing.T) {
	t.Parallel()
	half := `<APIResults APICallResult="0" APICallDiagnostic="OK" OpCodesProcessed="1" OpCodesInError="0"><OpCodeResult OpCode="M" Status="0">`
	for _, c := range []struct {
		fault  notifiedtest.Fault
		want   outbox.Outcome
		effect bool
		check  func(*testing.T, *outbox.DeliveryError)
	}{
		{fault: notifiedtest.Fault{Kind: notifiedtest.Throttle, RetryAfter: "7"}, want: outbox.OutcomeThrottled, check: func(t *testing.T, d *outbox.DeliveryError) {
			require.Equal(t, 7*time.Second, d.RetryAfter)
		}},
		{fault: notifiedtest.Fault{Kind: notifiedtest.Throttle, RetryAfter: "99999999999999999999"}, want: outbox.OutcomeThrottled, check: func(t *testing.T, d *outbox.DeliveryError) {
			require.Equal(t, 6*time.Hour, d.RetryAfter)
		}},
		{fault: notifiedtest.Fault{Kind: notifiedtest.ServerError}, want: outbox.OutcomeUnavailable},
		{fault: notifiedtest.Fault{Kind: notifiedtest.Unavailable}, want: outbox.OutcomeUnavailable},
		{fault: notifiedtest.Fault{Kind: notifiedtest.Unauthorized}, want: outbox.OutcomeUnauthorized, check: func(t *testing.T, d *outbox.DeliveryError) {
			require.False(t, d.Tentative)
		}},
		{fault: notifiedtest.Fault{Kind: notifiedtest.Forbidden}, want: outbox.OutcomeUnauthorized, check: func(t *testing.T, d *outbox.DeliveryError) {
			require.True(t, d.Tentative)
		}},
		{fault: notifiedtest.Fault{Kind: notifiedtest.Redirect}, want: outbox.OutcomeUnavailable, check: func(t *testing.T, d *outbox.DeliveryError) {
			require.True(t, d.Tentative)
		}},
		{fault: notifiedtest.Fault{Kind: notifiedtest.Garbage}, want: outbox.OutcomeUnknown},
		{fault: notifiedtest.Fault{Kind: notifiedtest.Garbage, Effect: true, Body: half}, want: outbox.OutcomeUnknown, effect: true},
		{fault: notifiedtest.Fault{Kind: notifiedtest.Garbage, Body: strings.Repeat(" ", 10<<20)}, want: outbox.OutcomeUnknown},
		{fault: notifiedtest.Fault{Kind: notifiedtest.LoginPage}, want: outbox.OutcomeUnknown},
		{fault: notifiedtest.Fault{Kind: notifiedtest.CutBefore}, want: outbox.OutcomeUnknown},
		{fault: notifiedtest.Fault{Kind: notifiedtest.CutAfter}, want: outbox.OutcomeUnknown, effect: true},
		{fault: notifiedtest.Fault{Kind: notifiedtest.Truncate}, want: outbox.OutcomeUnknown, effect: true},
	} {
		for _, way := range []string{"POST", "POST, H", "POST, T", "GET"} {
			t.Run(c.fault.Kind.String()+", "+way, func(t *testing.T) {
				t.Parallel()
				e := newEnv(t, ways[way])
				e.sandbox.Misbehave(notifiedtest.Fault{}, c.fault)
				_, err := e.client.Give(t.Context(), push("k-0", "u-1", show, 10342)) // leaves an idle one
				require.NoError(t, err)
				m := push("k-1", "u-1", show, 9985)
				_, err = e.client.Give(t.Context(), m)
				d := failure(t, err)
				require.Equal(t, c.want, d.Outcome, d.Error())
				require.NotEmpty(t, d.Reason)
				if c.check != nil {
					c.check(t, d)
				}
				calls := e.sandbox.Journal()
				require.Len(t, calls, 2, "a grant of add-ons sends once")
				require.Equal(t, c.effect, calls[1].Effect)
				require.Equal(t, c.effect, slices.Contains(e.sandbox.AddOns("u-1", show), 9985))
				require.Equal(t, c.fault.Kind, calls[1].Fault)

				m.Doubt = outbox.DoubtUnknown
				result, err := e.client.Give(t.Context(), m)
				require.NoError(t, err, "the retry")
				require.Equal(t, c.effect, result.AlreadyDone)
			})
		}
	}
}

func TestGiveEndsWithItsContext(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	hold := notifiedtest.NewHold()
	e.sandbox.Misbehave(notifiedtest.Fault{Kind: notifiedtest.HoldAfter, Hold: hold})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-hold.Held()
		cancel()
	}()
	_, err := e.client.Give(ctx, push("k", "u-1", show, 9985))
	require.Equal(t, outbox.OutcomeUnknown, failure(t, err).Outcome)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []int64{9985}, e.sandbox.AddOns("u-1", show))
}

func TestGiveUnreachable(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(nil)
	srv.Close()
	client := newClient(t, notified.Config{BaseURL: srv.URL + sandboxPath, UseGET: true})
	_, err := client.Give(t.Context(), push("k", "u-1", show, 9985))
	require.Equal(t, outbox.OutcomeUnavailable, failure(t, err).Outcome)
}

// Bad grants are rejected before anything is sent, with an error that names the field.
func TestBadGrants(t *testing.T) {
	t.Parallel()
	tooMany := make([]int64, 1143) // of seven bytes each, with its comma: 8,000 is the limit
	for i := range tooMany {
		tooMany[i] = int64(100_000 + i)
	}
	ofElevate := push("k", "u-1", show, 9985)
	ofElevate.Item.RemoteProductID = "course-101"
	e := newEnv(t, nil)
	for name, c := range map[string]struct {
		m     amsbridge.Grant
		take  bool
		field string
	}{
		"no user ID":         {push("k", "", show, 9985), false, "notified: Person.UserID is empty"},
		"long user ID":       {push("k", strings.Repeat("é", 128), show, 9985), false, "notified: Person.UserID is longer"},
		"user ID of a null":  {push("k", "undefined", show, 9985), false, "notified: Person.UserID"},
		"user ID in 2 lines": {push("k", "a\nb", show, 9985), false, "notified: Person.UserID has control"},
		"no show":            {push("k", "u-1", 0, 9985), false, "notified: Grant.Item is not of a show"},
		"Elevate's":          {ofElevate, false, "notified: Grant.Item is not of a show"},
		"no add-ons":         {push("k", "u-1", show), false, "notified: Chain.AddOnKeys are empty"},
		"negative add-on":    {push("k", "u-1", show, 9985, -1), false, "notified: Chain.AddOnKeys hold one"},
		"long list":          {push("k", "u-1", show, append(tooMany, 1)...), false, "notified: Chain.AddOnKeys are longer"},
		"first, no add-on":   {first(push("k", "u-1", show, 9985, -1), full), false, "notified: Chain.AddOnKeys hold one"},
		"first, no package":  {first(push("k", "u-1", show, 9985), -1), false, "notified: Chain.ShowPackageKey is not positive"},
		"take of none":       {push("k", "u-1", show), true, "notified: Chain.AddOnKeys are empty"},
		"take, no show":      {first(push("k", "u-1", 0), full), true, "notified: Grant.Item is not of a show"},
		"take, Elevate's":    {ofElevate, true, "notified: Grant.Item is not of a show"},
		"take, no user ID":   {push("k", "", show, 9985), true, "notified: Person.UserID is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := e.client.Give
			if c.take {
				call = e.client.Take
			}
			_, err := call(t.Context(), c.m)
			d := failure(t, err)
			require.Equal(t, outbox.OutcomeRejected, d.Outcome)
			require.Contains(t, d.Reason, c.field)
			var bad *amsbridge.InputError
			require.ErrorAs(t, err, &bad)
		})
	}
	require.Empty(t, e.sandbox.Journal())

	_, err := e.client.Give(t.Context(), push("k", "u-1", show, tooMany...))
	require.Equal(t, "76", failure(t, err).Code, "8,000 bytes are sent")
	require.Empty(t, e.sandbox.Journal()[0].Violations)
}
