package conformance

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/internal/sqlcore"
	"github.com/amsbridge/amsbridge/outbox"
)

// What the planner does with the hot path's statements, where the outbox is
// young and where a million messages are kept, whatever its statistics say.

// explained runs the engine's statements and asks for the plan of each, in the
// transaction that it runs in.
type explained struct {
	t  *testing.T
	db interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
	whole *sql.DB
	plans *plans
}

// plans are what was asked for since they were emptied.
type plans struct {
	dialect sqlstore.Dialect
	scans   []string // reads of a whole table, with the statement
	pages   int      // read by the statements, where they are counted
	counted bool
	asked   int
}

func (w explained) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	w.ask(ctx, text, args)
	res, err := w.db.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (w explained) Query(ctx context.Context, text string, args ...any) (sqlcore.Rows, error) {
	w.ask(ctx, text, args)
	rows, err := w.db.QueryContext(ctx, text, args...) //nolint:rowserrcheck,sqlclosecheck // the engine does both
	if err != nil {
		return nil, err
	}
	return explainedRows{rows}, nil
}

type explainedRows struct{ *sql.Rows }

func (r explainedRows) Close() { _ = r.Rows.Close() }

func (w explained) InTx(ctx context.Context, fn func(sqlcore.Conn) error) error {
	tx, err := w.whole.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(explained{w.t, tx, nil, w.plans}); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (w explained) ask(ctx context.Context, text string, args []any) {
	w.t.Helper()
	if !strings.Contains(text, "amsbridge_") {
		return
	}
	w.plans.asked++
	if w.plans.dialect == sqlstore.SQLite {
		w.plans.sqlite(w.t, text, w.lines(ctx, "EXPLAIN QUERY PLAN "+text, 4, 3, args))
		return
	}
	how := "FORMAT JSON"
	if w.plans.counted {
		how += ", ANALYZE, BUFFERS, TIMING OFF"
		if w.whole == nil {
			defer w.undone(ctx)()
		}
	}
	var plan []struct {
		Plan map[string]any `json:"Plan"`
		JIT  map[string]any `json:"JIT"`
	}
	require.NoError(w.t, json.Unmarshal([]byte(w.lines(ctx, "EXPLAIN ("+how+") "+text, 1, 0, args)[0]), &plan), text)
	w.plans.postgres(text, plan[0].Plan, w.small(ctx))
	require.Empty(w.t, plan[0].JIT, "compiled, for want of a good plan: %s", text)
	hit, _ := plan[0].Plan["Shared Hit Blocks"].(float64)
	read, _ := plan[0].Plan["Shared Read Blocks"].(float64)
	w.plans.pages += int(hit + read)
}

// undone begins what is undone by calling its result.
func (w explained) undone(ctx context.Context) func() {
	w.t.Helper()
	_, err := w.db.ExecContext(ctx, "SAVEPOINT asked")
	require.NoError(w.t, err)
	return func() {
		_, err := w.db.ExecContext(ctx, "ROLLBACK TO SAVEPOINT asked")
		require.NoError(w.t, err)
	}
}

// small are tables of so few pages that reading all of them is right.
func (w explained) small(ctx context.Context) string {
	return strings.Join(w.lines(ctx, `SELECT relname FROM pg_class
		WHERE relkind = 'r' AND relname LIKE 'amsbridge%' AND pg_relation_size(oid) <= 8 * 8192`, 1, 0, nil), " ")
}

// lines returns one column of an explanation.
func (w explained) lines(ctx context.Context, query string, columns, column int, args []any) (out []string) {
	w.t.Helper()
	rows, err := w.db.QueryContext(ctx, query, args...)
	require.NoError(w.t, err, query)
	defer func() { require.NoError(w.t, rows.Close()) }()
	for rows.Next() {
		cells, into := make([]sql.NullString, columns), make([]any, columns)
		for i := range cells {
			into[i] = &cells[i]
		}
		require.NoError(w.t, rows.Scan(into...))
		out = append(out, cells[column].String)
	}
	require.NoError(w.t, rows.Err())
	return out
}

func (p *plans) postgres(text string, node map[string]any, small string) {
	relation, _ := node["Relation Name"].(string)
	// A bitmap of the queue is a walk over one of its indexes, but for a person's
	// page, which may have one.
	bitmap := node["Node Type"] == "Bitmap Heap Scan" && relation == "amsbridge_queue" && !strings.Contains(text, "LEFT JOIN LATERAL")
	if (node["Node Type"] == "Seq Scan" || bitmap) && strings.HasPrefix(relation, "amsbridge_") && !strings.Contains(small, relation) {
		p.scans = append(p.scans, relation+": "+text[:min(len(text), 900)])
	}
	below, _ := node["Plans"].([]any)
	for _, n := range below {
		p.postgres(text, n.(map[string]any), small)
	}
}

// sqlite recognises reads of whole tables by their aliases; those of queries within
// a query are known.
func (p *plans) sqlite(t *testing.T, text string, lines []string) {
	t.Helper()
	for _, line := range lines {
		words := strings.Fields(line)
		if words[0] != "SCAN" || strings.Contains(line, "USING") || strings.Contains(line, "VIRTUAL TABLE") || strings.Contains(line, "CONSTANT ROW") {
			continue
		}
		switch words[1] {
		case "s", "h", "r", "x", "t", "w", "tour", "clock":
		default:
			if !strings.HasPrefix(words[1], "(subquery-") {
				p.scans = append(p.scans, line+": "+text[:min(len(text), 900)])
			}
		}
	}
}

// filled is a database that is filled step by step.
type filled struct {
	*env
	core  *sqlcore.Store
	plans *plans
	kept  int
	full  bool // there are so many rows that reading all of them is wrong
}

func openFilled(t *testing.T, s setup) *filled {
	t.Helper()
	e := s.open(t)
	f := &filled{env: e, plans: &plans{dialect: s.dialect}}
	var err error
	f.core, err = sqlcore.New(sqlcore.Config{Name: "plan", DB: explained{t, e.db, e.db, f.plans}, Dialect: s.dialect})
	require.NoError(t, err)
	return f
}

func (f *filled) exec(t *testing.T, text string, args ...any) {
	t.Helper()
	_, err := f.db.ExecContext(t.Context(), text, args...)
	require.NoError(t, err, text)
}

// keep adds n messages that were delivered, in bulk; queue adds n that wait,
// ten of each person.
func (f *filled) keep(t *testing.T, n int) {
	t.Helper()
	f.bulk(t, "kept", f.kept, n, 1)
	f.exec(t, fmt.Sprintf(`INSERT INTO amsbridge_attempt (message_id, n, at, took_us, outcome, state, duplicate, code, reason, detail, sender)
		SELECT id, 1, created_at, 1000, 1, 3, 0, '200', '', '', 'plan' FROM amsbridge_message WHERE subject = %s AND created_at > %d`,
		f.bytes("'kept'"), 1_700_000_000_000_000+f.kept))
	f.kept += n
}

func (f *filled) queue(t *testing.T, n int) {
	t.Helper()
	f.bulk(t, "queued", 0, n, 10)
	f.requeue(t)
}

// requeue puts into the queue what was never sent.
func (f *filled) requeue(t *testing.T) {
	t.Helper()
	f.exec(t, fmt.Sprintf(`INSERT INTO amsbridge_queue (lane, id, destination, state, due_at, reason)
		SELECT lane, id, destination, 0, created_at, '' FROM amsbridge_message m
		WHERE subject = %s AND NOT EXISTS (SELECT 1 FROM amsbridge_attempt a WHERE a.message_id = m.id)`, f.bytes("'queued'")))
}

// bytes casts a text to bytes.
func (f *filled) bytes(text string) string {
	if f.dialect == sqlstore.SQLite {
		return "CAST(" + text + " AS BLOB)"
	}
	return "convert_to(" + text + ", 'UTF8')"
}

// bulk inserts messages; of each person there are as many. On SQLite, which has
// no SHA-256, ordering keys are numbers of persons: settlements do not find their rows.
func (f *filled) bulk(t *testing.T, subject string, from, n, each int) {
	t.Helper()
	series := fmt.Sprintf("generate_series(%d, %d) AS i", from+1, from+n)
	if f.dialect == sqlstore.SQLite {
		series = fmt.Sprintf("(WITH RECURSIVE g(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM g WHERE i < %d) SELECT i FROM g)", from+1, from+n)
	}
	text := func(prefix, i string) string { return f.bytes("'" + prefix + "' || CAST(" + i + " AS TEXT)") }
	person := fmt.Sprintf("((i - 1) / %d)", each)
	lane := person + " + 1000000000"
	if f.dialect == sqlstore.PostgreSQL {
		lane = fmt.Sprintf(`('x' || encode(substring(sha256(%s || '\x00'::bytea || %s) FROM 1 FOR 8), 'hex'))::bit(64)::bigint`,
			f.bytes("'elevate'"), text(subject+"-U-", person))
	}
	f.exec(t, fmt.Sprintf(`INSERT INTO amsbridge_message (lane, destination, key, key_parts, kind, version, person, subject, items, facts,
			fingerprint, trace_context, created_at)
		SELECT %s, %s, %s, '["a","b"]', 'registration', 1, %s, %s, '["1"]', %s, %s, '', 1700000000000000 + i FROM %s`,
		lane, f.bytes("'elevate'"), text(subject+"-key-", "i"), text(subject+"-U-", person), f.bytes("'"+subject+"'"),
		f.bytes("'{}'"), f.bytes("'0123456789abcdef'"), series))
}

// work runs the statements of a checkout, a learner's page, a claim and its
// settlement.
func (f *filled) work(t *testing.T, n int) {
	t.Helper()
	ctx, tag := t.Context(), time.Now().UnixNano()
	insert := func(keys ...string) {
		var msgs []outbox.Message
		for _, k := range keys {
			m := push(fmt.Sprint(k, tag), "U-of-"+k)
			m.Unless = []string{"absent-" + k}
			msgs = append(msgs, m)
		}
		require.NoError(t, explained{t, f.db, f.db, f.plans}.InTx(ctx, func(tx sqlcore.Conn) error {
			_, err := f.core.InsertIn(ctx, tx, msgs...)
			return err
		}))
	}
	insert("one")
	insert("one")
	insert("two", "three")
	insert("two", "three")
	looked := []outbox.Query{{Subject: "order"}, {Person: "U-of-one"}, {Person: "U-of-one", Destination: "elevate"}}
	if f.full {
		looked = append(looked, outbox.Query{Keys: []string{"one", "two"}}, outbox.Query{IDs: []outbox.ID{1, 2}})
	}
	for _, q := range looked {
		_, err := f.core.Find(ctx, q)
		require.NoError(t, err)
	}
	req := outbox.ClaimRequest{Token: outbox.NewToken(), By: "plan", Lease: time.Hour, Room: n, Slots: n, Run: 10, ProbeEvery: time.Hour}
	claim, err := f.core.Claim(ctx, req)
	require.NoError(t, err)
	require.NotEmpty(t, claim.Leased)
	var batch []outbox.Settlement
	for i, l := range claim.Leased {
		st := outbox.Settlement{Message: l.Message, Token: req.Token, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered}
		if i%3 == 1 {
			st.State, st.Outcome, st.Delay = outbox.StatePending, outbox.OutcomeUnavailable, time.Hour
		}
		batch = append(batch, st)
	}
	_, err = f.core.Settle(ctx, batch)
	require.NoError(t, err)
}

func (f *filled) requireIndexed(t *testing.T, when string) {
	t.Helper()
	f.plans.scans, f.plans.asked = nil, 0
	f.work(t, 50)
	require.Greater(t, f.plans.asked, 10, when)
	require.Empty(t, f.plans.scans, when)
}

func TestPlansUseIndexes(t *testing.T) {
	t.Parallel()
	for _, s := range []setup{setups[0], setups[2]} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := openFilled(t, s)
			if s.dialect == sqlstore.PostgreSQL {
				for _, table := range []string{"message", "queue", "attempt", "destination"} {
					f.exec(t, "ALTER TABLE amsbridge_"+table+" SET (autovacuum_enabled = off)")
				}
			}
			f.requireIndexed(t, "no rows, never analyzed")
			f.queue(t, 40_000)
			f.full = true
			f.requireIndexed(t, "40,000 waiting, never analyzed")
			f.exec(t, "ANALYZE")
			f.requireIndexed(t, "40,000 waiting, analyzed")
			f.keep(t, 10_000)
			few := 0
			if s.dialect == sqlstore.PostgreSQL {
				few = f.swept(t).claimPages(t)
			}
			most := 1_000_000
			if s.dialect == sqlstore.SQLite {
				most = mostOnSQLite
			}
			f.keep(t, most-10_000)
			f.requireIndexed(t, "most kept, analyzed before")
			f.exec(t, "ANALYZE")
			f.requireIndexed(t, "most kept, analyzed")
			if s.dialect == sqlstore.PostgreSQL {
				many := f.swept(t).claimPages(t)
				require.LessOrEqual(t, many, few+few/2, "pages read by a claim beside a million kept messages, and beside ten thousand")
				f.requireBoundedBesideSnapshot(t, many)
			}
			f.exec(t, "DELETE FROM amsbridge_queue")
			f.requireIndexed(t, "most kept, none waiting, analyzed before")
			f.exec(t, "ANALYZE")
			f.requeue(t)
			f.requireIndexed(t, "40,000 waiting, analyzed while empty")
		})
	}
}

