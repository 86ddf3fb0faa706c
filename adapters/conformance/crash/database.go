package crash

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	// The drivers "pgx" and "sqlite".
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// shop is the shop's own database, with the outbox in it.
type shop struct {
	*sql.DB
	dialect sqlstore.Dialect
}

func openShop(dialect sqlstore.Dialect, dsn string) (*shop, error) {
	driver, ok := map[sqlstore.Dialect]string{sqlstore.PostgreSQL: "pgx", sqlstore.SQLite: "sqlite"}[dialect]
	if !ok {
		return nil, fmt.Errorf("crash: no driver for %q", dialect)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(10)
	db.SetMaxIdleConns(10)
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
	err := s.each(ctx, "SELECT pushes FROM shop_order", func(rows *sql.Rows) error {
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
	err := s.each(ctx, "SELECT id FROM amsbridge_queue WHERE "+which, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids[id] = true
		return err
	})
	return ids, err
}

func (s *shop) each(ctx context.Context, query string, scan func(*sql.Rows) error) (err error) {
	rows, err := s.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
