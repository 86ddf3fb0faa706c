//go:build !race

package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// reader is what an operator reads.
type reader interface {
	Find(ctx context.Context, q outbox.Query) ([]outbox.Record, error)
	Groups(ctx context.Context, q outbox.Query) ([]outbox.Group, error)
	Attempts(ctx context.Context, q outbox.AttemptQuery) ([]outbox.Attempt, error)
	Tasks(ctx context.Context, q outbox.TaskQuery) ([]outbox.OpenTask, error)
	Audit(ctx context.Context, q outbox.AuditQuery) ([]outbox.AuditEntry, error)
}

// operatorRead is a read of an operator's page, and about how much it finds.
type operatorRead struct {
	name string
	find int
	do   func(r reader) (int, error)
}

// readBase is when the first message of readRows was created; one follows each minute.
var readBase = time.UnixMicro(1_700_000_000_000_000)

// operatorReads are an operator's reads where the last message has that ID.
func operatorReads(ctx context.Context, last int) []operatorRead {
	at := func(id int) time.Time { return readBase.Add(time.Duration(id) * time.Minute) }
	from := at(last - 99)
	parked := []outbox.State{outbox.StateParked}
	find := func(q outbox.Query) func(reader) (int, error) {
		q.Limit = 50
		return func(r reader) (int, error) { found, err := r.Find(ctx, q); return len(found), err }
	}
	groups := func(q outbox.Query) func(reader) (int, error) {
		return func(r reader) (n int, err error) {
			groups, err := r.Groups(ctx, q)
			for _, g := range groups {
				n += g.Count
			}
			return n, err
		}
	}
	audit := func(q outbox.AuditQuery) func(reader) (int, error) {
		q.Limit = 50
		return func(r reader) (int, error) { found, err := r.Audit(ctx, q); return len(found), err }
	}
	tasks := func(q outbox.TaskQuery) func(reader) (int, error) {
		q.Limit = 50
		return func(r reader) (int, error) { found, err := r.Tasks(ctx, q); return len(found), err }
	}
	middle := outbox.ID(last / 2)
	return []operatorRead{
		{"the newest messages", 50, find(outbox.Query{CreatedFrom: from, Newest: true})},
		{"of an hour long ago", 50, find(outbox.Query{CreatedFrom: at(int(middle)), CreatedTo: at(int(middle) + 60)})},
		{"a page on of it", 50, find(outbox.Query{CreatedFrom: from, BeforeID: outbox.ID(last - 20), Newest: true})},
		{"a product's, whoever's", 50, find(outbox.Query{CreatedFrom: from, Scope: "product"})},
		{"delivered of that time", 50, find(outbox.Query{CreatedFrom: from, States: []outbox.State{outbox.StateDelivered}, Destination: "elevate"})},
		{"parked, the newest first", 50, find(outbox.Query{States: parked, Newest: true})},
		{"parked at a destination", 50, find(outbox.Query{States: parked, Destination: "elevate"})},
		{"parked for a reason", 50, find(outbox.Query{States: parked, Reason: "unknown product"})},
		{"parked of a product", 50, find(outbox.Query{States: parked, Scope: "product"})},
		{"waiting, the newest first", 50, find(outbox.Query{States: []outbox.State{outbox.StatePending}, Newest: true})},
		{"failed, the newest first", 1, find(outbox.Query{FailedFrom: from, Newest: true})},
		{"failed and well", 1, find(outbox.Query{FailedFrom: from, States: []outbox.State{outbox.StateDelivered}})},
		{"of a person", 1, find(outbox.Query{Person: fmt.Sprint("P-", middle), Newest: true})},
		{"of an order", 1, find(outbox.Query{Subject: fmt.Sprint("O-", middle)})},
		{"groups of the queue", 1000, groups(outbox.Query{})},
		{"groups of a product in it", 1000, groups(outbox.Query{Scope: "product"})},
		{"groups of what failed", 1, groups(outbox.Query{FailedFrom: from})},
		{"groups of a time", 100, groups(outbox.Query{CreatedFrom: from})},
		{"logs", 3, func(r reader) (int, error) {
			log, err := r.Attempts(ctx, outbox.AttemptQuery{IDs: []outbox.ID{middle, middle + 1, middle + 2}})
			return len(log), err
		}},
		{"the audit", 50, audit(outbox.AuditQuery{})},
		{"of a message", 1, audit(outbox.AuditQuery{ID: middle})},
		{"of an order's actions", 1, audit(outbox.AuditQuery{Subject: fmt.Sprint("O-", middle)})},
		{"of an actor", 50, audit(outbox.AuditQuery{Actor: "kim"})},
		{"of somebody rare", 1, audit(outbox.AuditQuery{Actor: "alex"})},
		{"who paused it", 1, audit(outbox.AuditQuery{Destination: "elevate", Verbs: []outbox.Verb{outbox.VerbPause, outbox.VerbResume}})},
		{"of a day", 50, audit(outbox.AuditQuery{From: at(int(middle)), To: at(int(middle) + 60)})},
		{"tasks", 50, tasks(outbox.TaskQuery{})},
		{"tasks of a time", 10, tasks(outbox.TaskQuery{From: from})},
		{"tasks of an order", 1, tasks(outbox.TaskQuery{Subject: fmt.Sprint("O-", last/10*10)})},
	}
}

