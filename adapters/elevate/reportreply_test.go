package elevate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/outbox"
)

// row returns a reply of one row with one field changed; an empty value removes the field.
func row(t *testing.T, path, value string) string {
	t.Helper()
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(oneRow), &rows))
	o, name := rows[0], path
	if outer, inner, nested := strings.Cut(path, "."); nested {
		o, name = o[outer].(map[string]any), inner
	}
	delete(o, name)
	if value != "" {
		o[name] = json.RawMessage(value)
	}
	return asJSON(t, rows)
}

func TestReportReplies(t *testing.T) {
	t.Parallel()
	const whole = outbox.OutcomeNone
	const flat = `[{"user.firstname":"a","user.lastname":"b","user.email":"c","transaction_at":"2026-03-01T10:00:00+02:00",` +
		`"product.title":null,"product.remote_product_id":77,"more":[{}]}]`
	for _, c := range []struct {
		name, body string
		want       outbox.Outcome
		text       string
		rows       int
	}{
		{"one row", oneRow, whole, "", 1},
		{"no rows", ` [] `, whole, "", 0},
		{"byte order mark", "\ufeff" + oneRow, whole, "", 1},
		{"flat names", flat, whole, "", 1},
		{"no product ID", row(t, "product.remote_product_id", "null"), whole, "", 1},
		{"no name", row(t, "user.firstname", "null"), whole, "", 1},

		{"error", `{"error":"unknown field"}`, outbox.OutcomeRejected, "unknown field", 0},
		{"error in a list", `{"errors":["Quintessa"]}`, outbox.OutcomeRejected, "reports a failure", 0},

		{"empty", ``, outbox.OutcomeUnknown, "not JSON", 0},
		{"HTML", html200, outbox.OutcomeUnknown, "not JSON", 0},
		{"cut", oneRow[:len(oneRow)-1], outbox.OutcomeUnknown, "not JSON", 0},
		{"two lists", oneRow + oneRow, outbox.OutcomeUnknown, "followed by more text", 0},
		{"more behind the list", `[],"x":[]`, outbox.OutcomeUnknown, "followed by more text", 0},
		{"object", `{}`, outbox.OutcomeUnknown, "no list of rows", 0},
		{"null", `null`, outbox.OutcomeUnknown, "no list of rows", 0},
		{"text", `"a"`, outbox.OutcomeUnknown, "no list of rows", 0},
		{"list of lists", `[[]]`, outbox.OutcomeUnknown, "row 1 is not an object", 0},
		{"null row", `[null]`, outbox.OutcomeUnknown, "row 1 is not an object", 0},
		{"field twice", `[{"a":1,"a":2}]`, outbox.OutcomeUnknown, "twice", 0},
		{"deep", strings.Repeat("[", 5000) + strings.Repeat("]", 5000), outbox.OutcomeUnknown, "deeply", 0},
		{"too long", "[" + strings.Repeat(" ", 1<<20) + "]", outbox.OutcomeUnknown, "longer than MaxBody", 0},
		{"missing name", row(t, "user.lastname", ""), outbox.OutcomeUnknown, "row 1 has no field as the profile's LastName", 0},
		{"missing product", row(t, "product", ""), outbox.OutcomeUnknown, "row 1 has no field as the profile's ProductTitle", 0},
		{"name in another case", strings.ReplaceAll(oneRow, "email", "Email"), outbox.OutcomeUnknown, "profile's Email", 0},
		{"list for a text", row(t, "user.email", `["a"]`), outbox.OutcomeUnknown, "no text where the profile's Email", 0},
		{"truth for a text", row(t, "product.title", `true`), outbox.OutcomeUnknown, "no text where the profile's ProductTitle", 0},
		{"no time", row(t, "transaction_at", `null`), outbox.OutcomeUnknown, "TimeLayouts", 0},
		{"time in seconds", row(t, "transaction_at", `1772359200`), outbox.OutcomeUnknown, "TimeLayouts", 0},
		{"time of another form", row(t, "transaction_at", `"03/01/2026"`), outbox.OutcomeUnknown, "TimeLayouts", 0},
		{"second row bad", strings.TrimSuffix(oneRow, "]") + `,{}]`, outbox.OutcomeUnknown, "row 2", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := reportsConfig(serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.body) }))
			rows, err := all(t, newReports(t, cfg).Registrations(t.Context(), since))
			require.Len(t, rows, c.rows)
			if c.want == whole {
				require.NoError(t, err)
				return
			}
			var d *outbox.DeliveryError
			require.ErrorAs(t, err, &d)
			require.Equal(t, c.want, d.Outcome)
			require.Contains(t, d.Reason, c.text)
			requireClean(t, fmt.Sprintf("%+v", *d))
		})
	}
	for status, want := range map[int]outbox.Outcome{
		302: outbox.OutcomeUnavailable, 400: outbox.OutcomeRejected, 401: outbox.OutcomeUnauthorized, 403: outbox.OutcomeUnauthorized,
		404: outbox.OutcomeUnavailable, 429: outbox.OutcomeThrottled, 500: outbox.OutcomeUnavailable, 504: outbox.OutcomeUnknown,
	} {
		cfg := reportsConfig(serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, oneRow)
		}))
		rows, err := all(t, newReports(t, cfg).Registrations(t.Context(), since))
		require.Empty(t, rows)
		var d *outbox.DeliveryError
		require.ErrorAs(t, err, &d)
		require.Equal(t, want, d.Outcome, status)
		require.Empty(t, d.Detail)
	}
}

