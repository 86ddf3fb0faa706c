package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// deaf is a driver that knows no contexts. It gets stuck at one step until its connection is closed, or for
// good: until the test ends.
type deaf struct {
	stuck   string
	forGood bool
	end     chan struct{}
}

func (d deaf) Driver() driver.Driver { return nil }
func (d deaf) Connect(context.Context) (driver.Conn, error) {
	c := deafConn{d, make(chan struct{})}
	return c, c.step("connect")
}

type deafConn struct {
	deaf
	closed chan struct{}
}

func (d deafConn) step(name string) error {
	if name != d.stuck {
		return nil
	}
	if d.forGood {
		<-d.end
		return nil
	}
	select {
	case <-d.end:
	case <-d.closed:
	}
	return io.ErrClosedPipe
}

func (d deafConn) Close() error {
	select {
	case <-d.closed:
	default:
		close(d.closed)
	}
	return nil
}

func (d deafConn) Prepare(text string) (driver.Stmt, error) { return deafStatement{d, text}, nil }
func (d deafConn) Begin() (driver.Tx, error)                { return nil, io.ErrUnexpectedEOF }

type deafStatement struct {
	deafConn
	text string
}

func (s deafStatement) Close() error  { return nil }
func (s deafStatement) NumInput() int { return -1 }
func (s deafStatement) Exec([]driver.Value) (driver.Result, error) {
	return driver.RowsAffected(0), s.step(s.text)
}

func (s deafStatement) Query([]driver.Value) (driver.Rows, error) {
	return &deafRows{deafConn: s.deafConn}, s.step(s.text)
}

type deafRows struct {
	deafConn
	n int64
}

func (r *deafRows) Columns() []string { return []string{"n"} }
func (r *deafRows) Close() error      { return nil }
func (r *deafRows) Next(into []driver.Value) error {
	if r.n++; r.n > 2 {
		return io.EOF
	}
	into[0] = r.n
	if r.n == 2 {
		return r.step("rows")
	}
	return nil
}

// A call ends when its time is over, wherever the driver is stuck; what a stuck driver returns afterwards
// reaches nobody, and its connection is not used again. Where closing it frees the driver, the pool has room
// again.
func TestStuckDriversAreGivenUp(t *testing.T) {
	t.Parallel()
	calls := map[string]func(ctx context.Context, h handle) (rows []int64, err error){
		"exec": func(ctx context.Context, h handle) ([]int64, error) {
			_, err := h.Exec(ctx, "exec")
			return nil, err
		},
		"read": func(ctx context.Context, h handle) (rows []int64, err error) {
			err = h.Each(ctx, func(r sqlcore.Rows) error {
				var n int64
				err := r.Scan(&n)
				rows = append(rows, n)
				return err
			}, "query")
			return rows, err
		},
		"transaction": func(ctx context.Context, h handle) ([]int64, error) {
			return nil, h.InTx(ctx, func(q sqlcore.Conn) error {
				_, err := q.Exec(ctx, "in it")
				return err
			})
		},
	}
	for name, c := range map[string]struct{ call, stuck string }{
		"connecting":  {"exec", "connect"},
		"statement":   {"exec", "exec"},
		"query":       {"read", "query"},
		"row":         {"read", "rows"},
		"begin":       {"transaction", "BEGIN ISOLATION LEVEL READ COMMITTED"},
		"transaction": {"transaction", "in it"},
		"commit":      {"transaction", "COMMIT"},
	} {
		for _, forGood := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d := deaf{stuck: c.stuck, forGood: forGood, end: make(chan struct{})}
				db := sql.OpenDB(d)
				defer func() { require.NoError(t, db.Close()) }()
				db.SetMaxOpenConns(1)
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				begun := time.Now()
				rows, err := calls[c.call](ctx, handle{db: db, dialect: PostgreSQL})
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Less(t, time.Since(begun), time.Second)
				empty := func() bool { return db.Stats().OpenConnections == 0 }
				if !forGood && c.stuck != "connect" {
					require.Eventually(t, empty, 10*time.Second, time.Millisecond)
				}
				close(d.end)
				require.Eventually(t, empty, 10*time.Second, time.Millisecond)
				require.LessOrEqual(t, len(rows), 1)
			})
		}
	}
}

// A call whose context has no deadline has one all the same.
func TestCallsWithoutADeadlineHaveALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db := sql.OpenDB(deaf{stuck: "exec"})
		defer func() { require.NoError(t, db.Close()) }()
		begun := time.Now()
		_, err := handle{db: db, dialect: PostgreSQL}.Exec(context.Background(), "exec")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, sqlcore.CallLimit+patience, time.Since(begun))
		synctest.Wait()
	})
}

func TestOldLibrariesOfSQLiteAreKnown(t *testing.T) {
	t.Parallel()
	for version, old := range map[string]bool{"3.41.2": true, "3.42.0": false, "3.9": true, "4.0.0": false, "2.8.17": true} {
		require.Equal(t, old, tooOld(version), version)
	}
}
