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

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/outbox"
)

// keyless returns a grant as staff preview it, who have no message.
func keyless() amsbridge.Grant { return grant(func(g *amsbridge.Grant) { g.Key = "" }) }

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
User-Agent: amsbridge/1.2.3

{"api_key":"***",` + facts},
	{elevate.AuthBearer, "", elevate.Key(key), `POST https://elevate.example.org/api/registration
Accept: application/json
Amsbridge-Key: {message key}
Authorization: Bearer ***
Content-Type: application/json
User-Agent: amsbridge/1.2.3

{` + facts},
	{elevate.AuthBasic, "", elevate.UserPassword("planted-user", key), `POST https://elevate.example.org/api/registration
Accept: application/json
Amsbridge-Key: {message key}
Authorization: Basic ***
Content-Type: application/json
User-Agent: amsbridge/1.2.3

{` + facts},
	{elevate.AuthHeader, "X-Api-Key", elevate.Key(key), `POST https://elevate.example.org/api/registration
Accept: application/json
Amsbridge-Key: {message key}
Content-Type: application/json
User-Agent: amsbridge/1.2.3
X-Api-Key: ***

{` + facts},
}

func TestGoldenPreviews(t *testing.T) {
	t.Parallel()
	for _, c := range previews {
		cfg := config("https://elevate.example.org/api/registration")
		cfg.Profile.Auth, cfg.Profile.AuthField, cfg.Credentials = c.auth, c.field, c.credentials
		p, err := newClient(t, cfg).Preview(keyless())
		require.NoError(t, err)
		require.Equal(t, c.golden, p.String())
	}
}

// The preview equals the request that is sent, except for the masks and the two headers that the
// connection adds.
func TestPreviewIsWhatGiveSends(t *testing.T) {
	t.Parallel()
	unmask := strings.NewReplacer(
		key, elevate.Masked, base64.StdEncoding.EncodeToString([]byte("planted-user:"+key)), elevate.Masked, "key-1", elevate.PreviewKey,
	)
	for _, c := range previews {
		for _, doubt := range []outbox.Doubt{0, outbox.DoubtUnknown} {
			var sent elevate.Preview
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				sent = elevate.Preview{Method: r.Method, Header: r.Header.Clone()}
				sent.URL = "http://" + r.Host + r.URL.String()
				sent.Body, _ = io.ReadAll(r.Body)
				_, _ = io.WriteString(w, `{"success":true}`)
			})
			cfg := config(base + "/api/registration")
			cfg.Profile.Auth, cfg.Profile.AuthField, cfg.Credentials = c.auth, c.field, c.credentials
			cfg.Profile.Email, cfg.Profile.UserID = "user.<mail>", "user.id"
			cfg.Profile.Extra = map[string]json.RawMessage{
				"site.code": json.RawMessage(`{"b": 1, "a": "<"}`), "own": json.RawMessage(`"` + key + `"`),
			}
			client := newClient(t, cfg)
			g := grant(func(g *amsbridge.Grant) { g.Doubt = doubt })
			p, err := client.Preview(g)
			require.NoError(t, err)
			require.Equal(t, g.Key, p.Header.Get("Amsbridge-Key"))
			p.Header.Set("Amsbridge-Key", elevate.PreviewKey)
			if doubt == 0 {
				first, err := client.Preview(keyless())
				require.NoError(t, err)
				require.Equal(t, first, p, "but for the key it is that of a grant without one")
			}
			require.Empty(t, sent.Method, "a preview sends nothing")
			_, err = client.Give(t.Context(), g)
			require.NoError(t, err)
			require.Equal(t, doubt == 0, strings.Contains(string(p.Body), `"send_confirmation_email":true`))

			require.Contains(t, string(sent.Body), `"own":"`+key, "the masks are the preview's alone")
			require.Equal(t, unmask.Replace(string(sent.Body)), string(p.Body))
			require.Equal(t, sent.Method, p.Method)
			require.Equal(t, sent.URL, p.URL)
			sent.Header.Del("Content-Length")
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
		p, err := client.Preview(keyless())
		require.NoError(t, err)
		for _, form := range []string{
			key, "4711", url.QueryEscape(key), base64.StdEncoding.EncodeToString([]byte(key)), "planted",
			base64.StdEncoding.EncodeToString([]byte("planted-user:" + key)),
		} {
			require.NotContains(t, fmt.Sprintf("%s %+v %s", p, p, p.Body), form)
		}
		require.Equal(t, "https://elevate.example.org/***?token=***&***&site=***", p.URL)
		require.Contains(t, string(p.Body), `"code":7`)

		p.Header.Set("Accept", "x") // the header is the caller's own copy
		again, err := client.Preview(keyless())
		require.NoError(t, err)
		require.Equal(t, "application/json", again.Header.Get("Accept"))
	}
}

func TestPreviewRefusesWhatGiveWould(t *testing.T) {
	t.Parallel()
	client := newClient(t, config("https://elevate.example.org/api"))
	for field, change := range map[string]func(*amsbridge.Grant){
		"Grant.Key":            func(g *amsbridge.Grant) { g.Key = "a\nb" },
		"Grant.Item":           ofNotified,
		"Grant.User.ID":        func(g *amsbridge.Grant) { g.User.ID = "" },
		"Grant.User.FirstName": func(g *amsbridge.Grant) { g.User.FirstName = " " },
		"Grant.User.LastName":  func(g *amsbridge.Grant) { g.User.LastName = "\xff" },
		"Grant.User.Email":     func(g *amsbridge.Grant) { g.User.Email = "" },
	} {
		p, err := client.Preview(grant(change))
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad, field)
		require.Equal(t, field, bad.Field)
		require.Empty(t, p)
	}
}

// A grant of a backfilled order asks for no mail, and the preview shows it.
func TestPreviewOfABackfilledOrder(t *testing.T) {
	t.Parallel()
	client := newClient(t, config("https://elevate.example.org/api"))
	for _, backfill := range []bool{true, false} {
		p, err := client.Preview(grant(func(g *amsbridge.Grant) { g.Backfill = backfill }))
		require.NoError(t, err)
		require.Contains(t, string(p.Body), fmt.Sprintf(`"send_confirmation_email":%t`, !backfill))
	}
}

// What the vendor's page says is a file; this is one for a format that has nothing in common with the guess.
func TestGoldenPreviewOfAProfileFromAFile(t *testing.T) {
	t.Parallel()
	file := strings.NewReader(`{
		"name": "a format with nothing of the guess", "auth": "header", "auth_field": "X-Api-Key",
		"first_name": "user.name.given", "last_name": "user.name.family", "email": "user.mail", "user_id": "user.uid",
		"remote_product_id": "product", "confirmation": "options.mail", "confirmation_on": "Y", "confirmation_off": "N",
		"extra": {"options.site": {"id": 7}}, "errors": ["fault.text"], "product_url": "links.product"
	}`)
	cfg := config("https://elevate.example.org/v2/register?site=7")
	var err error
	cfg.Profile, err = elevate.ReadProfile(file)
	require.NoError(t, err)
	p, err := newClient(t, cfg).Preview(grant(func(g *amsbridge.Grant) { g.Doubt = outbox.DoubtUnknown }))
	require.NoError(t, err)
	require.Equal(t, `POST https://elevate.example.org/v2/register?site=***
Accept: application/json
Amsbridge-Key: key-1
Content-Type: application/json
User-Agent: amsbridge/1.2.3
X-Api-Key: ***

{"options":{"mail":"N","site":{"id":7}},"product":"COURSE-1","user":{"mail":"quintessa.o'malley@example.org",`+
		`"name":{"family":"O'Malley-Ångström","given":"Quintessa"},"uid":"U-abc\u0026é;%"}}`, p.String())
}

func ExampleClient_Preview() {
	client, err := elevate.New(elevate.Config{
		Endpoint: "https://learn.example.org/api/registration", Credentials: elevate.Key("a secret"), Profile: elevate.GuessedProfile(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := client.Preview(amsbridge.Grant{
		Item: amsbridge.Item{RemoteProductID: "COURSE-1"},
		User: amsbridge.User{ID: "u-7", FirstName: "Ada", LastName: "Byron", Email: "ada@example.org"},
	})
	fmt.Println(p.Method, p.URL, err)
	fmt.Println(string(p.Body))
	// Output:
	// POST https://learn.example.org/api/registration <nil>
	// {"api_key":"***","email":"ada@example.org","firstname":"Ada","lastname":"Byron","remote_product_id":"COURSE-1","send_confirmation_email":false,"unique_user_id":"u-7"}
}
