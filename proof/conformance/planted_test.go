package conformance

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/prometheus"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/chaos"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// What is planted: with signs that every encoder changes, where they may have
// some. Each holds the mark.
const (
	plantedMark        = "planted"
	plantedKey         = "planted-key/+&\"<1>%2"
	plantedPassword    = "planted-password:;&\\\"+ %2F"
	plantedAuthCode    = "planted-auth & code;+%2"
	plantedCredentials = "planted-credentials=\u00fc/?\"<>"
	plantedFirst       = "Planted-F\u00efrst & O'Son"
	plantedLast        = "Planted \"Last\" <X>"
	plantedLocal       = "planted.person" // of each address, before the ID
	plantedDomain      = "planted-members.example"
	// userName is no secret by itself.
	userName = "sandbox-user"
)

// planted are the values, and what is made of them before anybody escapes it.
func planted() []string {
	return []string{
		plantedKey, plantedPassword, plantedAuthCode, plantedCredentials, plantedFirst, plantedLast,
		userName + ":" + plantedPassword, plantedLocal + "+", plantedDomain,
	}
}

// plantedForms are the forms in which a text could come out, in lower case. The
// padding of base64 is left out, since what follows decides on it.
func plantedForms(s string) []string {
	quoted, _ := json.Marshal(s) // a string never fails
	forms := append(disguises(s), url.QueryEscape(s), url.PathEscape(s), strings.ReplaceAll(url.QueryEscape(s), "+", "%20"),
		html.EscapeString(s), strings.Trim(string(quoted), `"`), base64.URLEncoding.EncodeToString([]byte(s)))
	for i := range forms {
		forms[i] = strings.ToLower(strings.TrimRight(forms[i], "="))
	}
	return forms
}

// repeated are replies without sense that quote secrets and personal data in the
// forms in which a platform may: one of plain text, one of JSON that breaks off.
func repeated(secrets ...string) []string {
	var quoted []string
	for _, s := range append(secrets, plantedFirst, plantedLast, plantedLocal+"+u-00001@"+plantedDomain) {
		if s == "" || s == ":" {
			continue
		}
		text, _ := json.Marshal(s) // a string never fails
		quoted = append(quoted, s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s), strings.Trim(string(text), `"`))
		if !strings.Contains(s, plantedLocal) { // another person's address is known only where it looks like one
			quoted = append(quoted, base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)))
		}
	}
	return []string{strings.Join(quoted, "\n"), `{"success":null,"error":"` + strings.Join(quoted, " ")}
}

// evidence is what a run wrote, by place. It is safe for concurrent use.
type evidence struct {
	mu   sync.Mutex
	text map[string]*strings.Builder
}

func newEvidence() *evidence { return &evidence{text: map[string]*strings.Builder{}} }

// at returns a writer of evidence from that place.
func (e *evidence) at(place string) evidenceAt { return evidenceAt{e, place} }

type evidenceAt struct {
	*evidence
	place string
}

func (e evidenceAt) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.text[e.place] == nil {
		e.text[e.place] = &strings.Builder{}
	}
	return e.text[e.place].Write(p)
}

// note writes a value in each way in which fmt prints it.
func (e evidenceAt) note(v any) {
	_, _ = fmt.Fprintf(e, "%v\n%+v\n%#v\n", v, v, v) // a Builder never fails
}

// found lists what was planted and was written somewhere.
func (e *evidence) found() (all []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for place, b := range e.text {
		text := strings.ToLower(b.String())
		if i := strings.Index(text, plantedMark); i >= 0 {
			all = append(all, place+" shows a part: "+text[max(0, i-100):min(len(text), i+100)])
		}
		for _, p := range planted() {
			for _, form := range plantedForms(p) {
				if strings.Contains(text, form) {
					all = append(all, place+" shows "+form)
				}
			}
		}
	}
	return all
}

// watching notes all that destinations return. For the first two messages it lets
// out all that is planted itself: by a panic, and by an error.
type watching struct {
	next  outbox.Resolver
	seen  evidenceAt
	calls atomic.Int64
}

func (w *watching) Resolve(name string) (outbox.Destination, bool) {
	d, ok := w.next.Resolve(name)
	return watched{d, w}, ok
}

