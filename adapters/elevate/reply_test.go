package elevate_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

const html200 = "<!DOCTYPE html><html><body>success: true</body></html>"

// Replies by status and body; {self} is the endpoint's own address. The
// outcome "none" stands for delivered.
func TestReplies(t *testing.T) {
	t.Parallel()
	const delivered = outbox.OutcomeNone
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   outbox.Outcome
		text   string // in the reason, or in a delivery's detail
		url    string
	}{
		{"success and link", 200, `{"success":true,"product_url":"{self}/p/1"}`, delivered, "", "{self}/p/1"},
		{"link alone", 200, `{"product_url":"{self}/p/1"}`, delivered, "", "{self}/p/1"},
		{"success alone", 201, `{"success":true}`, delivered, "", ""},
		{"success as text", 200, `{"success":"OK"}`, delivered, "", ""},
		{"byte order mark", 200, "\ufeff" + `{"success":true}`, delivered, "", ""},
		{"empty errors", 200, `{"success":true,"error":"","errors":[]}`, delivered, "", ""},
		{"no error at all", 200, `{"success":true,"error":null,"errors":{}}`, delivered, "", ""},
		{"empty lists in errors", 200, `{"success":true,"errors":{"base":[],"code":0}}`, delivered, "", ""},
		{"error that says none", 200, `{"success":true,"error":"None"}`, delivered, "", ""},
		{"error that says no error", 200, `{"success":true,"error":"No error"}`, delivered, "", ""},
		{"error that is zero as a fraction", 200, `{"success":true,"error":0.0}`, delivered, "", ""},
		{"error that is 00", 200, `{"success":true,"error":"00"}`, delivered, "", ""},
		{"error that is -0", 200, `{"success":true,"error":"-0"}`, delivered, "", ""},
		{"errors that say no error", 200, `{"success":true,"errors":["no error"]}`, delivered, "", ""},
		{"error of code 0", 200, `{"success":true,"error":{"code":0,"message":"OK"}}`, delivered, "", ""},
		{"no error, with a full stop", 200, `{"success":true,"error":"No error."}`, delivered, "", ""},
		{"error that does not apply", 200, `{"success":true,"error":"N/A"}`, delivered, "", ""},
		{"error of code 1, and OK", 200, `{"success":true,"error":{"code":1,"message":"OK"}}`, outbox.OutcomeRejected, "", ""},
		{"status ok", 200, `{"status":"ok"}`, delivered, "", ""},
		{"status of HTTP", 200, `{"status":201}`, delivered, "", ""},
		{"success, and another status", 200, `{"success":true,"status":"registered"}`, delivered, "", ""},
		{"relative link", 200, `{"success":true,"product_url":"/p/1?a=b"}`, delivered, "", "{self}/p/1?a=b"},
		{"relative link alone", 200, `{"product_url":"/p/1"}`, delivered, "", "{self}/p/1"},
		{"relative link without a slash", 200, `{"success":true,"product_url":"p/1"}`, delivered, "not https", ""},
		{"relative link to another host", 200, `{"success":true,"product_url":"//evil.example/p"}`, delivered, "not stored", ""},
		{"object for a link", 200, `{"success":true,"product_url":{"id":1,"url":"{self}/p/1"}}`, delivered, "", "{self}/p/1"},
		{"object with href for a link", 200, `{"product_url":{"href":"{self}/p/1"}}`, delivered, "", "{self}/p/1"},
		{"link deeper", 200, `{"success":true,"data":{"product_url":"{self}/p/1"}}`, delivered, "", "{self}/p/1"},
		{"two links deeper", 200, `{"success":true,"a":{"product_url":"{self}/p/1"},"b":{"product_url":"{self}/p/2"}}`, delivered, "", ""},
		{"Latin-1", 200, "{\"success\":true,\"name\":\"Zo\xeb\"}", delivered, "", ""},
		{"link elsewhere", 200, `{"success":true,"product_url":"https://evil.example/p"}`, delivered, "AllowedHosts", ""},
		{"link of another scheme", 200, `{"success":true,"product_url":"javascript:alert(1)"}`, delivered, "not https", ""},
		{"link that is a number", 200, `{"success":true,"product_url":7}`, delivered, "not stored", ""},
		{"link with the e-mail", 200, `{"success":true,"product_url":"{self}/p?m=` + url.QueryEscape(email) + `"}`, delivered, "e-mail", ""},

		{"said no", 200, `{"success":false}`, outbox.OutcomeRejected, "reports a failure", ""},
		{"said no in text", 200, `{"success":"Failed"}`, outbox.OutcomeRejected, "reports a failure", ""},
		{"said no, with link", 200, `{"success":false,"product_url":"{self}/p/1"}`, outbox.OutcomeRejected, "", ""},
		{"error", 200, `{"error":"unknown product"}`, outbox.OutcomeRejected, "unknown product", ""},
		{"error beside success", 200, `{"success":true,"errors":["draft"]}`, outbox.OutcomeRejected, "draft", ""},
		{"error object", 200, `{"errors":{"product":["is closed"]}}`, outbox.OutcomeRejected, "is closed", ""},

		{"status of HTTP says no", 200, `{"status":422,"product_url":"{self}/p/1"}`, outbox.OutcomeRejected, "reports a failure", ""},
		{"success, and a status that says no", 200, `{"success":true,"status":"error"}`, outbox.OutcomeRejected, "reports a failure", ""},

		{"link deeper alone", 200, `{"data":{"success":false,"product_url":"{self}/p/1"}}`, outbox.OutcomeUnknown, "neither success nor error", ""},
		{"error that says none, alone", 200, `{"error":"none"}`, outbox.OutcomeUnknown, "neither success nor error", ""},
		{"status that says neither", 200, `{"status":"pending"}`, outbox.OutcomeUnknown, "neither yes nor no", ""},
		{"nothing said", 200, `{}`, outbox.OutcomeUnknown, "neither success nor error", ""},
		{"link elsewhere alone", 200, `{"product_url":"https://evil.example/p"}`, outbox.OutcomeUnknown, "", ""},
		{"success neither", 200, `{"success":"perhaps","product_url":"{self}/p/1"}`, outbox.OutcomeUnknown, "neither yes nor no", ""},
		{"success null", 200, `{"success":null,"product_url":"{self}/p/1"}`, outbox.OutcomeUnknown, "neither yes nor no", ""},
		{"success in other case", 200, `{"Success":true}`, outbox.OutcomeUnknown, "", ""},
		{"success twice", 200, `{"success":false,"success":true}`, outbox.OutcomeUnknown, "twice", ""},
		{"success deep down", 200, `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `,"success":true}`, outbox.OutcomeUnknown, "deeply", ""},
		{"HTML", 200, html200, outbox.OutcomeUnknown, "a web page", ""},
		{"list", 200, `[{"success":true}]`, outbox.OutcomeUnknown, "", ""},
		{"true", 200, `true`, outbox.OutcomeUnknown, "", ""},
		{"empty", 200, ``, outbox.OutcomeUnknown, "", ""},
		{"no content", 204, ``, outbox.OutcomeUnknown, "", ""},
		{"cut JSON", 200, `{"success":true,"product_url":"{self}`, outbox.OutcomeUnknown, "", ""},
		{"two objects", 200, `{"success":true}{"success":false}`, outbox.OutcomeUnknown, "", ""},
		{"too long", 200, `{"success":true,"x":"` + strings.Repeat("x", 70<<10) + `"}`, outbox.OutcomeUnknown, "longer than is read", ""},
		{"too long, padded", 200, `{"success":true}` + strings.Repeat(" ", 70<<10), outbox.OutcomeUnknown, "longer than is read", ""},

		{"redirect", 302, `{"success":true}`, outbox.OutcomeUnavailable, "redirects are not followed", ""},
		{"bad request", 400, `{"error":"unknown product"}`, outbox.OutcomeRejected, "unknown product", ""},
		{"unauthorized", 401, `{"success":true}`, outbox.OutcomeUnauthorized, "", ""},
		{"forbidden", 403, ``, outbox.OutcomeUnauthorized, "", ""},
		{"not found", 404, html200, outbox.OutcomeUnavailable, "no such API", ""},
		{"not found, in a framework's JSON", 404, `{"status":404,"error":"Not Found"}`, outbox.OutcomeUnavailable, "no such API", ""},
		{"product not found", 404, `{"error":"unknown product"}`, outbox.OutcomeRejected, "unknown product", ""},
		{"product not found, in a list", 404, `{"errors":["Product not found."]}`, outbox.OutcomeRejected, "Product not found.", ""},
		{"product not found, in an object", 404, `{"error":{"code":404,"message":"No such course!"}}`, outbox.OutcomeRejected, "No such course!", ""},
		{"product not found, by its field", 404, `{"errors":{"product_id":["is unknown"]}}`, outbox.OutcomeRejected, "is unknown", ""},
		{"resource not found", 404, `{"error":"Resource not found"}`, outbox.OutcomeUnavailable, "no such API", ""},
		{"throttled", 429, ``, outbox.OutcomeThrottled, "", ""},
		{"server error", 500, `{"success":true}`, outbox.OutcomeUnavailable, "", ""},
		{"unavailable", 503, ``, outbox.OutcomeUnavailable, "", ""},
		{"gateway time-out", 504, ``, outbox.OutcomeUnknown, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			self := ""
			self = serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, strings.ReplaceAll(c.body, "{self}", self))
			})
			res, err := newClient(t, config(self)).Give(t.Context(), grant(nil))
			if c.want != delivered {
				var d *outbox.DeliveryError
				require.ErrorAs(t, err, &d)
				require.Equal(t, c.want, d.Outcome, d)
				require.Contains(t, d.Reason, c.text)
				require.Equal(t, fmt.Sprint(c.status), d.Code)
				require.Equal(t, c.status == 403 || c.status == 302 || c.status == 404 && c.want != outbox.OutcomeRejected ||
					c.status/100 == 2 && c.want == outbox.OutcomeUnknown, d.Tentative)
				return
			}
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(c.status), res.Code)
			require.Contains(t, res.Detail, c.text)
			require.Equal(t, strings.ReplaceAll(c.url, "{self}", self), amsbridge.DecodeReceipt(res.Receipt).ProductURL)
			require.Equal(t, c.url != "", len(res.Receipt) > 0)
		})
	}
}

