package elevate_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/stretchr/testify/require"
)

func registration() amsbridge.Registration {
	return amsbridge.Registration{
		OrderID: "order-1", LineID: "line-1", RemoteProductID: "COURSE-1",
		User: amsbridge.User{ID: userID, FirstName: firstName, LastName: lastName, Email: email},
	}
}

const facts = `"email":"quintessa.o'malley@example.org","firstname":"Quintessa","lastname":"O'Malley-Ångström",` +
	`"remote_product_id":"COURSE-1","send_confirmation_email":true,"unique_user_id":"U-abc\u0026é;%"}`

// previews are the whole requests of the guessed profile, by the way of
// authentication.
var previews = []struct {
	auth        elevate.Auth
	field       string
	credentials elevate.Credentials
	golden      string
}{
	{elevate.AuthBody, "api_key", elevate.Key(key), `POST https://elevate.example.org/api/registration
Accept: application/json
Amsbridge-Key: {message key}
Content-Type: application/json

{"api_key":"***",` + facts},
	{elevate.AuthBearer, "", elevate.Key(key), `POST https://elevate.example.org/api/registration
Accept: application/json
Amsbridge-Key: {message key}
Authorization: Bearer ***
Content-Type: application/json

{` + facts},
	{elevate.AuthBasic, "", elevate.UserPassword("planted-user", key), `POST https://elevate.example.org/api/registration
Accept: application/json
Amsbridge-Key: {message key}
Authorization: Basic ***
Content-Type: application/json

{` + facts},
	{elevate.AuthHeader, "X-Api-Key", elevate.Key(key), `POST https://elevate.example.org/api/registration
Accept: application/json
Amsbridge-Key: {message key}
Content-Type: application/json
X-Api-Key: ***

{` + facts},
}

func TestGoldenPreviews(t *testing.T) {
	t.Parallel()
	for _, c := range previews {
		cfg := config("https://elevate.example.org/api/registration")
		cfg.Profile.Auth, cfg.Profile.AuthField, cfg.Credentials = c.auth, c.field, c.credentials
		p, err := newClient(t, cfg).Preview(registration())
		require.NoError(t, err)
		require.Equal(t, c.golden, p.String())
	}
}

// What the preview shows is what goes out, up to the masks and to the three
// headers that the connection adds.
func TestPreviewIsWhatDeliverSends(t *testing.T) {
	t.Parallel()
	unmask := strings.NewReplacer(
		key, elevate.Masked, base64.StdEncoding.EncodeToString([]byte("planted-user:"+key)), elevate.Masked, "key-1", elevate.PreviewKey,
	)
	for _, c := range previews {
		for _, confirm := range []bool{true, false} {
			var sent elevate.Preview
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				sent = elevate.Preview{Method: r.Method, Header: r.Header.Clone()}
				sent.URL = "http://" + r.Host + r.URL.String()
				sent.Body, _ = io.ReadAll(r.Body)
				_, _ = io.WriteString(w, `{"success":true}`)
			})
			cfg := config(base + "/api/registration")
			cfg.SendConfirmation = confirm
			cfg.Profile.Auth, cfg.Profile.AuthField, cfg.Credentials = c.auth, c.field, c.credentials
			cfg.Profile.Email, cfg.Profile.UserID = "user.<mail>", "user.id"
			cfg.Profile.Extra = map[string]json.RawMessage{
				"site.code": json.RawMessage(`{"b": 1, "a": "<"}`), "own": json.RawMessage(`"` + key + `"`),
			}
			client := newClient(t, cfg)
			p, err := client.Preview(registration())
			require.NoError(t, err)
			require.Empty(t, sent.Method, "a preview sends nothing")
			_, err = client.Deliver(t.Context(), message(t, nil))
			require.NoError(t, err)

			require.Contains(t, string(sent.Body), `"own":"`+key, "the masks are the preview's alone")
			require.Equal(t, unmask.Replace(string(sent.Body)), string(p.Body))
			require.Equal(t, sent.Method, p.Method)
			require.Equal(t, sent.URL, p.URL)
			sent.Header.Del("Content-Length")
			sent.Header.Del("User-Agent")
			for _, values := range sent.Header {
				for i := range values {
					values[i] = unmask.Replace(values[i])
				}
			}
			require.Equal(t, sent.Header, p.Header)
		}
	}
}

func TestPreviewMasksCredentialsEverywhere(t *testing.T) {
	t.Parallel()
	for _, c := range previews {
		cfg := config("https://elevate.example.org/" + url.PathEscape(key) + "/r?token=" + url.QueryEscape(key) + "&" + key + "&site=7")
		cfg.Profile.Auth, cfg.Profile.AuthField, cfg.Credentials = c.auth, c.field, c.credentials
		cfg.Profile.Extra = map[string]json.RawMessage{
			"site.key": json.RawMessage(`{"a":["x ` + strings.ReplaceAll(key, "/", `\/`) + `"]}`),
			"own":      json.RawMessage(`"\u0070lanted` + key[len("planted"):] + `"`),
			"code":     json.RawMessage(`7`),
		}
		client := newClient(t, cfg)
		p, err := client.Preview(registration())
		require.NoError(t, err)
		for _, form := range []string{
			key, "4711", url.QueryEscape(key), base64.StdEncoding.EncodeToString([]byte(key)), "planted",
			base64.StdEncoding.EncodeToString([]byte("planted-user:" + key)),
		} {
			require.NotContains(t, fmt.Sprintf("%s %+v %s", p, p, p.Body), form)
		}
		require.Equal(t, "https://elevate.example.org/***?token=***&***&site=***", p.URL)
		require.Contains(t, string(p.Body), `"code":7`)

		p.Header.Set("Accept", "x") // it is the caller's own
		again, err := client.Preview(registration())
		require.NoError(t, err)
		require.Equal(t, "application/json", again.Header.Get("Accept"))
	}
}

func TestPreviewRefusesWhatDeliverWould(t *testing.T) {
	t.Parallel()
	client := newClient(t, config("https://elevate.example.org/api"))
	for field, change := range map[string]func(*amsbridge.Registration){
		"user ID":           func(r *amsbridge.Registration) { r.User.ID = "" },
		"remote product ID": func(r *amsbridge.Registration) { r.RemoteProductID = "" },
		"first name":        func(r *amsbridge.Registration) { r.User.FirstName = " " },
		"last name":         func(r *amsbridge.Registration) { r.User.LastName = "\xff" },
		"email":             func(r *amsbridge.Registration) { r.User.Email = "" },
	} {
		r := registration()
		change(&r)
		p, err := client.Preview(r)
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad, field)
		require.Equal(t, field, bad.Field)
		require.Empty(t, p)
	}
}

func ExampleClient_Preview() {
	client, err := elevate.New(elevate.Config{
		Endpoint: "https://learn.example.org/api/registration", Credentials: elevate.Key("a secret"), Profile: elevate.GuessedProfile(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := client.Preview(amsbridge.Registration{
		RemoteProductID: "COURSE-1",
		User:            amsbridge.User{ID: "u-7", FirstName: "Ada", LastName: "Byron", Email: "ada@example.org"},
	})
	fmt.Println(p.Method, p.URL, err)
	fmt.Println(string(p.Body))
	// Output:
	// POST https://learn.example.org/api/registration <nil>
	// {"api_key":"***","email":"ada@example.org","firstname":"Ada","lastname":"Byron","remote_product_id":"COURSE-1","send_confirmation_email":false,"unique_user_id":"u-7"}
}