// swept clears away what no transaction in this database sees any more. Without
// it that would wait for the oldest transaction of the whole server, in whatever
// database.
func (f *filled) swept(t *testing.T) *filled {
	t.Helper()
	f.exec(t, "VACUUM amsbridge_queue")
	return f
}

// claimPages returns how many pages a claim reads; it gives back what it took.
func (f *filled) claimPages(t *testing.T) int {
	t.Helper()
	least := 0
	for range 3 {
		f.plans.pages, f.plans.counted = 0, true
		batch := f.claimed(t)
		f.plans.counted = false
		if least == 0 || f.plans.pages < least {
			least = f.plans.pages
		}
		for i := range batch {
			batch[i].State, batch[i].Deferred, batch[i].Unlogged = outbox.StatePending, true, true
		}
		_, err := f.core.Settle(t.Context(), batch)
		require.NoError(t, err)
	}
	return least
}

// claimed claims 500 messages, and returns what settles them as delivered.
func (f *filled) claimed(t *testing.T) (batch []outbox.Settlement) {
	t.Helper()
	req := outbox.ClaimRequest{Token: outbox.NewToken(), By: "plan", Lease: time.Hour, Room: 500, Slots: 500, Run: 10, ProbeEvery: time.Hour}
	claim, err := f.core.Claim(t.Context(), req)
	require.NoError(t, err)
	require.NotEmpty(t, claim.Leased)
	for _, l := range claim.Leased {
		batch = append(batch, outbox.Settlement{
			Message: l.Message, Token: req.Token, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered,
		})
	}
	return batch
}

// requireBoundedBesideSnapshot delivers while another transaction keeps the
// database from clearing away: a claim steps over each dead row about once.
func (f *filled) requireBoundedBesideSnapshot(t *testing.T, quiet int) {
	t.Helper()
	f.swept(t)
	old, err := f.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	var n int
	require.NoError(t, old.QueryRowContext(t.Context(), "SELECT count(*) FROM amsbridge_destination").Scan(&n))
	dead := 0
	for range 8 {
		batch := f.claimed(t)
		acked, err := f.core.Settle(t.Context(), batch)
		require.NoError(t, err)
		dead += len(acked)
	}
	require.Greater(t, dead, 3000)
	require.LessOrEqual(t, f.claimPages(t), quiet+quiet/2+2*dead, "pages read by a claim beside %d dead rows", dead)
	require.NoError(t, old.Rollback())
}
