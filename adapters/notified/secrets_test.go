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

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/outbox"
)

const plantedUser = "planted-user/7;&"

// requireNothingPlanted checks that a delivery's result and error hold nothing that was planted.
func requireNothingPlanted(t *testing.T, result any, err error) {
	t.Helper()
	said := fmt.Sprintf("%v %+v %#v", result, result, result)
	if r, ok := result.(outbox.Result); ok {
		said += string(r.Receipt)
	} else {
		b, err := json.Marshal(result)
		require.NoError(t, err)
		said += string(b)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		said += fmt.Sprintf("\n%v\n%+v\n%#v", err, err, err)
		if d, ok := err.(*outbox.DeliveryError); ok { //nolint:errorlint // each link of the chain is looked at
			said += fmt.Sprintf("%+v", *d)
		}
	}
	said = strings.ToLower(said)
	for _, secret := range []string{authCode, credentials, plantedUser, "Planted-First", "Planted-Last", email} {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(url.QueryEscape(secret), "+", "%20")} {
			require.NotContains(t, said, strings.ToLower(form))
		}
	}
	require.NotContains(t, said, "planted")
}

// TestNothingPlantedComesOut makes deliveries fail in every way against a platform that echoes
// everything. The credentials, the user ID, the names and the e-mail address must not be in any result
// or error.
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
					client := newClient(t, notified.Config{BaseURL: srv.URL + "/api", UseGET: useGET})
					result, err := client.Give(t.Context(), push("k", plantedUser, show, 9985))
					client.CloseIdleConnections()
					srv.Close()
					requireNothingPlanted(t, result, err)
					result, err = client.Give(t.Context(), push("k", plantedUser, show, 9985)) // nobody listens
					require.Error(t, err)
					requireNothingPlanted(t, result, err)
				}
			}
		})
		t.Run(fmt.Sprintf("cut, GET %v", useGET), func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, func(c *notified.Config, _ *notifiedtest.Config) { c.UseGET = useGET })
			for _, kind := range []notifiedtest.FaultKind{notifiedtest.CutBefore, notifiedtest.CutAfter, notifiedtest.Truncate, notifiedtest.Garbage} {
				e.sandbox.Misbehave(notifiedtest.Fault{Kind: kind})
				result, err := e.client.Give(t.Context(), push("k", plantedUser, show, 9985))
				require.Error(t, err)
				requireNothingPlanted(t, result, err)
			}
			journal := fmt.Sprintf("%+v", e.sandbox.Journal())
			for _, secret := range []string{authCode, credentials, email} {
				require.NotContains(t, journal, secret)
			}
		})
	}
}

// TestOurOwnWordsStay: only what the platform says is scrubbed. A gap in a sentence that is known would tell the
// name to whoever knows the sentence.
func TestOurOwnWordsStay(t *testing.T) {
	t.Parallel()
	reply := func(status int) string {
		return fmt.Sprintf(`<APIResults APICallResult="0"><OpCodeResult OpCode="M" Status="%d" Message="Says Will of The Person"/></APIResults>`, status)
	}
	for name, c := range map[string]struct{ body, ours, theirs string }{
		"rejected":      {reply(76), "rejected (76): Notified refuses the add-ons: a person must look: ", "Says Will of The Person"},
		"not ready":     {reply(71), "not ready (71): Notified does not know the person yet: ", "Says Will of The Person"},
		"failed":        {`<CallFailed Diag="Will of The Person"/>`, "unknown (CallFailed): Notified refuses the whole call: are Config.BaseURL, the account and the show key right?: ", "Will of The Person"},
		"credentials":   {`<CallFailed Diag="The credentials"/>`, "unauthorized (CallFailed): Notified refuses our credentials: ", "The credentials"},
		"another reply": {"<p>Person", "unknown (200): what answers is not the opcode API: is Config.BaseURL right?", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, c.body) }))
			t.Cleanup(srv.Close)
			client := newClient(t, notified.Config{BaseURL: srv.URL + "/api"})
			for _, word := range []string{"A", "The", "Person", "Will", "Notified", "credentials", "know", "add", "yet", "whole"} {
				g := push("k", "u-7", show, 9985)
				g.User.FirstName, g.User.LastName = word, "of"
				_, err := client.Give(t.Context(), g)
				theirs := strings.ReplaceAll(strings.ReplaceAll(c.theirs, word, "[removed]"), " of ", " [removed] ")
				ours := c.ours
				if name == "credentials" && word == "credentials" { // then nothing of the platform's own says it
					ours = "unknown (CallFailed): Notified refuses the whole call: are Config.BaseURL, the account and the show key right?: "
				}
				require.EqualError(t, err, ours+theirs, word)
			}
		})
	}
}

