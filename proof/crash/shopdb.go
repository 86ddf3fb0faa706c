package crash

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/amsbridge/amsbridge/proof/shopdb"
)

// shopDB is the shop's own database, with the outbox in it, as the parent reads it.
type shopDB struct{ *sql.DB }

// create makes the tables. An order's row says what pushes must come of it, so
// that a lost message is noticed without asking the outbox.
func (s shopDB) create(ctx context.Context, e engine) error {
	if err := e.migrate(ctx, s.DB); err != nil {
		return err
	}
	_, err := s.ExecContext(ctx, "CREATE TABLE shop_order (id VARCHAR(64) PRIMARY KEY, pushes TEXT NOT NULL)")
	return err
}

// committed returns every push of every order that the shop committed. That is
// what the database says in the end: a shop that got no answer to its commit, since
// the database died, does not know itself.
func (s shopDB) committed(ctx context.Context) ([]push, error) {
	var all []push
	err := shopdb.EachRow(ctx, s.DB, "SELECT pushes FROM shop_order", func(rows *sql.Rows) error {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return err
		}
		var pushes []push
		err := json.Unmarshal(text, &pushes)
		all = append(all, pushes...)
		return err
	})
	return all, err
}

// orders counts the committed orders.
func (s shopDB) orders(ctx context.Context) (n int, err error) {
	err = s.QueryRowContext(ctx, "SELECT COUNT(*) FROM shop_order").Scan(&n)
	return n, err
}

// Conditions on rows of the queue: under a lease, pending, and parked.
const (
	leased  = "lease_until IS NOT NULL"
	pending = "state = 0"
	parked  = "state <> 0"
)

// queued is a row of the queue.
type queued struct {
	until time.Time // the end of its lease
	lost  int       // leases in a row, before this one
}

// queued returns the queue's rows of one sort, by message.
func (s shopDB) queued(ctx context.Context, which string) (map[int64]queued, error) {
	rows := map[int64]queued{}
	query := "SELECT id, COALESCE(lease_until, 0), lost FROM amsbridge_queue WHERE " + which
	err := shopdb.EachRow(ctx, s.DB, query, func(r *sql.Rows) error {
		var id, until int64
		var q queued
		err := r.Scan(&id, &until, &q.lost)
		q.until = time.UnixMicro(until)
		rows[id] = q
		return err
	})
	return rows, err
}

// reasons says why messages are parked.
func (s shopDB) reasons(ctx context.Context) (map[string]int, error) {
	count := map[string]int{}
	err := shopdb.EachRow(ctx, s.DB, "SELECT reason FROM amsbridge_queue WHERE "+parked, func(rows *sql.Rows) error {
		var reason string
		err := rows.Scan(&reason)
		count[reason]++
		return err
	})
	return count, err
}