type watched struct {
	next outbox.Destination
	by   *watching
}

func (w watched) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	switch leak := strings.Join(planted(), " ") + string(m.Profile); w.by.calls.Add(1) {
	case 1:
		panic(leak)
	case 2:
		return outbox.Result{}, errors.New(leak)
	}
	res, err := w.next.Deliver(ctx, m)
	seen := w.by.seen
	seen.note(res)
	seen.note(string(res.Receipt))
	for link := err; link != nil; link = errors.Unwrap(link) {
		seen.note(link)
		if d, ok := link.(*outbox.DeliveryError); ok { //nolint:errorlint // each link of the chain is looked at
			seen.note(*d)
		}
	}
	return res, err
}

// accountWith is one that proves itself to Elevate in that way.
func accountWith(auth elevate.Auth) chaos.Account {
	a := chaos.Account{Profile: elevate.GuessedProfile(), Key: plantedKey, AuthCode: plantedAuthCode, Credentials: plantedCredentials}
	a.Profile.Auth, a.Profile.AuthField = auth, map[elevate.Auth]string{elevate.AuthBody: "api_key", elevate.AuthHeader: "X-Api-Key"}[auth]
	if auth == elevate.AuthBasic {
		a.Key, a.UserName, a.Password = "", userName, plantedPassword
	}
	return a
}

// Credentials, tokens, names and e-mail addresses are looked for after a full
// run in which all was delivered in the end, by platforms that failed in every
// way which a sender gets past and repeated what they had been sent: in logs,
// alarms, returned errors, the outbox's own log, the sandboxes' journals and an
// SQL dump, and in the metrics.
func TestNothingPlantedIsFoundAfterAFullRun(t *testing.T) {
	t.Parallel()
	for auth, s := range map[elevate.Auth]setup{
		elevate.AuthBody: engines[0], elevate.AuthBasic: engines[0], elevate.AuthBearer: engines[1], elevate.AuthHeader: engines[1],
	} {
		t.Run(string(auth)+", "+s.name, func(t *testing.T) {
			t.Parallel()
			requireNothingPlanted(t, s, accountWith(auth))
		})
	}
}

func requireNothingPlanted(t *testing.T, s setup, account chaos.Account) {
	t.Helper()
	e := newEvidence()
	dsn := ""
	if s.dialect == sqlstore.SQLite {
		dsn = testdb.SQLite(t)
	} else {
		dsn = testdb.Postgres(t)
	}
	alarm := func(_ context.Context, a outbox.Alarm) { e.at("alarms").note(a) }
	if s.dialect == sqlstore.SQLite {
		alarm = nil // the senders log them
		e.at("alarms").note("in the log")
	}
	logger := slog.New(slog.NewMultiHandler(
		slog.NewTextHandler(e.at("log"), &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}),
		slog.NewJSONHandler(e.at("log"), &slog.HandlerOptions{Level: slog.LevelDebug}),
	))
	metrics, err := prometheus.New(prometheus.Config{Logger: logger})
	require.NoError(t, err)
	report, err := chaos.Run(t.Context(), chaos.Config{
		Dialect: s.dialect, DSN: dsn, Orders: 120, Seed: 7, Harmless: true, Account: account, Echo: true,
		Formats:        [2]notified.OutputFormat{notified.FormatXML, notified.FormatPairs},
		Like:           amsbridge.User{FirstName: plantedFirst, LastName: plantedLast, Email: plantedLocal + "@" + plantedDomain},
		ElevateBodies:  repeated(account.Key, account.Password, account.UserName+":"+account.Password),
		NotifiedBodies: repeated(account.AuthCode, account.Credentials),
		Logger:         logger, Alarm: metrics.Alarm(alarm),
		Around: func(r outbox.Resolver) outbox.Resolver {
			return metrics.Resolver(&watching{next: r, seen: e.at("results and errors")})
		},
		Settled: func(ctx context.Context, systems chaos.Systems) error {
			run := &env{setup: s, db: systems.DB, store: systems.Store}
			require.Zero(t, run.pending(t))
			e.at("rows").note(run.dump(t))
			for _, st := range []outbox.State{outbox.StateDelivered, outbox.StateAlreadyDone} {
				records, err := systems.Store.Find(ctx, outbox.Query{States: []outbox.State{st}, Limit: 10_000})
				require.NoError(t, err)
				for _, r := range records {
					e.at("records").note(r)
					for _, a := range run.log(t, r.ID) {
						e.at("attempts").note(a)
						e.at("attempts").note(string(a.Receipt))
					}
				}
			}
			for _, c := range systems.Elevate.Journal() {
				e.at("journal of elevate").note(c)
			}
			for _, c := range systems.Notified.Journal() {
				e.at("journal of notified").note(c)
			}
			require.NoError(t, systems.Elevate.WriteJournal(e.at("export of elevate")))
			require.NoError(t, systems.Notified.WriteJournal(e.at("export of notified")))
			dumpSQL(ctx, t, run, dsn, e.at("SQL dump"))
			queue, err := prometheus.New(prometheus.Config{Store: systems.Store, Logger: logger})
			require.NoError(t, err)
			scrape(t, e.at("metrics"), metrics, queue)
			return nil
		},
	})
	t.Logf("%s\n%s", report, report.More())
	require.NoError(t, err)
	require.NoError(t, report.Check())
	require.Zero(t, report.Parked, "all was delivered")
	require.Greater(t, report.Faults["garbage"], 5)
	for _, place := range []string{"log", "alarms", "results and errors", "rows", "records", "attempts", "journal of elevate", "export of notified", "SQL dump", "metrics"} {
		require.NotEmpty(t, e.text[place], place)
	}
	require.Contains(t, e.text["attempts"].String(), "[removed]", "the platforms did repeat it")
	for _, told := range []string{
		`amsbridge_outbox_readable 1`, `amsbridge_outbox_messages{destination="elevate",state="pending"} 0`,
		`amsbridge_delivery_seconds_count{destination="notified",outcome="already done"}`,
		`amsbridge_delivery_seconds_count{destination="elevate",outcome="unknown"}`,
	} {
		require.Contains(t, e.text["metrics"].String(), told)
	}
	require.Empty(t, e.found())
}

