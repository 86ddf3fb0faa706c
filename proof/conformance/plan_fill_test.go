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
	f.exec(t, fmt.Sprintf(`INSERT INTO amsbridge_queue (ordering_key, shard, id, destination)
		SELECT ordering_key, ordering_key & 63, id, destination FROM amsbridge_message m
		WHERE subject = %s AND NOT EXISTS (SELECT 1 FROM amsbridge_attempt a WHERE a.message_id = m.id)`, f.bytes("'queued'")))
}

// pause adds n that wait for a destination which an operator has paused.
func (f *filled) pause(t *testing.T, n int) {
	t.Helper()
	f.bulk(t, "paused", 0, n, 1)
	f.exec(t, fmt.Sprintf(`INSERT INTO amsbridge_queue (ordering_key, shard, id, destination)
		SELECT ordering_key, ordering_key & 63, id, %s FROM amsbridge_message m WHERE subject = %s`, f.bytes("'paused'"), f.bytes("'paused'")))
	f.exec(t, fmt.Sprintf("INSERT INTO amsbridge_destination (name, pausing, reason) VALUES (%s, 2, 'a look')", f.bytes("'paused'")))
}

// bytes casts a text to bytes.
func (f *filled) bytes(text string) string {
	if f.dialect == sqlstore.SQLite {
		return "CAST(" + text + " AS BLOB)"
	}
	return "convert_to(" + text + ", 'UTF8')"
}

// bulk inserts messages; of each person there are as many. On SQLite, which has
// no SHA-256, ordering keys are numbers of persons.
func (f *filled) bulk(t *testing.T, subject string, from, n, each int) {
	t.Helper()
	series := fmt.Sprintf("generate_series(%d, %d) AS i", from+1, from+n)
	if f.dialect == sqlstore.SQLite {
		series = fmt.Sprintf("(WITH RECURSIVE g(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM g WHERE i < %d) SELECT i FROM g)", from+1, from+n)
	}
	text := func(prefix, i string) string { return f.bytes("'" + prefix + "' || CAST(" + i + " AS TEXT)") }
	person := fmt.Sprintf("((i - 1) / %d)", each)
	key := person + " + 1000000000"
	if f.dialect == sqlstore.PostgreSQL {
		key = fmt.Sprintf(`('x' || encode(substring(sha256('\x00'::bytea || %[2]s) FROM 1 FOR 4)
			|| substring(sha256(%[1]s || '\x00'::bytea || %[2]s) FROM 1 FOR 4), 'hex'))::bit(64)::bigint`,
			f.bytes("'elevate'"), text(subject+"-U-", person))
	}
	f.exec(t, fmt.Sprintf(`INSERT INTO amsbridge_message (ordering_key, scope, destination, key, key_parts, kind, version, person, subject, items, facts,
			sequel, trace_context, created_at)
		SELECT %s, %s, %s, %s, '["a","b"]', 'registration', 1, %s, %s, '["1"]', %s, 'check', '', 1700000000000000 + i FROM %s`,
		key, f.bytes("'product'"), f.bytes("'elevate'"), text(subject+"-key-", "i"), text(subject+"-U-", person), f.bytes("'"+subject+"'"),
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

// work runs the statements of a checkout, a learner's page, and a sender.
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
	f.send(t, n)
}

// send runs the statements of a sender: it joins, takes over from one that died with messages in flight, reads in
// every way, records, and settles in every way.
func (f *filled) send(t *testing.T, n int) {
	t.Helper()
	ctx := t.Context()
	dead := join(t, f.core)
	dead.record(t, f.fresh(t, dead, 3)...)
	s := takeOver(t, f.core)
	read := func(r outbox.Reading) []outbox.Waiting {
		t.Helper()
		r.Session, r.Limit = s.id, n
		if r.Shards == nil {
			r.Shards = s.beat(t, outbox.Beat{}).Owned
		}
		got, err := f.core.Read(ctx, r)
		require.NoError(t, err)
		return got.Messages
	}
	due := read(outbox.Reading{Due: true})
	require.NotEmpty(t, due)
	last := due[len(due)-1]
	read(outbox.Reading{Due: true, AfterDue: last.Due, After: last.ID})
	read(outbox.Reading{Due: true, Destination: "elevate", Except: []string{"notified"}})
	waiting := f.fresh(t, s, n)
	first := waiting[0]
	known := []outbox.ID{first.ID, due[0].ID}
	read(outbox.Reading{Shards: []int{outbox.ShardOf(first.Key)}, Key: first.Key, HasKey: true})
	read(outbox.Reading{Shards: []int{outbox.ShardOf(first.Key)}, Key: first.Key, HasKey: true, After: first.ID})
	read(outbox.Reading{After: first.ID, UpTo: waiting[len(waiting)-1].ID, Known: known, Except: []string{"notified", "nowhere"}})
	read(outbox.Reading{Destination: "elevate", After: first.ID})
	read(outbox.Reading{Destination: "elevate", Shards: []int{3, 5}})
	s.beat(t, outbox.Beat{Give: []int{63}, Mend: true})
	s.beat(t, outbox.Beat{Take: 1})

	begun := s.record(t, append(due, waiting...)...)
	require.NotEmpty(t, begun)
	settling := outbox.Settling{Session: s.id, Over: []int64{s.n}}
	for i, h := range begun {
		st := deliveredOf(h.Message)
		if i%6 == 1 {
			st.State, st.Outcome, st.Delay = outbox.StatePending, outbox.OutcomeUnavailable, time.Hour
		}
		settling.Batch = append(settling.Batch, st)
	}
	got, err := f.core.Settle(ctx, settling)
	require.NoError(t, err)
	require.Empty(t, got.Locked)
	if f.full {
		limited := f.fresh(t, s, 2)
		s.n++
		flight := outbox.Flight{Session: s.id, N: s.n, Rates: map[string]outbox.Rate{"elevate": {Count: 100, Per: time.Second}}}
		for _, w := range limited {
			flight.Messages = append(flight.Messages, outbox.Queued{ID: w.ID, Key: w.Key, Destination: w.Destination})
		}
		_, err := f.core.Record(ctx, flight)
		require.NoError(t, err)
		st := deliveredOf(limited[0].Message)
		st.Then, st.Resume = []outbox.Message{push(fmt.Sprint("then-", s.id), "U-then")}, true
		_, err = f.core.Settle(ctx, outbox.Settling{Session: s.id, Batch: []outbox.Settlement{st}})
		require.NoError(t, err)
	}
	s.leave(t)
}

// fresh reads what was never put off.
func (f *filled) fresh(t *testing.T, s *session, n int) []outbox.Waiting {
	t.Helper()
	got, err := f.core.Read(t.Context(), outbox.Reading{Session: s.id, Shards: s.beat(t, outbox.Beat{}).Owned, Limit: n})
	require.NoError(t, err)
	require.NotEmpty(t, got.Messages)
	return got.Messages
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
	_, err = f.core.Tasks(ctx, outbox.TaskQuery{Limit: 100})
	require.NoError(t, err)
	_, err = f.core.Prune(ctx, outbox.Pruning{Replies: time.Hour, Forget: time.Hour, Limit: 10})
	require.NoError(t, err)
}
