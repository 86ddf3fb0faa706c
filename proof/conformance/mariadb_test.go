package conformance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// retried runs a transaction again that MariaDB gave up for a deadlock, or whose
// snapshot was too old to see what another one did to the order, as its shops
// must.
func retried(run func() error) error {
	for range 100 {
		err := run()
		var e *mysql.MySQLError
		stale := err != nil && strings.Contains(err.Error(), "keep changing: roll back")
		if !stale && (!errors.As(err, &e) || e.Number != 1213) {
			return err
		}
	}
	return errors.New("a hundred deadlocks")
}

// requireNoWaiting runs f in three transactions that stay open together, then
// commits them: none may wait for another.
func requireNoWaiting(t *testing.T, e *env, f func(tx *sql.Tx, i int)) {
	t.Helper()
	var open []*sql.Tx
	for i := range 3 {
		tx, err := e.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }() // harmless after the commit
		open = append(open, tx)
		_, err = tx.ExecContext(t.Context(), "SET SESSION innodb_lock_wait_timeout = 2")
		require.NoError(t, err)
		f(tx, i)
	}
	for _, tx := range open {
		require.NoError(t, tx.Commit())
	}
}

// Checkouts of different orders run beside each other under REPEATABLE READ,
// where InnoDB locks gaps too: new ones of one message or several, first reports,
// changes and repeats of orders, whatever is in the tables.
func TestPromise13_MariaDBCheckoutsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 20} {
		t.Run(fmt.Sprint(rows, " rows"), func(t *testing.T) {
			t.Parallel()
			e := setups[4].open(t)
			ctx := t.Context()
			var before []outbox.Message
			for i := range rows {
				before = append(before, push(fmt.Sprint("k", i), fmt.Sprint("U-", i)))
			}
			if rows > 0 {
				e.insert(t, before...)
				e.inTx(t, func(tx *sql.Tx) error {
					for i := range 3 {
						_, err := e.store.AppendTx(ctx, tx, outbox.Entry{Subject: fmt.Sprint("before", i), N: 1})
						require.NoError(t, err)
					}
					return nil
				})
				s := e.join(t)
				for _, h := range s.begin(t)[:10] {
					require.True(t, s.settle(t, h, nil))
				}
				e.ahead.Add(int64(1e12))
			}
			requireNoWaiting(t, e, func(tx *sql.Tx, i int) {
				insert := func(duplicate bool, msgs ...outbox.Message) {
					t.Helper()
					got, err := e.store.InsertTx(ctx, tx, msgs...)
					require.NoError(t, err)
					for _, g := range got {
						require.Equal(t, duplicate, g.Duplicate)
					}
				}
				own := func(name string) outbox.Message { return push(fmt.Sprint(name, i), "U-1") }
				appendEntry := func(appended bool, subject string, n int, msgs ...outbox.Message) {
					t.Helper()
					got, err := e.store.AppendTx(ctx, tx, outbox.Entry{Subject: subject, N: n}, msgs...)
					require.NoError(t, err)
					require.Equal(t, appended, got)
				}
				if rows > 0 {
					insert(true, before[3*i], before[3*i+1])
					name := fmt.Sprint("before", i)
					appendEntry(false, name, 1)
					last, err := e.store.LastEntryTx(ctx, tx, "", name, 1)
					require.NoError(t, err)
					require.Equal(t, 1, last.N)
					appendEntry(true, name, 2, own("change"))
				}
				insert(false, own("single"))
				insert(false, own("a"), own("b"), own("c"))
				insert(true, own("b"), own("c"))
				subject := fmt.Sprint("order", i)
				appendEntry(true, subject, 1, own("d"))
				appendEntry(false, subject, 1, own("e"))
				appendEntry(true, subject, 2, own("e"), own("f"))
				found, err := e.store.FindTx(ctx, tx, outbox.Query{Keys: []string{own("a").Key}})
				require.NoError(t, err)
				require.Len(t, found, 1)
			})
		})
	}
}

// A key that another transaction commits meanwhile is a duplicate, and the
// transaction goes on: MariaDB undoes the statement that met it, and no other.
func TestPromise13_MariaDBDuplicateMeanwhileLeavesTheTransactionUsable(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string][]outbox.Message{"alone": nil, "among others": {push("other", "U-2")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := setups[5].open(t)
			ctx := t.Context()
			first, err := e.db.BeginTx(ctx, nil)
			require.NoError(t, err)
			defer func() { _ = first.Rollback() }() // harmless after the commit
			_, err = e.store.InsertTx(ctx, first, push("k", "U-1"))
			require.NoError(t, err)
			second := make(chan error, 1)
			go func() {
				second <- sqlstore.InTx(context.Background(), e.db, nil, func(tx *sql.Tx) error {
					got, err := e.store.InsertTx(context.Background(), tx, append(rest, push("k", "U-1"))...)
					if err != nil || !got[len(rest)].Duplicate {
						return fmt.Errorf("no duplicate: %w", err)
					}
					_, err = e.store.InsertTx(context.Background(), tx, push("own", "U-3"))
					return err
				})
			}()
			until(t, func() bool { return e.waiting(t) == 1 }, "the second report waits for the first")
			require.NoError(t, first.Commit())
			require.NoError(t, <-second)
			found, err := e.store.Find(ctx, outbox.Query{Subject: "order"})
			require.NoError(t, err)
			require.Len(t, found, 2+len(rest))
		})
	}
}