// TestNothingPlantedComesOutOfAnyFormat: the same where the echo is encoded as the format requires,
// once more than that, or not at all.
func TestNothingPlantedComesOutOfAnyFormat(t *testing.T) {
	t.Parallel()
	const decodable = "planted+credentials%41&planted=1" // decoding changes it, and in H a '&' ends a value inside it
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
				continue // only H is always encoded
			}
			t.Run(string(format)+", "+name, func(t *testing.T) {
				t.Parallel()
				for _, planted := range []string{authCode, decodable, plantedUser, "Planted-First Planted-Last", email} {
					srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						_, _ = fmt.Fprintf(w, layout, encode("so%20 "+planted))
					}))
					client := newClient(t, notified.Config{Credentials: decodable, BaseURL: srv.URL + "/api", OutputFormat: format})
					result, err := client.Give(t.Context(), push("k", plantedUser, show, 9985))
					client.CloseIdleConnections()
					srv.Close()
					require.Error(t, err)
					requireNothingPlanted(t, result, err)
				}
			})
		}
	}
}

// plantedPerson is the person of a typed call.
var plantedPerson = notified.Person{UserID: plantedUser, Email: email, FirstName: "Planted-First", LastName: "Planted-Last"}

// TestNothingPlantedComesOutOfCalls: the same for every typed call, in every format.
func TestNothingPlantedComesOutOfCalls(t *testing.T) {
	t.Parallel()
	for format, layouts := range map[notified.OutputFormat][]string{
		notified.FormatXML: {
			`<CallFailed Diag="%[2]s"/>`, `<APIResults APICallResult="5" APICallDiagnostic="%[2]s"/>`, "%[2]s",
			`<APIResults APICallResult="0"><OpCodeResult OpCode="%[1]s" Status="71" Message="%[2]s"/></APIResults>`,
			`<APIResults APICallResult="0" APICallDiagnostic="%[2]s" OpCodesProcessed="1" OpCodesInError="0"><OpCodeResult OpCode="%[1]s" Status="0" Message="%[2]s"><ResultRow><Later>%[2]s</Later></ResultRow></OpCodeResult></APIResults>`,
		},
		notified.FormatPairs: {"APICallResult=0&OpCode=%[1]s&Status=99&Message=%[2]s", "APICallResult=0&OpCodesProcessed=1&OpCodesInError=0&OpCode=%[1]s&Status=0&Message=%[2]s&Later=%[2]s"},
		notified.FormatText:  {"### APICallResult=0\n## OpCode=%[1]s Status=99 Message=%[2]s", "### APICallResult=0 OpCodesProcessed=1 OpCodesInError=0\n## OpCode=%[1]s Status=0 Message=%[2]s\nLater\n%[2]s"},
	} {
		for name, call := range everyCall {
			for i, layout := range layouts {
				t.Run(fmt.Sprint(format, name, i), func(t *testing.T) {
					t.Parallel()
					for _, status := range []int{200, 403, 500} {
						srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							_ = r.ParseForm()
							echo := r.PostForm.Encode() + " " + strings.Join([]string{authCode, credentials, plantedUser, email}, " ")
							if name != "T, minted" { // which sends no names
								echo += " " + plantedPerson.FirstName + " " + plantedPerson.LastName
							}
							encode := html.EscapeString
							if format == notified.FormatPairs {
								encode = url.QueryEscape
							}
							w.WriteHeader(status)
							_, _ = fmt.Fprintf(w, layout, r.PostForm.Get("OpCodeList")[:1], encode(echo))
						}))
						client := newClient(t, notified.Config{BaseURL: srv.URL + "/api", OutputFormat: format})
						result, err := call(t.Context(), client, plantedPerson)
						client.CloseIdleConnections()
						srv.Close()
						if name != "U" && name != "R" { // which have no required outputs
							require.Error(t, err)
						}
						requireNothingPlanted(t, result, err)
					}
				})
			}
		}
	}
}

