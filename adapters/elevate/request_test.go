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
	_, err := newClient(t, config(endpoint)).Deliver(t.Context(), message(t, nil))
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
		_, err := newClient(t, cfg).Deliver(t.Context(), message(t, nil))
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
		want     bool
	}{
		{false, 0, false, false},
		{true, 0, false, true},
		{true, 0, true, false},
		{true, outbox.DoubtLostLease, false, true},
		{true, outbox.DoubtUnknown, false, false},
		{true, outbox.DoubtUnknown | outbox.DoubtLostLease, false, false},
		{false, outbox.DoubtUnknown, false, false},
	} {
		var got map[string]any
		cfg := config(serve(t, func(w http.ResponseWriter, r *http.Request) {
			if json.NewDecoder(r.Body).Decode(&got) == nil {
				_, _ = io.WriteString(w, `{"success":true}`)
			}
		}))
		cfg.SendConfirmation = c.asked
		_, err := newClient(t, cfg).Deliver(t.Context(), message(t, func(m *outbox.Message) {
			m.Doubt = c.doubt
			if c.backfill {
				m.Profile = []byte(`{"first_name":"f","last_name":"l","email":"e@example.org","backfill":true}`)
			}
		}))
		require.NoError(t, err)
		require.Equal(t, c.want, got["send_confirmation_email"], c)
		require.NotContains(t, got, "backfill")
	}
}

func TestDeliverSendsNothingOfABadMessage(t *testing.T) {
	t.Parallel()
	client := newClient(t, config(serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })))
	for _, c := range []struct {
		reason string
		change func(*outbox.Message)
	}{
		{"message kind", func(m *outbox.Message) { m.Kind = amsbridge.KindAddOns }},
		{"message facts", func(m *outbox.Message) { m.Facts = []byte("<") }},
		{"message profile", func(m *outbox.Message) { m.Profile = []byte(`{"email":7}`) }},
		{"user ID", func(m *outbox.Message) { m.Facts = []byte(`{"user_id":" ","remote_product_id":"p"}`) }},
		{"remote product ID", func(m *outbox.Message) { m.Facts = []byte(`{"user_id":"u"}`) }},
		{"first name", func(m *outbox.Message) { m.Profile = nil }},
		{"first name", func(m *outbox.Message) { m.Profile = []byte(`{"first_name":" ","last_name":"l","email":"e@x.org"}`) }},
		{"last name", func(m *outbox.Message) { m.Profile = []byte(`{"first_name":"f","email":"e@x.org"}`) }},
		{"email", func(m *outbox.Message) { m.Profile = []byte(`{"first_name":"f","last_name":"l"}`) }},
		{"no request", func(m *outbox.Message) { m.Key = "a\nb" }},
	} {
		_, err := client.Deliver(t.Context(), message(t, c.change))
		var d *outbox.DeliveryError
		require.ErrorAs(t, err, &d, c.reason)
		require.Equal(t, outbox.OutcomeRejected, d.Outcome)
		require.Contains(t, d.Reason, c.reason)
	}
	_, err := client.Deliver(t.Context(), message(t, func(m *outbox.Message) { m.Version = 2 }))
	require.ErrorIs(t, err, outbox.ErrNewerVersion)
	var d *outbox.DeliveryError
	require.NotErrorAs(t, err, &d, "or the sender would park it")
}