// What a value means depends neither on the server's modes nor on the
// connection's or the database's character set.
func TestMariaDBModesAndCharacterSetsDoNotMatter(t *testing.T) {
	t.Parallel()
	for name, params := range map[string][]string{
		"modes":  {"sql_mode=%27ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE,ONLY_FULL_GROUP_BY,NO_AUTO_VALUE_ON_ZERO%27"},
		"latin1": {"charset=latin1"}, "utf8mb3": {"charset=utf8mb3"}, "gbk": {"charset=gbk"},
		"local time": {"time_zone=%27%2B05:30%27", "parseTime=true", "loc=Local"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			maria := setups[4]
			maria.params = params
			e := maria.open(t)
			_, err := e.db.ExecContext(t.Context(), "ALTER DATABASE CHARACTER SET latin1")
			require.NoError(t, err)
			nasty := "'\"`\\%_?1 \u00e9e\u0301\u4e2d😀\ufffd\u2028 "
			m := push(nasty, "U-"+nasty)
			m.Subject, m.Items, m.KeyParts = nasty, []string{nasty, "b "}, []string{nasty}
			m.Facts, m.Profile = []byte("\x00\xff'\\"+nasty), []byte("\xbf\x27\x00")
			other := m
			other.Key, other.Facts = strings.TrimSpace(m.Key), []byte("x")
			ids := e.insert(t, m, other)
			_, err = e.store.Join(t.Context(), outbox.Joining{By: nasty, Length: time.Second})
			require.NoError(t, err)
			s := e.join(t)
			begun := s.beginAll(t)
			require.Len(t, begun, 2)
			require.Equal(t, m.Profile, begun[0].Profile)
			require.True(t, s.settle(t, begun[0], func(st *outbox.Settlement) {
				st.Receipt, st.Detail, st.Reason, st.By = m.Facts, nasty, nasty, nasty
			}))
			require.True(t, s.settle(t, begun[1], func(st *outbox.Settlement) {
				st.State, st.Outcome, st.Reason = outbox.StateParked, outbox.OutcomeRejected, nasty
			}))
			rec, log := e.one(t, ids[0]), e.log(t, ids[0])[0]
			require.Equal(t, m.Facts, rec.Facts)
			require.Equal(t, m.Facts, rec.Receipt)
			require.Equal(t, []any{m.Key, m.Person, m.Subject, m.Items, m.KeyParts}, []any{rec.Key, rec.Person, rec.Subject, rec.Items, rec.KeyParts})
			if name == "modes" || name == "local time" { // others cannot bring every sign back
				require.Equal(t, []string{outbox.CutText(nasty, 4096), nasty}, []string{log.Detail, log.Reason})
				require.Equal(t, nasty, e.one(t, ids[1]).Reason)
			}
		})
	}
}

// A settlement that has two messages does not wait for one that somebody else has locked, and so takes no part in
// a deadlock.
func TestMariaDBSettlementPassesOverLockedRows(t *testing.T) {
	t.Parallel()
	e := setups[5].open(t)
	ctx := t.Context()
	ids := e.insert(t, push("a", "U-1"), push("b", "U-2"))
	s := e.join(t)
	begun := s.begin(t)
	require.Len(t, begun, 2)
	tx, err := e.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }() // harmless after the one below
	_, err = tx.ExecContext(ctx, "UPDATE amsbridge_queue SET reason = 'other' WHERE id = ?", ids[1])
	require.NoError(t, err)
	settle := outbox.Settling{Session: s.id, Batch: []outbox.Settlement{deliveredOf(begun[0].Message), deliveredOf(begun[1].Message)}}
	got, err := e.store.Settle(ctx, settle)
	require.NoError(t, err)
	require.Equal(t, outbox.Settled{Acked: ids[:1], Locked: ids[1:]}, got)
	require.NoError(t, tx.Rollback())
	settle.Batch = settle.Batch[1:]
	got, err = e.store.Settle(ctx, settle)
	require.NoError(t, err)
	require.Equal(t, outbox.Settled{Acked: ids[1:]}, got)
}
