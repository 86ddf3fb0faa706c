package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"

	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// session is a connection of the shop's pool that one call of ours has borrowed. A call of the driver that
// is given up ends it: nothing more is run on the connection, and the pool does not get it back.
type session struct {
	// ctx is that of the whole call and has a deadline. The contexts of single statements are the caller's,
	// which may have none.
	ctx  context.Context
	conn *sql.Conn
	// closer closes the driver's connection when a call is given up, so that the driver returns and the
	// pool has room again. Nil for SQLite, whose library must not be closed while it works.
	closer driver.Conn

	mu      sync.Mutex // held while a row is scanned
	givenUp error
	used    bool // a statement has succeeded, or a row was scanned
	broken  bool // it could not be rolled back
}

// borrow takes a connection from the pool, or has it make one.
func borrow(ctx context.Context, db *sql.DB, d Dialect) (*session, error) {
	return await(ctx, func() (*session, error) {
		c, err := db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		s := &session{ctx: ctx, conn: c}
		if d == SQLite {
			return s, nil
		}
		return s, c.Raw(func(c any) error {
			s.closer, _ = c.(driver.Conn)
			return nil
		})
	}, func(s *session) {
		if s != nil {
			discard(s.conn)
		}
	})
}

// release gives the connection back to the pool, after a call with that error. The one of a call that was
// given up is closed by whoever is stuck in the driver.
func (s *session) release(err error) {
	switch {
	case s.givenUp != nil:
	case s.broken:
		discard(s.conn)
	default:
		giveBack(s.conn, err)
	}
}

// giveBack gives a connection back to the pool, or closes it where the error says that it is not fit for use.
func giveBack(conn *sql.Conn, err error) {
	if sqlcore.Unusable(err) {
		discard(conn)
		return
	}
	_ = conn.Close() // it says only that the connection is closed already
}

// discard closes the connection instead of returning it to the pool.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// run calls the driver.
func run[T any](ctx context.Context, s *session, f func() (T, error)) (T, error) {
	if s.givenUp != nil {
		var none T
		return none, s.givenUp
	}
	value, err := await(ctx, f, func(T) { discard(s.conn) })
	if errors.Is(err, errGivenUp) {
		s.mu.Lock()
		s.givenUp = err
		s.mu.Unlock()
		if s.closer != nil {
			go func() { _ = s.closer.Close() }()
		}
	}
	s.used = s.used || err == nil
	return value, err
}

func (s *session) Exec(_ context.Context, text string, args ...any) (int64, error) {
	return run(s.ctx, s, func() (int64, error) { return conn{s.conn}.Exec(s.ctx, text, args...) })
}

func (s *session) Insert(_ context.Context, text string) (int64, error) {
	return run(s.ctx, s, func() (int64, error) { return conn{s.conn}.Insert(s.ctx, text) })
}

// Each scans in the driver's goroutine, but not after it has returned.
func (s *session) Each(_ context.Context, scan func(sqlcore.Rows) error, text string, args ...any) error {
	_, err := run(s.ctx, s, func() (struct{}, error) {
		return struct{}{}, conn{s.conn}.Each(s.ctx, func(r sqlcore.Rows) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.givenUp != nil {
				return s.givenUp
			}
			s.used = true
			return scan(r)
		}, text, args...)
	})
	return err
}

// rollback ends the transaction, also when the call's time is over.
func (s *session) rollback(text string) {
	ctx := s.ctx
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
	}
	_, err := run(ctx, s, func() (int64, error) { return conn{s.conn}.Exec(ctx, text) })
	s.broken = s.broken || err != nil
}