// readRows fills the tables up to that many messages, the first thousand of which are in the queue, half of
// them parked; all others were delivered, one of a hundred at the second try. Of each there is an order
// with an entry and an operator's action; one order of ten has a task.
func (f *filled) readRows(t *testing.T, from, to int) {
	t.Helper()
	series := fmt.Sprintf("generate_series(%d, %d) AS i", from+1, to)
	if f.dialect == sqlstore.SQLite {
		series = fmt.Sprintf("(WITH RECURSIVE g(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM g WHERE i < %d) SELECT i FROM g)", from+1, to)
	}
	if f.dialect == sqlstore.PostgreSQL && from == 0 { // the proof of the store at its start used an ID up
		f.exec(t, "ALTER TABLE amsbridge_message ALTER COLUMN id RESTART")
	}
	text := func(prefix string) string { return f.bytes("'" + prefix + "' || CAST(i AS TEXT)") }
	const at = "1700000000000000 + CAST(i AS BIGINT) * 60000000"
	for _, statement := range []string{
		`INSERT INTO amsbridge_message (ordering_key, scope, destination, key, key_parts, kind, version, person, subject, items, facts, sequel, trace_context, created_at)
			SELECT CAST(i AS BIGINT) * 4294967296, ` + f.bytes("'product'") + `, ` + f.bytes("'elevate'") + `, ` + text("key-") + `, '[]', 'give', 1,
				` + text("P-") + `, ` + text("O-") + `, '[]', ` + f.bytes("'facts of some length'") + `, 'ended', '', ` + at + ` FROM ` + series,
		`INSERT INTO amsbridge_queue (ordering_key, shard, id, destination, state, reason)
			SELECT ordering_key, ordering_key & 63, id, destination, id % 2, CASE WHEN id % 2 = 1 THEN 'unknown product' ELSE '' END
			FROM amsbridge_message WHERE id <= 1000 AND id > ` + fmt.Sprint(from),
		`INSERT INTO amsbridge_attempt (message_id, n, at, took_us, outcome, state, duplicate, doubt, seq, code, reason, detail, releases, sender)
			SELECT i, 2, ` + at + `, 1000, 1, 3, 0, 0, 1, '200', '', '', '', 'plan' FROM ` + series + ` WHERE i > 1000`,
		`INSERT INTO amsbridge_attempt (message_id, n, at, took_us, outcome, state, duplicate, doubt, seq, code, reason, detail, releases, sender)
			SELECT i, 1, ` + at + `, 1000, 7, 0, 0, 0, 1, '503', 'no answer', '', '', 'plan' FROM ` + series + ` WHERE i > 1000 AND i % 100 = 50`,
		`INSERT INTO amsbridge_audit (at, actor, role, verb, reason, message_id, key, was, destination, association, subject, task)
			SELECT ` + at + `, CASE WHEN i = 500 THEN 'alex' ELSE 'kim' END, '', CASE WHEN i = 500 THEN 'pause' ELSE 'send again' END, 'why', i,
				` + text("key-") + `, 1, ` + f.bytes("'elevate'") + `, ` + f.bytes("''") + `, ` + text("O-") + `, ` + f.bytes("''") + ` FROM ` + series,
	} {
		f.exec(t, statement)
	}
	entries := `INSERT INTO amsbridge_entry (key, n, association, subject, body, tasks, told, created_at) VALUES (%s, 1, %s, %s, %s, %s, %s, %s)`
	tx, err := f.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	marks := []any{"$1", "$2", "$3", "$4", "$5", "$6", "$7"}
	insert, err := tx.PrepareContext(t.Context(), fmt.Sprintf(entries, marks...))
	require.NoError(t, err)
	defer func() { require.NoError(t, insert.Close()) }()
	for i := from + 1; i <= to; i++ {
		tasks, told := "[]", 2
		if i%10 == 0 {
			tasks, told = `[{"id":"t","text":"seats"}]`, 1
		}
		subject := fmt.Sprint("O-", i)
		_, err := insert.ExecContext(t.Context(), outbox.EntryKey("", subject), []byte{}, []byte(subject), []byte("body"), tasks, told, 1_700_000_000_000_000+int64(i)*60_000_000)
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
}

// lookedUpPerson gives the message of the person who is looked up their ordering key.
func lookedUpPerson(last int) string {
	key := outbox.Message{Destination: "elevate", Person: fmt.Sprint("P-", last/2)}.OrderingKey()
	return fmt.Sprintf("UPDATE amsbridge_message SET ordering_key = %d WHERE id = %d", key, last/2)
}

// unread finds what an operator's read goes through that is not of it: walks over tables and over whole
// indexes, but for the queue, which is as long as what waits.
func unread(scans []string) (odd []string) {
	for _, s := range scans {
		if !strings.HasPrefix(s, "amsbridge_queue: ") && !strings.HasPrefix(s, "SCAN w") {
			odd = append(odd, s)
		}
	}
	return odd
}

// An operator's page reads what it shows, and the queue: not what else is kept, whatever the planner's
// statistics say.
func TestOperatorsReadsDoNotGrowWithWhatIsKept(t *testing.T) {
	t.Parallel()
	for _, s := range []setup{setups[0], setups[2]} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := openFilled(t, s)
			f.plans.strict = true
			if s.dialect == sqlstore.PostgreSQL {
				for _, table := range []string{"message", "queue", "attempt", "entry", "task"} {
					f.exec(t, "ALTER TABLE amsbridge_"+table+" SET (autovacuum_enabled = off)")
				}
			}
			few, many := map[string]int{}, map[string]int{} // pages of each read, never analyzed or analyzed, whichever is more
			f.readRows(t, 0, 10_000)
			f.readAll(t, 10_000, few)
			f.exec(t, "ANALYZE")
			f.readAll(t, 10_000, few)
			f.readRows(t, 10_000, 100_000)
			f.readAll(t, 100_000, many)
			f.exec(t, "ANALYZE")
			f.readAll(t, 100_000, many)
			for name, pages := range many {
				require.LessOrEqual(t, pages, 2*few[name]+20, name)
			}
		})
	}
}

