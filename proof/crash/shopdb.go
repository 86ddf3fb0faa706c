package crash

import (
	"context"
	"database/sql"
	"encoding/json"

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

// Conditions on rows of the queue: pending, and parked.
const (
	pending = "state = 0"
	parked  = "state <> 0"
)

// pending returns the pending messages, and how many sessions in a row each has cost.
func (s shopDB) pending(ctx context.Context) (map[int64]int, error) {
	lost := map[int64]int{}
	err := shopdb.EachRow(ctx, s.DB, "SELECT id, lost FROM amsbridge_queue WHERE "+pending, func(r *sql.Rows) error {
		var id int64
		var n int
		err := r.Scan(&id, &n)
		lost[id] = n
		return err
	})
	return lost, err
}

// flying returns those of them that a session has in flight: those that were not put off since they were recorded.
func (s shopDB) flying(ctx context.Context) (map[int64]int, error) {
	recorded := map[int64]int64{}
	err := shopdb.EachRow(ctx, s.DB, "SELECT recorded_at, ids FROM amsbridge_flight", func(r *sql.Rows) error {
		var at int64
		var text []byte
		if err := r.Scan(&at, &text); err != nil {
			return err
		}
		var ids []int64
		err := json.Unmarshal(text, &ids)
		for _, id := range ids {
			recorded[id] = max(recorded[id], at)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	lost := map[int64]int{}
	err = shopdb.EachRow(ctx, s.DB, "SELECT id, lost, COALESCE(put_off_at, 0) FROM amsbridge_queue WHERE "+pending, func(r *sql.Rows) error {
		var id, putOff int64
		var n int
		err := r.Scan(&id, &n, &putOff)
		if at, named := recorded[id]; named && putOff <= at {
			lost[id] = n
		}
		return err
	})
	return lost, err
}

// unlocked tells whether nobody writes to the file of SQLite.
func (s shopDB) unlocked(ctx context.Context) (bool, error) {
	conn, err := s.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 50"); err != nil {
		return false, err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return false, nil //nolint:nilerr // it is locked
	}
	_, err = conn.ExecContext(ctx, "ROLLBACK")
	return err == nil, err
}

// sessions returns the senders of those that are not over.
func (s shopDB) sessions(ctx context.Context) (senders []string, err error) {
	err = shopdb.EachRow(ctx, s.DB, "SELECT sender FROM amsbridge_session", func(r *sql.Rows) error {
		var sender string
		err := r.Scan(&sender)
		senders = append(senders, sender)
		return err
	})
	return senders, err
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
