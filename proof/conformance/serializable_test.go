package conformance

import (
	"database/sql"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// conflicts runs f for different orders in transactions beside each other, again where the database gives one
// up, and returns how often it did for each that was committed.
func (e *env) conflicts(t *testing.T, level sql.IsolationLevel, orders int, f func(tx *sql.Tx, order int) error) float64 {
	t.Helper()
	var failed, next atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				order := int(next.Add(1))
				if order > orders {
					return
				}
				for {
					err := e.isolated(t.Context(), level, func(tx *sql.Tx) error { return f(tx, order) })
					if err == nil {
						break
					}
					if state := sqlState(err); state != "40001" && state != "40P01" && mysqlError(err).Number != 1213 && mysqlError(err).Number != 1020 {
						t.Error(err)
						return
					}
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	return float64(failed.Load()) / float64(orders)
}

// Different orders beside each other all get through under SERIALIZABLE, where a database finds conflicts that
// are none, and are given up about as often as docs/orders.md says.
func TestDifferentOrdersUnderSerializable(t *testing.T) {
	t.Parallel()
	const orders = 400
	for _, s := range []setup{setups[2], setups[4]} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := s.open(t)
			hook := e.hook(t)
			_, err := e.db.ExecContext(t.Context(), "CREATE TABLE shop_order (id VARCHAR(20) PRIMARY KEY, version INTEGER NOT NULL)")
			require.NoError(t, err)
			own := func(tx *sql.Tx, i int) error {
				_, err := tx.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO shop_order (id, version) VALUES ('%d', 0)", i))
				return err
			}
			change := func(tx *sql.Tx, i int) error {
				_, err := tx.ExecContext(t.Context(), fmt.Sprintf("UPDATE shop_order SET version = version + 1 WHERE id = '%d'", i))
				return err
			}
			report := func(tx *sql.Tx, i, version int, products ...string) error {
				o := purchase(fmt.Sprint(i), member(fmt.Sprint("U-", i)), products...)
				o.Version = int64(version)
				_, err := hook.OrderCompleted(t.Context(), tx, o)
				return err
			}
			alone := e.conflicts(t, sql.LevelSerializable, orders, func(tx *sql.Tx, i int) error { return own(tx, 10_000+i) })
			first := e.conflicts(t, sql.LevelSerializable, orders, func(tx *sql.Tx, i int) error {
				if err := own(tx, i); err != nil {
					return err
				}
				return report(tx, i, 0, "course")
			})
			changedAlone := e.conflicts(t, sql.LevelSerializable, orders, func(tx *sql.Tx, i int) error { return change(tx, 10_000+i) })
			changed := e.conflicts(t, sql.LevelSerializable, orders, func(tx *sql.Tx, i int) error {
				if err := change(tx, i); err != nil {
					return err
				}
				return report(tx, i, 1, "course", "dinner")
			})
			t.Logf("given up for each order: first reports %.3f, the shop's own %.3f; changes %.3f, the shop's own %.3f",
				first, alone, changed, changedAlone)
			require.LessOrEqual(t, first, alone+0.5)
			require.LessOrEqual(t, changed, changedAlone+4)
		})
	}
}
