package conformance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

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
				token := outbox.NewToken()
				for _, l := range e.claim(t, token)[:10] {
					require.True(t, e.settle(t, token, l, nil))
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
			s := setups[4]
			s.params = params
			e := s.open(t)
			_, err := e.db.ExecContext(t.Context(), "ALTER DATABASE CHARACTER SET latin1")
			require.NoError(t, err)
			nasty := "'\"`\\%_?1 \u00e9e\u0301\u4e2d😀\ufffd\u2028 "
			m := push(nasty, "U-"+nasty)
			m.Subject, m.Items, m.KeyParts = nasty, []string{nasty, "b "}, []string{nasty}
			m.Facts, m.Profile = []byte("\x00\xff'\\"+nasty), []byte("\xbf\x27\x00")
			other := m
			other.Key, other.Facts = strings.TrimSpace(m.Key), []byte("x")
			ids := e.insert(t, m, other)
			token := outbox.NewToken()
			c, err := e.store.Claim(t.Context(), outbox.ClaimRequest{Token: token, By: nasty, Lease: 1e9, Limit: 10, DestinationLimit: 10, KeyLimit: 2})
			require.NoError(t, err)
			require.Len(t, c.Leased, 2)
			require.Equal(t, m.Profile, c.Leased[0].Profile)
			require.True(t, e.settle(t, token, c.Leased[0], func(st *outbox.Settlement) {
				st.Receipt, st.Detail, st.Reason, st.By = m.Facts, nasty, nasty, nasty
			}))
			require.True(t, e.settle(t, token, c.Leased[1], func(st *outbox.Settlement) {
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

// A settlement that loses a deadlock against a transaction of somebody else is
// done again.
func TestMariaDBDeadlockOfOursIsTriedAgain(t *testing.T) {
	t.Parallel()
	e := setups[6].open(t)
	ctx := t.Context()
	ids := e.insert(t, push("a", "U-1"), push("b", "U-2"))
	token := outbox.NewToken()
	leased := e.claim(t, token)
	require.Len(t, leased, 2)
	lock := func(tx *sql.Tx, id outbox.ID) error {
		_, err := tx.ExecContext(ctx, "UPDATE amsbridge_queue SET reason = 'other' WHERE id = ? AND lane = (SELECT lane FROM amsbridge_message WHERE id = ?)", id, id)
		return err
	}
	tx, err := e.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }() // harmless after the one below
	_, err = tx.ExecContext(ctx, "INSERT INTO amsbridge_progress (name, at, entry_key, id) SELECT seq, 0, '', 0 FROM seq_1_to_500")
	require.NoError(t, err, "the heavier transaction survives")
	require.NoError(t, lock(tx, ids[1]))
	type answer struct {
		acked []outbox.ID
		err   error
	}
	settled := make(chan answer, 1)
	go func() {
		var batch []outbox.Settlement
		for _, l := range leased {
			batch = append(batch, outbox.Settlement{Message: l.Message, Token: token, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered})
		}
		acked, err := e.store.Settle(context.Background(), batch)
		settled <- answer{acked, err}
	}()
	until(t, func() bool { return e.waiting(t) == 1 }, "the settlement holds one row and waits for the other")
	require.NoError(t, lock(tx, ids[0]), "the settlement was given up for it")
	require.NoError(t, tx.Rollback())
	got := <-settled
	require.NoError(t, got.err)
	require.ElementsMatch(t, ids, got.acked)
}