// TestNoTicketComesOut: a ticket is in no error, no detail and no printed step, wherever it is in the
// reply.
func TestNoTicketComesOut(t *testing.T) {
	t.Parallel()
	const head, row = `<APIResults APICallResult="0" APICallDiagnostic="OK" OpCodesProcessed="%d" OpCodesInError="0">`, `<ResultRow><LoginTicketKey>planted-ticket</LoginTicketKey></ResultRow>`
	minted := `<OpCodeResult OpCode="T" Status="0" Message="OK">` + row + `</OpCodeResult>`
	for name, c := range map[string]struct {
		codes, body string
		status      int
		fails       bool
	}{
		"minted":               {"T", fmt.Sprintf(head, 1) + minted + "</APIResults>", 200, false},
		"in a chain":           {"TA", fmt.Sprintf(head, 2) + minted + `<OpCodeResult OpCode="A" Status="0"/></APIResults>`, 200, false},
		"chain fails behind":   {"TA", fmt.Sprintf(head, 2) + minted + `<OpCodeResult OpCode="A" Status="51" Message="not with planted-ticket"/></APIResults>`, 200, true},
		"chain stops":          {"TA", strings.Replace(fmt.Sprintf(head, 1), `"OK"`, `"made planted-ticket"`, 1) + minted + "</APIResults>", 200, true},
		"contradiction":        {"T", fmt.Sprintf(head, 7) + minted + "</APIResults>", 200, true},
		"two of them":          {"T", fmt.Sprintf(head, 1) + strings.Replace(minted, row, row+row, 1) + "</APIResults>", 200, true},
		"under another name":   {"T", fmt.Sprintf(head, 1) + strings.ReplaceAll(minted, "LoginTicketKey", "Key") + "</APIResults>", 200, true},
		"no ticket of ours":    {"T", fmt.Sprintf(head, 1) + strings.ReplaceAll(minted, "planted-ticket", "planted ticket") + "</APIResults>", 200, true},
		"status with a ticket": {"T", fmt.Sprintf(head, 1) + strings.Replace(minted, `Status="0"`, `Status="51"`, 1) + "</APIResults>", 200, true},
		"cut":                  {"T", fmt.Sprintf(head, 1) + minted, 200, true},
		"HTTP 500":             {"T", fmt.Sprintf(head, 1) + minted + "</APIResults>", 500, true},
		"HTTP 302":             {"T", fmt.Sprintf(head, 1) + minted + "</APIResults>", 302, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/?LoginTicketKey=planted-ticket")
				w.WriteHeader(c.status)
				_, _ = fmt.Fprint(w, c.body)
			}))
			t.Cleanup(srv.Close)
			client := newClient(t, notified.Config{BaseURL: srv.URL + "/api"})
			steps, err := client.Chain(t.Context(), notified.Chain{OpCodes: c.codes, Person: plantedPerson, ShowKey: show})
			require.Equal(t, c.fails, err != nil, "%v", err)
			if !c.fails {
				require.Equal(t, "planted-ticket", steps[0].Ticket.Key())
			}
			requireNothingPlanted(t, steps, err)
		})
	}
}

// TestNothingPlantedComesOutOfSequences: the same for deliveries of several calls, the last of which
// echoes.
func TestNothingPlantedComesOutOfSequences(t *testing.T) {
	t.Parallel()
	reply := func(code, status, rows, echo string) string {
		return `<APIResults APICallResult="0" APICallDiagnostic="` + echo + `" OpCodesProcessed="1" OpCodesInError="0"><OpCodeResult OpCode="` +
			code + `" Status="` + status + `" Message="` + echo + `">` + rows + `</OpCodeResult></APIResults>`
	}
	for name, c := range map[string]struct {
		m       amsbridge.Grant
		take    bool
		answers map[string][2]string // status and rows
	}{
		"another package": {first(push("k", plantedUser, show, 9985), full), false, map[string][2]string{"K": {"0", "<ResultRow><ShowPackageKey>5</ShowPackageKey></ResultRow>"}}},
		"R refused":       {first(push("k", plantedUser, show, 9985), full), false, map[string][2]string{"K": {"72", ""}, "R": {"51", ""}}},
		"A refused":       {push("k", plantedUser, show, 9985), false, map[string][2]string{"M": {"0", "<ResultRow><AddOnsAdded>0</AddOnsAdded></ResultRow>"}, "A": {"51", ""}}},
		"all there":       {push("k", plantedUser, show, 9985), false, map[string][2]string{"M": {"0", "<ResultRow><AddOnsAdded>0</AddOnsAdded></ResultRow>"}, "A": {"0", "<ResultRow><AddOnItemKey>9985</AddOnItemKey></ResultRow>"}}},
		"take, unknown":   {push("k", plantedUser, show, 9985), true, map[string][2]string{"N": {"71", ""}}},
		"take, none":      {push("k", plantedUser, show, 9985), true, map[string][2]string{"N": {"72", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				echo := html.EscapeString(authCode + " " + credentials + " " + plantedUser + " Planted-First Planted-Last " + email)
				code := r.FormValue("OpCodeList")
				_, _ = fmt.Fprint(w, reply(code, c.answers[code][0], c.answers[code][1], echo))
			}))
			t.Cleanup(srv.Close)
			client := newClient(t, notified.Config{BaseURL: srv.URL + "/api"})
			call := client.Give
			if c.take {
				call = client.Take
			}
			result, err := call(t.Context(), c.m)
			said := result.Detail
			if err != nil {
				said = failure(t, err).Detail
			}
			for code := range c.answers {
				require.Contains(t, said, `OpCode="`+code+`"`, "each reply is kept")
			}
			requireNothingPlanted(t, result, err)
		})
	}
}

// A take is stored without a profile. What its call does not know cannot be removed from an answer that makes
// no sense, so that such an answer is not kept.
func TestAnswersThatNobodyCanScrubAreNotKept(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	m := push("k-1", "u-1", show, 9985)
	_, err := e.client.Give(t.Context(), m)
	require.NoError(t, err)
	m.User = amsbridge.User{ID: "u-1"}
	e.sandbox.Misbehave(notifiedtest.Fault{Kind: notifiedtest.Garbage, Body: "no API: Planted-First Planted-Last"})
	_, err = e.client.Take(t.Context(), m)
	var failed *outbox.DeliveryError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, outbox.OutcomeUnknown, failed.Outcome)
	require.NotContains(t, failed.Reason+failed.Detail, "Planted")
}