// JSON under the content type of a page is read all the same: it is the default of some languages' servers.
func TestJSONUnderAnotherContentType(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text/html; charset=UTF-8", "text/plain", "application/octet-stream"} {
		self := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, " "+`{"success":true}`)
		})
		_, err := newClient(t, config(self)).Give(t.Context(), grant(nil))
		require.NoError(t, err, kind)
	}
}

// Only what the platform says is scrubbed. A gap in a sentence that is known would tell the name that was there.
func TestOurOwnWordsStay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"refused":         {200, `{"error":"so Will said"}`, "rejected (200): the platform reports: so [removed] said"},
		"failed":          {200, `{"success":false}`, "rejected (200): the platform reports a failure"},
		"refused by HTTP": {422, `{"error":"so Will said"}`, "rejected (422): the platform refuses the request: so [removed] said"},
		"not understood":  {200, `{}`, "unknown (200): the reply says neither success nor error; are Config.Endpoint and the wire profile right?"},
		"a page":          {200, html200, "unknown (200): a web page answers; is Config.Endpoint right?"},
		"not there":       {404, html200, "unavailable (404): there is no such API; is the endpoint's URL right?"},
	} {
		self := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		})
		for _, word := range []string{"The", "platform", "Request", "A", "Page", "reports", "there", "right", "success"} {
			g := grant(nil)
			g.User.FirstName, g.User.LastName = "Will", word
			_, err := newClient(t, config(self)).Give(t.Context(), g)
			require.EqualError(t, err, c.want, name)
		}
	}
}