// scrape writes what a server of Prometheus would read.
func scrape(t *testing.T, to evidenceAt, metrics ...client.Collector) {
	t.Helper()
	for _, m := range metrics {
		registry := client.NewRegistry()
		require.NoError(t, registry.Register(m))
		page := httptest.NewRecorder()
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		require.Equal(t, http.StatusOK, page.Code)
		_, _ = to.Write(page.Body.Bytes())
	}
}

// dumpSQL writes the database as its own programs dump it: pg_dump, where it is
// installed, and a copy of the file that SQLite makes without what was deleted.
func dumpSQL(ctx context.Context, t *testing.T, e *env, dsn string, to evidenceAt) {
	t.Helper()
	if e.dialect == sqlstore.SQLite {
		file := filepath.Join(t.TempDir(), "dump.sqlite")
		_, err := e.db.ExecContext(ctx, "VACUUM INTO '"+file+"'")
		require.NoError(t, err)
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(b), "o-00001")
		_, _ = to.Write(b)
		return
	}
	_, _ = to.Write([]byte(e.dump(t)))
	program, err := exec.LookPath("pg_dump")
	if err != nil {
		t.Log("pg_dump is not in PATH: the tables' rows alone were looked through")
		return
	}
	cmd := exec.CommandContext(ctx, program, "--dbname", dsn)
	out, err := cmd.Output()
	if err != nil {
		t.Log("pg_dump cannot dump this server, so the tables' rows alone were looked through:", err)
		return
	}
	require.Contains(t, string(out), "COPY public.amsbridge_attempt")
	_, _ = to.Write(out)
}

// The search finds each planted value in each form, in whatever text.
func TestThePlantedIsFoundWhereItStands(t *testing.T) {
	t.Parallel()
	for _, p := range planted() {
		for _, form := range plantedForms(p) {
			e := newEvidence()
			slog.New(slog.NewTextHandler(e.at("log"), nil)).Info("a leak line", "reply", "before "+form+" after")
			e.at("alarms").note("nothing")
			found := e.found()
			require.NotEmpty(t, found, form)
			require.True(t, strings.HasPrefix(found[0], "log shows "), found[0])
		}
	}
	e := newEvidence()
	e.at("log").note("a line without anything")
	require.Empty(t, e.found())
}