// readAll runs all reads, and notes the pages that each takes on PostgreSQL.
func (f *filled) readAll(t *testing.T, last int, pages map[string]int) {
	t.Helper()
	f.exec(t, lookedUpPerson(last))
	f.exec(t, "ANALYZE amsbridge_audit") // no hand writes faster than the database counts
	for _, read := range operatorReads(t.Context(), last) {
		f.plans.scans, f.plans.asked, f.plans.pages, f.plans.counted = nil, 0, 0, f.dialect == sqlstore.PostgreSQL
		n, err := read.do(f.core)
		require.NoError(t, err, read.name)
		require.Equal(t, read.find, n, read.name)
		require.Empty(t, unread(f.plans.scans), read.name)
		pages[read.name] = max(pages[read.name], f.plans.pages)
		f.plans.counted = false
		begin := time.Now()
		_, err = read.do(f.store)
		require.NoError(t, err)
		t.Logf("%6d messages: %-26s %5d pages, %8s", last, read.name, f.plans.pages, time.Since(begin).Round(10*time.Microsecond))
	}
}

func TestMariaDBOperatorsReadsDoNotGrowWithWhatIsKept(t *testing.T) {
	t.Parallel()
	e := setups[4].open(t)
	e.db.SetMaxOpenConns(1) // so that the counters are one session's
	few, many := map[string]int{}, map[string]int{}
	read := func(last int, into map[string]int) {
		_, err := e.db.ExecContext(t.Context(), lookedUpPerson(last))
		require.NoError(t, err)
		for _, r := range operatorReads(t.Context(), last) {
			begin := time.Now()
			all, _ := reads(t, e.db, func() {
				n, err := r.do(e.store)
				require.NoError(t, err, r.name)
				require.Equal(t, r.find, n, r.name)
			})
			into[r.name] = all
			t.Logf("%6d messages: %-26s %6d read, %8s", last, r.name, all, time.Since(begin).Round(10*time.Microsecond))
		}
	}
	mariaReadRows(t, e.db, 0, 10_000)
	read(10_000, few)
	mariaReadRows(t, e.db, 10_000, 100_000)
	read(100_000, many)
	for name, n := range many {
		require.LessOrEqual(t, n, 2*few[name]+100, name)
	}
	for _, table := range []string{"message", "queue", "attempt", "entry", "audit"} {
		_, err := e.db.ExecContext(t.Context(), "ANALYZE TABLE amsbridge_"+table)
		require.NoError(t, err)
	}
	read(100_000, many)
	for name, n := range many {
		require.LessOrEqual(t, n, 2*few[name]+100, "%s, analyzed", name)
	}
}

