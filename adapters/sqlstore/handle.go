package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// querier is the common part of a transaction and a connection.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// conn adapts a querier to the engine's interface.
type conn struct{ querier }

func (c conn) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	res, err := c.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c conn) Each(ctx context.Context, scan func(sqlcore.Rows) error, text string, args ...any) error {
	rows, err := c.QueryContext(ctx, text, args...) //nolint:rowserrcheck,sqlclosecheck // scanAll does both
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

func scanAll(rows *sql.Rows, scan func(sqlcore.Rows) error) error {
	defer func() { _ = rows.Close() }() // Err returns its error too
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Insert is used only by MySQL's dialect.
func (c conn) Insert(ctx context.Context, text string) (id int64, err error) {
	res, err := c.ExecContext(ctx, text)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// handle adapts the shop's handle to the engine's interface.
type handle struct {
	db      *sql.DB
	dialect Dialect
	mariaDB bool
}

// frame are the statements around a transaction of ours. They are text, since the transactions of
// database/sql are committed without a context, and begun by SQLite as the shop's DSN says.
type frame struct {
	begin            []string
	commit, rollback string
}

var frames = map[Dialect]frame{
	PostgreSQL: {[]string{"BEGIN ISOLATION LEVEL READ COMMITTED"}, "COMMIT", "ROLLBACK"},
	MySQL:      {[]string{"SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "START TRANSACTION"}, "COMMIT", "ROLLBACK"},
	SQLite:     {[]string{"BEGIN IMMEDIATE"}, "COMMIT", "ROLLBACK"},
}

// mariaDBFrame has the server end a transaction in which nothing comes any more: a process that was frozen in
// one would keep its session's row locked, and so its shards. The connection is the shop's otherwise, and gets
// its own setting back.
var mariaDBFrame = frame{
	begin: []string{fmt.Sprintf(`BEGIN NOT ATOMIC
		SET @amsbridge_idle = @@SESSION.idle_transaction_timeout, SESSION idle_transaction_timeout = %d;
		SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
		START TRANSACTION;
	END`, sqlcore.IdleLimit/time.Second)},
	commit:   "BEGIN NOT ATOMIC COMMIT; SET SESSION idle_transaction_timeout = @amsbridge_idle; END",
	rollback: "BEGIN NOT ATOMIC ROLLBACK; SET SESSION idle_transaction_timeout = @amsbridge_idle; END",
}

func (h handle) frame() frame {
	if h.mariaDB {
		return mariaDBFrame
	}
	return frames[h.dialect]
}

// longestRest limits the pause after a transaction on SQLite, so that one slow disk sync does not halve a
// sender's throughput.
const longestRest = 100 * time.Millisecond

// use runs f on a connection of the pool, and again on another one where the pool's turns out to be dead
// before f has done anything: so does database/sql, but not for connections that are borrowed.
func (h handle) use(ctx context.Context, f func(*session) error) error {
	ctx, cancel := sqlcore.Within(ctx)
	defer cancel()
	for last := false; ; last = h.db.Stats().Idle == 0 {
		s, err := borrow(ctx, h.db, h.dialect)
		if err != nil {
			return err
		}
		err = f(s)
		s.release(err)
		if last || s.used || !errors.Is(err, driver.ErrBadConn) {
			return err
		}
	}
}

func (h handle) Exec(ctx context.Context, text string, args ...any) (n int64, err error) {
	err = h.use(ctx, func(s *session) (err error) {
		n, err = s.Exec(ctx, text, args...)
		return err
	})
	return n, err
}

func (h handle) Each(ctx context.Context, scan func(sqlcore.Rows) error, text string, args ...any) error {
	return h.use(ctx, func(s *session) error { return s.Each(ctx, scan, text, args...) })
}

// InTx runs fn in a transaction of its own. On SQLite it is followed by a pause about as long as the
// transaction had the write lock, for which SQLite has no queue: a writer that comes back at once would
// starve the shop's checkouts.
func (h handle) InTx(ctx context.Context, fn func(sqlcore.Conn) error) error {
	var begun time.Time
	frame := h.frame()
	err := h.use(ctx, func(s *session) error {
		for _, text := range frame.begin {
			if _, err := s.Exec(ctx, text); err != nil {
				return err
			}
		}
		begun = time.Now()
		err := fn(s)
		if err == nil {
			_, err = s.Exec(ctx, frame.commit)
		}
		if err != nil {
			s.rollback(frame.rollback) // the error says what went wrong
		}
		return err
	})
	if h.dialect != SQLite || begun.IsZero() {
		return err
	}
	rest := time.NewTimer(min(time.Since(begun), longestRest))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
	}
	return err
}
