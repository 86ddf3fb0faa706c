package notified_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/outbox"
)

const plantedUser = "planted-user/7;&"

// requireNothingPlanted looks for what was planted in all that a delivery gave.
func requireNothingPlanted(t *testing.T, result outbox.Result, err error) {
	t.Helper()
	said := fmt.Sprintf("%+v %s", result, result.Receipt)
	for ; err != nil; err = errors.Unwrap(err) {
		said += fmt.Sprintf("\n%v\n%+v\n%#v", err, err, err)
		if d, ok := err.(*outbox.DeliveryError); ok { //nolint:errorlint // each link of the chain is looked at
			said += fmt.Sprintf("%+v", *d)
		}
	}
	b, err := json.Marshal(result)
	require.NoError(t, err)
	said = strings.ToLower(said + string(b))
	for _, secret := range []string{authCode, credentials, plantedUser, "Planted-First", "Planted-Last", email} {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(url.QueryEscape(secret), "+", "%20")} {
			require.NotContains(t, said, strings.ToLower(form))
		}
	}
	require.NotContains(t, said, "planted")
}

// TestNothingPlantedComesOut makes deliveries fail in every way, against a
// platform that echoes all that it was sent, and looks for the credentials, the
// user ID, the names and the e-mail address in whatever comes back.
func TestNothingPlantedComesOut(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request, layout string) {
		_ = r.ParseForm()
		text := r.RequestURI + " " + r.PostForm.Encode() + " " + authCode + " " + credentials + " " + plantedUser + " Planted-First Planted-Last " + email
		_, _ = fmt.Fprintf(w, layout, strings.NewReplacer("&", "&amp;", `"`, "&quot;", "<", "&lt;").Replace(text))
	}
	for _, useGET := range []bool{false, true} {
		t.Run(fmt.Sprintf("echo, GET %v", useGET), func(t *testing.T) {
			t.Parallel()
			for _, layout := range []string{
				"%s", `<CallFailed Diag="%s"/>`, `<CallFailed Diag="bad credentials %s"/>`,
				`<APIResults APICallResult="5" APICallDiagnostic="%s"/>`,
				`<APIResults APICallResult="0"><OpCodeResult OpCode="M" Status="71" Message="%s"/></APIResults>`,
				`<APIResults APICallResult="0"><OpCodeResult OpCode="M" Status="99" Message="%s"/></APIResults>`,
				`<APIResults APICallResult="0" APICallDiagnostic="%s" OpCodesProcessed="1" OpCodesInError="0"><OpCodeResult OpCode="M" Status="0"><ResultRow><AddOnsAdded>1</AddOnsAdded></ResultRow></OpCodeResult></APIResults>`,
			} {
				for _, status := range []int{200, 302, 401, 403, 404, 429, 500, 503} {
					srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Location", "https://login.invalid/?"+r.URL.RawQuery)
						w.WriteHeader(status)
						echo(w, r, layout)
					}))
					client, err := notified.New(notified.Config{
						AuthCode: authCode, Credentials: credentials, AllowLoopbackHTTP: true, BaseURL: srv.URL, UseGET: useGET,
					})
					require.NoError(t, err)
					result, err := client.Deliver(t.Context(), push(t, "k", plantedUser, show, 9985))
					client.CloseIdleConnections()
					srv.Close()
					requireNothingPlanted(t, result, err)
					result, err = client.Deliver(t.Context(), push(t, "k", plantedUser, show, 9985)) // nobody listens
					require.Error(t, err)
					requireNothingPlanted(t, result, err)
				}
			}
		})
		t.Run(fmt.Sprintf("cut, GET %v", useGET), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *notified.Config, _ *notifiedtest.Config) { c.UseGET = useGET })
			for _, kind := range []notifiedtest.FaultKind{notifiedtest.CutBefore, notifiedtest.CutAfter, notifiedtest.Truncate, notifiedtest.Garbage} {
				w.sandbox.Misbehave(notifiedtest.Fault{Kind: kind})
				result, err := w.client.Deliver(t.Context(), push(t, "k", plantedUser, show, 9985))
				require.Error(t, err)
				requireNothingPlanted(t, result, err)
			}
			journal := fmt.Sprintf("%+v", w.sandbox.Journal())
			for _, secret := range []string{authCode, credentials, email} {
				require.NotContains(t, journal, secret)
			}
		})
	}
}

// TestNothingPlantedComesOutOfAnyFormat: nor where the echo is encoded as the
// format has it, once more than that, or not at all.
func TestNothingPlantedComesOutOfAnyFormat(t *testing.T) {
	t.Parallel()
	const decodable = "planted+credentials%41&planted=1" // decoding changes it, and H ends a value in it
	twice := func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }
	raw := func(s string) string { return s }
	for format, layout := range map[notified.OutputFormat]string{
		notified.FormatXML:   `<APIResults APICallResult="0"><OpCodeResult OpCode="M" Status="99" Message="%s"/></APIResults>`,
		notified.FormatPairs: "APICallResult=0&OpCode=M&Status=99&Message=%s",
		notified.FormatText:  "### APICallResult=0\n## OpCode=M Status=99 Message=%s",
	} {
		for name, encode := range map[string]func(string) string{"raw": raw, "once": url.QueryEscape, "twice": twice} {
			switch {
			case format == notified.FormatXML && name == "raw":
				encode = html.EscapeString
			case format != notified.FormatPairs && name == "twice":
				continue // H alone is always encoded
			}
			t.Run(string(format)+", "+name, func(t *testing.T) {
				t.Parallel()
				for _, planted := range []string{authCode, decodable, plantedUser, "Planted-First Planted-Last", email} {
					srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						_, _ = fmt.Fprintf(w, layout, encode("so%20 "+planted))
					}))
					client, err := notified.New(notified.Config{
						AuthCode: authCode, Credentials: decodable, AllowLoopbackHTTP: true, BaseURL: srv.URL, OutputFormat: format,
					})
					require.NoError(t, err)
					result, err := client.Deliver(t.Context(), push(t, "k", plantedUser, show, 9985))
					client.CloseIdleConnections()
					srv.Close()
					require.Error(t, err)
					requireNothingPlanted(t, result, err)
				}
			})
		}
	}
}