// mariaReadRows is readRows for MariaDB.
func mariaReadRows(t *testing.T, db *sql.DB, from, to int) {
	t.Helper()
	const at = "1700000000000000 + seq * 60000000"
	series := fmt.Sprintf(" FROM seq_%d_to_%d", from+1, to)
	for _, statement := range []string{
		"INSERT INTO amsbridge_message (id, ordering_key, scope, destination, `key`, key_parts, kind, version, person, subject, items, facts, sequel, trace_context, created_at)" +
			" SELECT seq, seq * 4294967296, 'product', 'elevate', CONCAT('key-', seq), '[]', 'give', 1, CONCAT('P-', seq), CONCAT('O-', seq), '[]', 'facts of some length', 'ended', '', " + at + series,
		"INSERT INTO amsbridge_queue (ordering_key, shard, id, destination, state, reason)" +
			" SELECT ordering_key, ordering_key & 63, id, destination, id % 2, IF(id % 2 = 1, 'unknown product', '')" +
			fmt.Sprintf(" FROM amsbridge_message WHERE id <= 1000 AND id > %d", from),
		"INSERT INTO amsbridge_attempt (message_id, n, at, took_us, outcome, state, duplicate, doubt, seq, code, reason, detail, releases, sender)" +
			" SELECT seq, 2, " + at + ", 1000, 1, 3, 0, 0, 1, '200', '', '', '', 'plan'" + series + " WHERE seq > 1000",
		"INSERT INTO amsbridge_attempt (message_id, n, at, took_us, outcome, state, duplicate, doubt, seq, code, reason, detail, releases, sender)" +
			" SELECT seq, 1, " + at + ", 1000, 7, 0, 0, 0, 1, '503', 'no answer', '', '', 'plan'" + series + " WHERE seq > 1000 AND seq % 100 = 50",
		"INSERT INTO amsbridge_audit (at, actor, role, verb, reason, message_id, `key`, was, destination, association, subject, task)" +
			" SELECT " + at + ", IF(seq = 500, 'alex', 'kim'), '', IF(seq = 500, 'pause', 'send again'), 'why', seq, CONCAT('key-', seq), 1, 'elevate', '', CONCAT('O-', seq), ''" + series,
		"INSERT INTO amsbridge_entry (`key`, n, association, subject, body, tasks, told, created_at)" +
			` SELECT UNHEX(LEFT(SHA2(CONCAT(CHAR(0), 'O-', seq), 256), 32)), 1, '', CONCAT('O-', seq), 'body', IF(seq % 10 = 0, '[{"id":"t","text":"seats"}]', '[]'), IF(seq % 10 = 0, 1, 2), ` + at + series,
	} {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}
