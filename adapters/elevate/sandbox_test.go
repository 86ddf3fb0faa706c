package elevate_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/outbox"
)

func sandbox(t *testing.T) (*elevatetest.Server, *elevate.Client, string) {
	t.Helper()
	s, err := elevatetest.New(elevatetest.Config{
		Key: key, Profile: elevate.GuessedProfile(),
		Products: []elevatetest.Product{
			{RemoteProductID: "COURSE-1", Title: "Safety <1>"},
			{RemoteProductID: "DRAFT", Closed: true},
		},
	})
	require.NoError(t, err)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, newClient(t, config(srv.URL+"/api/registration")), srv.URL
}

func TestSandboxRegistersOnce(t *testing.T) {
	t.Parallel()
	s, c, base := sandbox(t)
	for range 2 {
		res, err := c.Give(t.Context(), grant(nil))
		require.NoError(t, err)
		require.Equal(t, base+"/products/course-1", amsbridge.DecodeReceipt(res.Receipt).ProductURL)
	}
	require.Equal(t, []amsbridge.User{{ID: userID, FirstName: firstName, LastName: lastName, Email: email}}, s.Users())
	require.Len(t, s.Registrations(), 1)
	require.Len(t, s.Mails(), 2, "a repeat that asks for a mail gets one")
	calls := s.Journal()
	require.Len(t, calls, 2)
	for i, call := range calls {
		require.Empty(t, call.Violations)
		require.Equal(t, elevatetest.Call{
			Seq: i + 1, Time: call.Time, Key: "key-1", UserID: userID, RemoteProductID: "COURSE-1", Confirmation: true,
			Effect: i == 0, Repeat: i == 1, Status: 200,
		}, call)
	}

	resp, err := http.Get(base + "/products/course-1") //nolint:noctx // a test's own server
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestSandboxRefusals(t *testing.T) {
	t.Parallel()
	s, c, base := sandbox(t)
	for product, reason := range map[string]string{"NOWHERE": "unknown product", "DRAFT": "closed"} {
		_, err := c.Give(t.Context(), grant(func(g *amsbridge.Grant) { g.Item.RemoteProductID = product }))
		var d *outbox.DeliveryError
		require.ErrorAs(t, err, &d)
		require.Equal(t, outbox.OutcomeRejected, d.Outcome)
		require.Contains(t, d.Reason, reason)
	}
	cfg := config(base + "/api/registration")
	cfg.Credentials = elevate.Key("another")
	_, err := newClient(t, cfg).Give(t.Context(), grant(nil))
	var d *outbox.DeliveryError
	require.ErrorAs(t, err, &d)
	require.Equal(t, outbox.OutcomeUnauthorized, d.Outcome)
	require.Empty(t, s.Registrations())
	require.Empty(t, s.Users(), "a refused call leaves no user")
}

func TestSandboxFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault      elevatetest.Fault
		want       outbox.Outcome // none for a delivery
		retryAfter time.Duration
		effect     bool
	}{
		{elevatetest.Fault{Kind: elevatetest.Throttle, RetryAfter: "90"}, outbox.OutcomeThrottled, 90 * time.Second, false},
		{elevatetest.Fault{Kind: elevatetest.Throttle, RetryAfter: "999999999"}, outbox.OutcomeThrottled, 6 * time.Hour, false},
		{elevatetest.Fault{Kind: elevatetest.Throttle, RetryAfter: "-1"}, outbox.OutcomeThrottled, 0, false},
		{elevatetest.Fault{Kind: elevatetest.ServerError}, outbox.OutcomeUnavailable, 0, false},
		{elevatetest.Fault{Kind: elevatetest.ServerError, Effect: true}, outbox.OutcomeUnavailable, 0, true},
		{elevatetest.Fault{Kind: elevatetest.Unavailable, RetryAfter: "7"}, outbox.OutcomeUnavailable, 7 * time.Second, false},
		{elevatetest.Fault{Kind: elevatetest.Unauthorized}, outbox.OutcomeUnauthorized, 0, false},
		{elevatetest.Fault{Kind: elevatetest.Forbidden}, outbox.OutcomeUnauthorized, 0, false},
		{elevatetest.Fault{Kind: elevatetest.Garbage}, outbox.OutcomeUnknown, 0, false},
		{elevatetest.Fault{Kind: elevatetest.LoginPage}, outbox.OutcomeUnknown, 0, false},
		{elevatetest.Fault{Kind: elevatetest.Redirect}, outbox.OutcomeUnavailable, 0, false},
		{elevatetest.Fault{Kind: elevatetest.Slow, Delay: time.Millisecond}, outbox.OutcomeNone, 0, true},
		{elevatetest.Fault{Kind: elevatetest.CutBefore}, outbox.OutcomeUnknown, 0, false},
		{elevatetest.Fault{Kind: elevatetest.CutAfter}, outbox.OutcomeUnknown, 0, true},
		{elevatetest.Fault{Kind: elevatetest.Truncate}, outbox.OutcomeUnknown, 0, true},
	} {
		t.Run(c.fault.Kind.String()+" "+c.fault.RetryAfter, func(t *testing.T) {
			t.Parallel()
			s, client, _ := sandbox(t)
			s.Misbehave(c.fault)
			_, err := client.Give(t.Context(), grant(nil))
			require.Equal(t, c.effect, len(s.Registrations()) == 1)
			require.Len(t, s.Journal(), 1, "the client sends once")
			require.Equal(t, c.fault.Kind, s.Journal()[0].Fault)
			if c.want == outbox.OutcomeNone {
				require.NoError(t, err)
				return
			}
			var d *outbox.DeliveryError
			require.ErrorAs(t, err, &d)
			require.Equal(t, c.want, d.Outcome, d)
			require.Equal(t, c.retryAfter, d.RetryAfter)
			requireClean(t, d.Error()+d.Detail)

			_, err = client.Give(t.Context(), grant(func(g *amsbridge.Grant) { g.Doubt = outbox.DoubtUnknown }))
			require.NoError(t, err)
			require.Len(t, s.Registrations(), 1, "the repeat made no second registration")
			require.True(t, s.Journal()[1].Repeat)
			require.False(t, s.Journal()[1].Confirmation)
		})
	}
}

