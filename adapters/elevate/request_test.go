package elevate_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/outbox"
)

// golden is the whole request of the guessed profile. It changes only when the
// guess does.
const golden = `POST /api/registration HTTP/1.1
Host: elevate.example.org
Accept: application/json
Amsbridge-Key: key-1
Content-Length: 225
Content-Type: application/json
User-Agent: amsbridge/1.2.3

{"api_key":"planted+key/4711","email":"quintessa.o'malley@example.org","firstname":"Quintessa","lastname":"O'Malley-Ångström",` +
	`"remote_product_id":"COURSE-1","send_confirmation_email":true,"unique_user_id":"U-abc\u0026é;%"}`

func TestGoldenRequest(t *testing.T) {
	t.Parallel()
	var got []byte
	endpoint := serve(t, func(w http.ResponseWriter, r *http.Request) {
		r.Host = "elevate.example.org"
		got, _ = httputil.DumpRequest(r, true)
		_, _ = io.WriteString(w, `{"success":true}`)
	}) + "/api/registration"
	_, err := newClient(t, config(endpoint)).Give(t.Context(), grant(nil))
	require.NoError(t, err)
	require.Equal(t, golden, strings.ReplaceAll(string(got), "\r\n", "\n"))
}

func TestAuthStyles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		auth          elevate.Auth
		field         string
		credentials   elevate.Credentials
		header, value string
	}{
		{elevate.AuthBearer, "", elevate.Key(key), "Authorization", "Bearer " + key},
		{elevate.AuthHeader, "X-Api-Key", elevate.Key(key), "X-Api-Key", key},
		{elevate.AuthBasic, "", elevate.UserPassword("u", "pä:ss"), "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("u:pä:ss"))},
	} {
		var header http.Header
		var body string
		cfg := config(serve(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			header, body = r.Header, string(b)
			_, _ = io.WriteString(w, `{"success":true}`)
		}))
		cfg.Profile.Auth, cfg.Profile.AuthField, cfg.Credentials = c.auth, c.field, c.credentials
		_, err := newClient(t, cfg).Give(t.Context(), grant(nil))
		require.NoError(t, err)
		require.Equal(t, c.value, header.Get(c.header))
		require.NotContains(t, body, "api_key")
	}
}

func TestConfirmationIsAlwaysSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		asked    bool
		doubt    outbox.Doubt
		backfill bool
		had      bool
		want     bool
	}{
		{false, 0, false, false, false},
		{true, 0, false, false, true},
		{true, 0, true, false, false},
		{true, 0, false, true, false},
		{true, outbox.DoubtLost, false, false, true},
		{true, outbox.DoubtUnknown, false, false, false},
		{true, outbox.DoubtUnknown | outbox.DoubtLost, false, false, false},
		{false, outbox.DoubtUnknown, false, false, false},
	} {
		var got map[string]any
		cfg := config(serve(t, func(w http.ResponseWriter, r *http.Request) {
			if json.NewDecoder(r.Body).Decode(&got) == nil {
				_, _ = io.WriteString(w, `{"success":true}`)
			}
		}))
		cfg.SendConfirmation = c.asked
		_, err := newClient(t, cfg).Give(t.Context(), grant(func(g *amsbridge.Grant) {
			g.Doubt, g.Backfill, g.Had = c.doubt, c.backfill, c.had
		}))
		require.NoError(t, err)
		require.Equal(t, c.want, got["send_confirmation_email"], c)
		require.NotContains(t, got, "backfill")
	}
}

func TestNothingIsSentOfABadGrant(t *testing.T) {
	t.Parallel()
	client := newClient(t, config(serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })))
	for _, c := range []struct {
		reason string
		change func(*amsbridge.Grant)
	}{
		{"item is not", func(g *amsbridge.Grant) { g.Item = amsbridge.Item{} }},
		{"item is not", func(g *amsbridge.Grant) { g.Item.ShowKey = 4711 }},
		{"item is not", func(g *amsbridge.Grant) { g.Item.ShowPackageKey = 7 }},
		{"item is not", func(g *amsbridge.Grant) { g.Item.AddOnKeys = []int64{1} }},
		{"user ID", func(g *amsbridge.Grant) { g.User.ID = " " }},
		{"remote product ID", func(g *amsbridge.Grant) { g.Item.RemoteProductID = " " }},
		{"first name", func(g *amsbridge.Grant) { g.User = amsbridge.User{ID: "u"} }},
		{"first name", func(g *amsbridge.Grant) { g.User.FirstName = " " }},
		{"last name", func(g *amsbridge.Grant) { g.User.LastName = "" }},
		{"email", func(g *amsbridge.Grant) { g.User.Email = "" }},
		{"no request", func(g *amsbridge.Grant) { g.Key = "a\nb" }},
	} {
		_, err := client.Give(t.Context(), grant(c.change))
		var d *outbox.DeliveryError
		require.ErrorAs(t, err, &d, c.reason)
		require.Equal(t, outbox.OutcomeRejected, d.Outcome)
		require.Contains(t, d.Reason, c.reason)
	}
}

// What is to be taken back is work for a person, who is told of the product and of nobody.
func TestTakeAsksAPerson(t *testing.T) {
	t.Parallel()
	client := newClient(t, config(serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })))
	result, err := client.Take(t.Context(), grant(func(g *amsbridge.Grant) { g.User = amsbridge.User{ID: userID} }))
	require.Empty(t, result)
	require.Equal(t, &amsbridge.ByHandError{
		Task: "cancel the registration for product COURSE-1 in Elevate by hand: no call for it is known",
	}, err)
}