func TestAcceptUnmarked(t *testing.T) {
	t.Parallel()
	for body, delivered := range map[string]bool{
		`{}`: true, `{"id":7}`: true, `{"success":null}`: false, `{"error":"x"}`: false, html200: false, ``: false,
	} {
		cfg := config(serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		cfg.Profile.AcceptUnmarked = true
		_, err := newClient(t, cfg).Give(t.Context(), grant(nil))
		require.Equal(t, delivered, err == nil, body)
	}
}

// Nothing of a platform's echo, in whatever encoding, reaches what we store.
func TestPlantedSecretsAreNeverKept(t *testing.T) {
	t.Parallel()
	echo := func(r *http.Request) string {
		body, _ := io.ReadAll(r.Body)
		all := string(body) + fmt.Sprint(r.Header)
		for _, v := range []string{key, email, firstName, lastName, userID} {
			quoted, _ := json.Marshal(v)
			all += strings.Join([]string{
				"", v, strings.ToUpper(v), url.QueryEscape(v), url.PathEscape(v), html.EscapeString(v), string(quoted),
				base64.StdEncoding.EncodeToString([]byte(v)), base64.URLEncoding.EncodeToString([]byte(v)),
			}, " | ")
		}
		return all
	}
	for _, status := range []int{200, 302, 400, 401, 403, 429, 500, 504} {
		for _, form := range []string{"text", "error", "success"} {
			cfg := config(serve(t, func(w http.ResponseWriter, r *http.Request) {
				quoted, _ := json.Marshal(echo(r))
				w.Header().Set("Location", "/?"+url.QueryEscape(key))
				w.WriteHeader(status)
				switch form {
				case "text":
					_, _ = io.WriteString(w, echo(r))
				case "error":
					_, _ = fmt.Fprintf(w, `{"error":%s}`, quoted)
				case "success":
					_, _ = fmt.Fprintf(w, `{"success":true,"echo":%s,"product_url":%s}`, quoted, quoted)
				}
			}) + "/?token=" + url.QueryEscape(key))
			res, err := newClient(t, cfg).Give(t.Context(), grant(nil))
			requireClean(t, fmt.Sprintf("%+v %s", res, res.Receipt))
			for ; err != nil; err = errors.Unwrap(err) {
				requireClean(t, err.Error())
				if d := new(outbox.DeliveryError); errors.As(err, &d) {
					requireClean(t, fmt.Sprintf("%+v", *d))
				}
			}
		}
	}
	cfg := config("http://127.0.0.1:1/?token=" + url.QueryEscape(key))
	_, err := newClient(t, cfg).Give(t.Context(), grant(nil))
	for ; err != nil; err = errors.Unwrap(err) {
		requireClean(t, fmt.Sprintf("%+v", err))
	}
}

func requireClean(t *testing.T, text string) {
	t.Helper()
	for _, v := range []string{
		key, url.QueryEscape(key), base64.StdEncoding.EncodeToString([]byte(key)),
		email, "example.org", firstName, "Malley", userID, "abc%26", "abc&amp;", `abc\u0026`,
	} {
		require.NotContains(t, strings.ToLower(text), strings.ToLower(v))
	}
}

func TestProductURLBase(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"/p/1": "https://learn.example.org/p/1", "p/1?a=b": "https://learn.example.org/courses/p/1?a=b", "../x": "https://learn.example.org/x",
		"//learn.example.org/p": "https://learn.example.org/p", "//evil.example/p": "", "https://learn.example.org/q": "https://learn.example.org/q",
		"javascript:alert(1)": "", "//u@learn.example.org/p": "",
	} {
		cfg := config(serve(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"success":true,"product_url":%q}`, raw)
		}))
		cfg.AllowedHosts, cfg.Profile.ProductURLBase = []string{"learn.example.org"}, "https://learn.example.org/courses/"
		res, err := newClient(t, cfg).Give(t.Context(), grant(nil))
		require.NoError(t, err)
		require.Equal(t, want, amsbridge.DecodeReceipt(res.Receipt).ProductURL, raw)
	}
}

func TestProductURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://learn.example.org/p/1?a=b#c":                         "https://learn.example.org/p/1?a=b#c",
		"https://LEARN.example.org:443/p":                             "https://learn.example.org/p",
		"https://learn.example.org:/p":                                "https://learn.example.org/p",
		"https://www.example.org:8443/p":                              "https://www.example.org:8443/p",
		"https://www.example.org/p":                                   "",
		"https://elevate.example.org/p":                               "", // the list replaces the endpoint's host
		"https://x.learn.example.org/p":                               "",
		"https://learn.example.org.evil.org/p":                        "",
		"https://learn.example.org@evil.org/p":                        "",
		"https://u:p@learn.example.org/p":                             "",
		"https://learn.example.org:8443/p":                            "",
		"http://learn.example.org/p":                                  "",
		"//learn.example.org/p":                                       "",
		"/p/1":                                                        "",
		"https:learn.example.org":                                     "",
		"https:///learn.example.org":                                  "",
		`https:\\learn.example.org\p`:                                 "",
		`https://evil.org\@learn.example.org/p`:                       "",
		"https://learn.example.org/a b":                               "",
		"https://learn.example.org/\u0000":                            "",
		`https://learn.example.org/p?a="><script>`:                    "",
		"https://learn.example.org/`p`":                               "",
		"https://learn.example.org/é?é=1#é":                           "https://learn.example.org/%C3%A9?%C3%A9=1#%C3%A9",
		"https://learn.example.org/p?k=" + key:                        "",
		"https://learn.example.org/p/ü@example.org":                   "", // no e-mail address before it is escaped
		"https://learn.example.org/" + strings.Repeat("x", 2048):      "",
		"https://learn.example.org/" + strings.Repeat("\u00e9", 1000): "", // three times as long after escaping
	} {
		reply, err := json.Marshal(map[string]any{"success": true, "product_url": raw})
		require.NoError(t, err)
		cfg := config(serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(reply) }))
		cfg.AllowedHosts = []string{"Learn.example.org", "www.example.org:8443"}
		res, err := newClient(t, cfg).Give(t.Context(), grant(nil))
		require.NoError(t, err)
		require.Equal(t, want, amsbridge.DecodeReceipt(res.Receipt).ProductURL, raw)
		require.Equal(t, want == "", strings.Contains(res.Detail, "was not stored"), raw)
	}
}