func TestSandboxHoldsTheAnswer(t *testing.T) {
	t.Parallel()
	s, c, _ := sandbox(t)
	hold := elevatetest.NewHold()
	s.Misbehave(elevatetest.Fault{Kind: elevatetest.HoldAfter, Hold: hold})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-hold.Held()
		cancel()
	}()
	_, err := c.Give(ctx, grant(nil))
	var d *outbox.DeliveryError
	require.ErrorAs(t, err, &d)
	require.Equal(t, outbox.OutcomeUnknown, d.Outcome)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, s.Registrations(), 1)
}

// Every Auth, and nested names, from the client to the sandbox.
func TestSandboxSpeaksTheProfile(t *testing.T) {
	t.Parallel()
	for _, auth := range []elevate.Auth{elevate.AuthBody, elevate.AuthBearer, elevate.AuthBasic, elevate.AuthHeader} {
		p := elevate.GuessedProfile()
		p.Auth, p.AuthField = auth, "Key-Of-Ours"
		p.Email, p.UserID, p.ProductURL, p.Success = "user.contact.email", "user.id", "data.links.product", []string{"data.done"}
		p.ConfirmationOn, p.ConfirmationOff = []byte(`{"b":[1],"a":"on"}`), []byte(`"off"`)
		p.Extra = map[string]json.RawMessage{"site.code": json.RawMessage(`7`), "tags": json.RawMessage(`["a", "b"]`)}
		s, err := elevatetest.New(elevatetest.Config{
			Key: key, UserName: "u", Password: key, Profile: p, Products: []elevatetest.Product{{RemoteProductID: "COURSE-1"}},
		})
		require.NoError(t, err)
		cfg := config(serve(t, s.ServeHTTP) + "/api/registration")
		cfg.Profile = p
		if auth == elevate.AuthBasic {
			cfg.Credentials = elevate.UserPassword("u", key)
		}
		res, err := newClient(t, cfg).Give(t.Context(), grant(nil))
		require.NoError(t, err, auth)
		require.NotEmpty(t, res.Receipt)
		require.Len(t, s.Mails(), 1)
	}
}
