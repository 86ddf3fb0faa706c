package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// seed fills the tables: rows messages that were delivered, and as many as a
// tenth of that which wait for a retry, in the queue. Statistics are left as they
// come: the tables were empty when they were first used.
func seed(t *testing.T, db *sql.DB, rows int) {
	t.Helper()
	waiting := rows / 10
	for _, statement := range []string{
		`INSERT INTO amsbridge_entry (` + "`key`" + `, n, association, subject, body, tasks, told, created_at)
			SELECT UNHEX(MD5(seq)), 1, '', CONCAT('O-', seq), 'body', IF(MOD(seq, 10) = 0, '[{"id":"t","text":"seats"}]', '[]'), IF(MOD(seq, 10) = 0, 1, 2), seq
			FROM seq_1_to_%d`,
		`INSERT INTO amsbridge_message (ordering_key, scope, destination, ` + "`key`" + `, key_parts, kind, version, person, subject, items, facts, sequel, trace_context, created_at)
			SELECT seq * 7919, 'product', 'elevate', CONCAT('seeded-', seq), '[]', 'test', 1, CONCAT('P-', seq), CONCAT('O-', seq), '[]', 'facts', 'check', '', seq
			FROM seq_1_to_%d`,
		`INSERT INTO amsbridge_attempt (message_id, n, at, took_us, outcome, state, duplicate, doubt, seq, code, reason, detail, releases, sender)
			SELECT id, 1, id, 0, 1, 3, 0, 0, 1, '', '', '', '', '' FROM amsbridge_message WHERE id <= %d`,
		`INSERT INTO amsbridge_queue (ordering_key, shard, id, destination, due_at)
			SELECT ordering_key, ordering_key & 63, id, destination, 4000000000000000 + id FROM amsbridge_message WHERE id <= ` + fmt.Sprint(waiting) + ` AND id <= %d`,
	} {
		_, err := db.ExecContext(t.Context(), fmt.Sprintf(statement, rows))
		require.NoError(t, err)
	}
}

// reads returns how many rows or index entries a session's statements looked at
// while f ran, and how many of them were met by reading through a table.
func reads(t *testing.T, db *sql.DB, f func()) (all, scanned int) {
	t.Helper()
	count := func() (all, scanned int) {
		rows, err := db.QueryContext(t.Context(), "SHOW SESSION STATUS LIKE 'Handler_read%'")
		require.NoError(t, err)
		defer func() { require.NoError(t, rows.Close()) }()
		for rows.Next() {
			var name string
			var n int
			require.NoError(t, rows.Scan(&name, &n))
			all += n
			if strings.HasSuffix(name, "rnd_next") {
				scanned += n
			}
		}
		require.NoError(t, rows.Err())
		return all, scanned
	}
	allBefore, scannedBefore := count()
	f()
	allAfter, scannedAfter := count()
	return allAfter - allBefore, scannedAfter - scannedBefore
}

// What a call reads does not grow with the tables: it goes by indexes, whatever
// the optimizer believes of them. This counts what was read, where an EXPLAIN
// would say what is meant to be. (Lists and the server's own tables are scanned;
// they are short.)
func TestMariaDBReadsByIndexesHoweverManyRows(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 40_000, 1_000_000} {
		if rows > 100_000 && testing.Short() {
			continue
		}
		for _, analyzed := range []bool{false, true} {
			if analyzed && rows != 40_000 {
				continue
			}
			t.Run(fmt.Sprint(rows, " rows, analyzed ", analyzed), func(t *testing.T) {
				t.Parallel()
				requireFewReads(t, rows, analyzed)
			})
		}
	}
}

