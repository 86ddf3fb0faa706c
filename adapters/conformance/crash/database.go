package crash

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/amsbridge/amsbridge/adapters/conformance/shopdb"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// shop is the shop's own database, with the outbox in it.
type shop struct {
	*sql.DB
	dialect sqlstore.Dialect
}

func openShop(dialect sqlstore.Dialect, dsn string) (*shop, error) {
	db, err := shopdb.Open(dialect, dsn, 10)
	if err != nil {
		return nil, fmt.Errorf("crash: %w", err)
	}
	return &shop{db, dialect}, nil
}

// create makes the tables. An order's row says what pushes must come of it, so
// that a lost message is noticed without asking the outbox.
func (s *shop) create(ctx context.Context) error {
	if err := sqlstore.Migrate(ctx, s.DB, s.dialect); err != nil {
		return err
	}
	_, err := s.ExecContext(ctx, "CREATE TABLE shop_order (id TEXT PRIMARY KEY, pushes TEXT NOT NULL)")
	return err
}

func (s *shop) insert(ctx context.Context, tx *sql.Tx, o sale) error {
	pushes, err := json.Marshal(o.pushes)
	if err != nil {
		return err
	}
	statement := "INSERT INTO shop_order (id, pushes) VALUES ($1, $2)"
	if s.dialect == sqlstore.SQLite {
		statement = "INSERT INTO shop_order (id, pushes) VALUES (?, ?)"
	}
	_, err = tx.ExecContext(ctx, statement, o.order.ID, string(pushes))
	return err
}

// committed returns every push of every order that the shop committed.
func (s *shop) committed(ctx context.Context) ([]push, error) {
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

// What of the queue is looked at: rows under a lease, rows on their way, and
// parked ones.
const (
	leased  = "lease_until IS NOT NULL"
	pending = "state = 0"
	parked  = "state <> 0"
)

// queued returns the IDs of the queue's rows of one sort.
func (s *shop) queued(ctx context.Context, which string) (map[int64]bool, error) {
	ids := map[int64]bool{}
	err := shopdb.EachRow(ctx, s.DB, "SELECT id FROM amsbridge_queue WHERE "+which, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids[id] = true
		return err
	})
	return ids, err
}