func TestRefusedReportSaysWhy(t *testing.T) {
	t.Parallel()
	cfg := reportsConfig(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"unknown field `+strings.Repeat("x", 1000)+`"}`)
	}))
	_, err := all(t, newReports(t, cfg).Registrations(t.Context(), since))
	var d *outbox.DeliveryError
	require.ErrorAs(t, err, &d)
	require.Contains(t, d.Reason, "unknown field")
	require.Less(t, len(d.Reason), 400)
}

func TestReportProfileIsObeyed(t *testing.T) {
	t.Parallel()
	cfg := reportsConfig(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"error":null,"data":{"rows":[{"f":"a","l":"b","m":"c","t":"01.03.2026 10:00:00","p":{"n":"d","i":"e"}}]}}`)
	}))
	p := cfg.Profile
	p.Rows, p.FirstName, p.LastName, p.Email, p.ProductTitle, p.RemoteProductID = "data.rows", "f", "l", "m", "p.n", "p.i"
	p.TransactionAt, p.TimeLayouts, p.Zone = "t", []string{"02.01.2006 15:04:05"}, time.FixedZone("", -5*3600)
	rows, err := all(t, newReports(t, cfg).Registrations(t.Context(), since))
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, "2026-03-01T15:00:00Z", rows[0].TransactionAt.UTC().Format(time.RFC3339))
	rows[0].TransactionAt = time.Time{}
	require.Equal(t, []elevate.ReportedRegistration{{
		FirstName: "a", LastName: "b", Email: "c", ProductTitle: "d", RemoteProductID: "e",
	}}, rows)
}

func TestReportsAreBounded(t *testing.T) {
	t.Parallel()
	calls := 0
	three := "[" + strings.Repeat(strings.Trim(oneRow, "[]")+",", 2) + strings.Trim(oneRow, "[]") + "]"
	cfg := reportsConfig(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		_, _ = io.WriteString(w, three+strings.Repeat(" ", calls)) // every reply is different
	}))
	cfg.MaxRows = 2
	rows, err := all(t, newReports(t, cfg).Registrations(t.Context(), since))
	require.ErrorContains(t, err, "MaxRows")
	require.Empty(t, rows)

	calls, cfg.MaxRows = 0, 10
	cfg.Profile.PageField, cfg.Profile.PageSize = "page", 3
	rows, err = all(t, newReports(t, cfg).Registrations(t.Context(), since))
	require.ErrorContains(t, err, "MaxRows", "pages without end")
	require.Len(t, rows, 9)
	require.Equal(t, 4, calls)

	cfg.Endpoint = serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, three) })
	rows, err = all(t, newReports(t, cfg).Registrations(t.Context(), since))
	require.ErrorContains(t, err, "two pages are the same")
	require.Len(t, rows, 3)

	calls = 0
	cfg.Endpoint = serve(t, func(w http.ResponseWriter, _ *http.Request) { calls++; _, _ = io.WriteString(w, three) })
	for _, err := range newReports(t, cfg).Registrations(t.Context(), since) {
		require.NoError(t, err)
		break
	}
	require.Equal(t, 1, calls, "who has enough asks for no more pages")
}

// Nothing of a platform's echo reaches an error.
func TestPlantedSecretsAreNotInReportErrors(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 302, 400, 401, 403, 429, 500, 504} {
		for _, form := range []string{`%s`, `{"error":%s}`, `[{"user":%s}]`} {
			cfg := reportsConfig(serve(t, func(w http.ResponseWriter, r *http.Request) {
				sent, _ := io.ReadAll(r.Body)
				quoted, _ := json.Marshal(fmt.Sprintf("%s %s %s %s", sent, url.QueryEscape(key), strings.ToUpper(key), email))
				w.Header().Set("Location", "/?"+url.QueryEscape(key))
				w.WriteHeader(status)
				_, _ = fmt.Fprintf(w, form, quoted)
			}) + "/?token=" + url.QueryEscape(key))
			_, err := all(t, newReports(t, cfg).Registrations(t.Context(), since))
			require.Error(t, err)
			for ; err != nil; err = errors.Unwrap(err) {
				requireClean(t, err.Error())
				if d := new(outbox.DeliveryError); errors.As(err, &d) {
					requireClean(t, fmt.Sprintf("%+v", *d))
				}
			}
		}
	}
}