func requireFewReads(t *testing.T, rows int, analyzed bool) {
	t.Helper()
	e := setups[4].open(t)
	e.db.SetMaxOpenConns(1) // so that the counters are one session's
	if rows > 0 {
		seed(t, e.db, rows)
	}
	if analyzed {
		for _, table := range []string{"message", "queue", "attempt"} {
			_, err := e.db.ExecContext(t.Context(), "ANALYZE TABLE amsbridge_"+table)
			require.NoError(t, err)
		}
	}
	var ids []outbox.ID
	var s *session
	var owned []int
	var waiting []outbox.Waiting
	var begun []held
	many := make([]outbox.Message, 20)
	for i := range many {
		many[i] = push(fmt.Sprint("many", i), fmt.Sprint("U-", i))
	}
	found := func(q outbox.Query) func() {
		return func() {
			_, err := e.store.Find(t.Context(), q)
			require.NoError(t, err)
		}
	}
	report := func(n int, subject string, want bool) {
		e.inTx(t, func(tx *sql.Tx) error {
			entry := outbox.Entry{Subject: subject, N: n, Tasks: []outbox.Task{{ID: "t", Text: "seats", New: n == 1}}}
			appended, err := e.store.AppendTx(t.Context(), tx, entry, push(fmt.Sprint(subject, n), "U-new"))
			require.Equal(t, want, appended)
			if err == nil && !appended {
				_, err = e.store.LastEntryTx(t.Context(), tx, "", subject, n)
			}
			return err
		})
	}
	for _, step := range []struct {
		name string
		most int
		do   func()
	}{
		{"insert one", 10, func() { e.insert(t, push("one", "U-one")) }},
		{"insert many", 200, func() { ids = e.insert(t, many...) }},
		{"repeat many", 200, func() { e.insert(t, many...) }},
		{"report an order", 60, func() { report(1, "R-1", true) }},
		{"report it again", 60, func() { report(1, "R-1", false) }},
		{"report a change of it", 60, func() { report(2, "R-1", true) }},
		{"join", 700, func() {
			s = e.join(t)
			owned = s.beat(t, outbox.Beat{}).Owned
		}},
		{"beat", 300, func() { s.beat(t, outbox.Beat{}) }},
		{"read", 300, func() {
			got, err := e.store.Read(t.Context(), outbox.Reading{Session: s.id, Shards: owned, Limit: 20})
			require.NoError(t, err)
			require.Len(t, got.Messages, 20)
			waiting = got.Messages
		}},
		{"read what is due", 100, func() {
			_, err := e.store.Read(t.Context(), outbox.Reading{Session: s.id, Shards: owned, Due: true, Limit: 20})
			require.NoError(t, err)
		}},
		{"read of a key", 100, func() {
			_, err := e.store.Read(t.Context(), outbox.Reading{Session: s.id, Shards: owned, Key: waiting[0].Key, HasKey: true, Limit: 20})
			require.NoError(t, err)
		}},
		{"read of nothing more", 100, func() {
			_, err := e.store.Read(t.Context(), outbox.Reading{Session: s.id, Shards: owned, After: waiting[19].ID + 10, Limit: 20})
			require.NoError(t, err)
		}},
		{"record", 600, func() {
			begun = s.record(t, waiting...)
			require.Len(t, begun, 20)
		}},
		{"settle", 600, func() {
			settling := outbox.Settling{Session: s.id, Over: []int64{s.n}}
			for i, h := range begun {
				st := deliveredOf(h.Message)
				if i%2 == 0 {
					st.State, st.Outcome, st.Delay = outbox.StatePending, outbox.OutcomeUnavailable, time.Hour
				}
				settling.Batch = append(settling.Batch, st)
			}
			got, err := e.store.Settle(context.Background(), settling)
			require.NoError(t, err)
			require.Len(t, got.Acked, 20)
		}},
		{"take over", 1000, func() {
			s.held = map[int64]outbox.ID{}
			require.NotEmpty(t, s.begin(t))
			s = e.takeOver(t)
		}},
		{"end others", 900, func() {
			two := e.insert(t, push("ends", "U-end"), push("other", "U-end"))
			end := two[1]
			all := s.begin(t)
			at := slices.IndexFunc(all, func(h held) bool { return h.ID == two[0] })
			require.True(t, s.settle(t, all[at], func(st *outbox.Settlement) {
				st.Ends = []outbox.End{{ID: end, State: outbox.StateReplaced, Reason: "told"}}
			}))
			require.Equal(t, outbox.StateReplaced, e.one(t, end).State)
		}},
		{"tell tasks", 60, func() {
			told, err := e.store.NewTasks(t.Context(), 100)
			require.NoError(t, err)
			require.Len(t, told, 1)
			require.NoError(t, e.store.TasksTold(t.Context(), told))
		}},
		{"find by subject", 300, found(outbox.Query{Subject: "order"})},
		{"find by ordering key and scope", 40, found(outbox.Query{Person: "U-3", Destination: "elevate", Scope: "product"})},
		{"find by person", 40, found(outbox.Query{Person: "U-3"})},
		{"find by key", 200, found(outbox.Query{Keys: []string{"many3", "many4"}})},
		{"find by ID", 200, func() { found(outbox.Query{IDs: ids[:3]})() }},
		{"find what is parked", 60, found(outbox.Query{States: []outbox.State{outbox.StateParked}})},
		{"prune", 300, func() {
			_, err := e.store.Prune(t.Context(), outbox.Pruning{Replies: time.Hour, Forget: time.Hour, Limit: 10})
			require.NoError(t, err)
		}},
	} {
		all, scanned := reads(t, e.db, step.do)
		t.Logf("%-24s %5d read, %4d of them by scans", step.name, all, scanned)
		require.LessOrEqual(t, all, step.most, step.name)
	}
}
