//go:build !race

package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/internal/sqlcore"
	"github.com/amsbridge/amsbridge/outbox"
)

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
	f.exec(t, fmt.Sprintf(`INSERT INTO amsbridge_attempt (message_id, n, at, took_us, outcome, state, duplicate, doubt, seq, code, reason, detail, releases, sender)
		SELECT id, 1, created_at, 1000, 1, 3, 0, 0, 1, '200', '', '', '', 'plan' FROM amsbridge_message WHERE subject = %s AND created_at > %d`,
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
	f.exec(t, fmt.Sprintf(`INSERT INTO amsbridge_queue (lane, id, destination, due_at)
		SELECT lane, id, destination, created_at FROM amsbridge_message m
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
		lane = fmt.Sprintf(`('x' || encode(substring(sha256('\x00'::bytea || %[2]s) FROM 1 FOR 4)
			|| substring(sha256(%[1]s || '\x00'::bytea || %[2]s) FROM 1 FOR 4), 'hex'))::bit(64)::bigint`,
			f.bytes("'elevate'"), text(subject+"-U-", person))
	}
	f.exec(t, fmt.Sprintf(`INSERT INTO amsbridge_message (lane, scope, destination, key, key_parts, kind, version, person, subject, items, facts,
			sequel, trace_context, created_at)
		SELECT %s, %s, %s, %s, '["a","b"]', 'registration', 1, %s, %s, '["1"]', %s, 'check', '', 1700000000000000 + i FROM %s`,
		lane, f.bytes("'product'"), f.bytes("'elevate'"), text(subject+"-key-", "i"), text(subject+"-U-", person), f.bytes("'"+subject+"'"),
		f.bytes("'{}'"), series))
}

// entries adds n subjects of one entry; of a tenth of them there is a task, of which
// somebody was told.
func (f *filled) entries(t *testing.T, from, n int) {
	t.Helper()
	series := fmt.Sprintf("generate_series(%d, %d) AS i", from+1, from+n)
	key := f.bytes("substring(md5(CAST(i AS TEXT)) FROM 1 FOR 16)")
	if f.dialect == sqlstore.SQLite {
		series = fmt.Sprintf("(WITH RECURSIVE g(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM g WHERE i < %d) SELECT i FROM g)", from+1, from+n)
		key = "randomblob(16)"
	}
	f.exec(t, fmt.Sprintf(`INSERT INTO amsbridge_entry (key, n, association, subject, body, tasks, told, created_at)
		SELECT %s, 1, %s, %s, %s, CASE WHEN i %% 10 = 0 THEN '[{"id":"t","text":"seats"}]' ELSE '[]' END,
			CASE WHEN i %% 10 = 0 THEN 1 ELSE 2 END, 1700000000000000 + i FROM %s`,
		key, f.bytes("''"), f.bytes("'kept'"), f.bytes("'body'"), series))
}

// work runs the statements of a checkout, a learner's page, a claim and its
// settlement.
func (f *filled) work(t *testing.T, n int) {
	t.Helper()
	ctx, tag := t.Context(), time.Now().UnixNano()
	insert := func(keys ...string) {
		var msgs []outbox.Message
		for _, k := range keys {
			msgs = append(msgs, push(fmt.Sprint(k, tag), "U-of-"+k))
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
	f.report(t, fmt.Sprint("order-", tag))
	looked := []outbox.Query{
		{Subject: "order"},
		{Person: "U-of-one"},
		{Person: "U-of-one", Destination: "elevate"},
		{Person: "U-of-one", Destination: "elevate", Scope: "product"},
	}
	if f.full {
		looked = append(looked, outbox.Query{Keys: []string{"one", "two"}}, outbox.Query{IDs: []outbox.ID{1, 2}})
	}
	for _, q := range looked {
		_, err := f.core.Find(ctx, q)
		require.NoError(t, err)
	}
	req := outbox.ClaimRequest{Token: outbox.NewToken(), By: "plan", Lease: time.Hour, Limit: n, DestinationLimit: n, KeyLimit: 10, ProbeEvery: time.Hour}
	claim, err := f.core.Claim(ctx, req)
	require.NoError(t, err)
	require.NotEmpty(t, claim.Leased)
	var batch []outbox.Settlement
	for i, l := range claim.Leased {
		st := outbox.Settlement{Message: l.Message, Token: req.Token, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered}
		if i%6 == 1 {
			st.State, st.Outcome, st.Delay = outbox.StatePending, outbox.OutcomeUnavailable, time.Hour
		}
		batch = append(batch, st)
	}
	_, err = f.core.Settle(ctx, batch)
	require.NoError(t, err)
}

// report appends entries of a subject as a checkout does, and looks for what has to
// be told.
func (f *filled) report(t *testing.T, subject string) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, explained{t, f.db, f.db, f.plans}.InTx(ctx, func(tx sqlcore.Conn) error {
		for n, want := range map[int]bool{1: true, 2: true} {
			e := outbox.Entry{Subject: subject, N: n, Tasks: []outbox.Task{{ID: "t", Text: "seats", New: true}}}
			appended, err := f.core.AppendIn(ctx, tx, e, push(fmt.Sprint(subject, n), "U-of-one"))
			require.NoError(t, err)
			require.Equal(t, want, appended)
		}
		appended, err := f.core.AppendIn(ctx, tx, outbox.Entry{Subject: subject, N: 1})
		require.NoError(t, err)
		require.False(t, appended)
		last, err := f.core.LastEntryIn(ctx, tx, "", subject, 1)
		require.Equal(t, 2, last.N)
		return err
	}))
	told, err := f.core.NewTasks(ctx, 100)
	require.NoError(t, err)
	require.Len(t, told, 1)
	require.NoError(t, f.core.TasksTold(ctx, told))
	if !f.full {
		return
	}
	_, err = f.core.Tasks(ctx, 100)
	require.NoError(t, err)
	_, err = f.core.Prune(ctx, outbox.Pruning{Replies: time.Hour, Forget: time.Hour, Limit: 10})
	require.NoError(t, err)
}
