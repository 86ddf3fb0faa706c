package sqlmigrate

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Waits of the lock.
const (
	// lockWait is how long MySQL waits for another program's migration.
	// PostgreSQL waits as long as the context allows, SQLite as long as the
	// handle's busy time-out.
	lockWait = time.Minute
	// unlockWait bounds giving the lock back, whose context may have ended.
	unlockWait = 5 * time.Second
)

var errBusy = errors.New("another program has been migrating for a minute")

// locked runs fn while no other program migrates the same set. PostgreSQL and
// SQLite hold the lock by the transaction that all takes place in; MySQL has
// none that could hold a CREATE TABLE, and locks a name of the whole server.
func (s Set) locked(ctx context.Context, conn *sql.Conn, fn func() error) error {
	// One set's own: two sets need not wait for each other.
	sum := sha256.Sum256([]byte(s.Versions))
	var begin []string
	switch s.Dialect {
	case "postgres":
		lock := int64(binary.BigEndian.Uint64(sum[:8]))
		begin = []string{"BEGIN ISOLATION LEVEL READ COMMITTED", fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", lock)}
	case "sqlite":
		begin = []string{"BEGIN IMMEDIATE"}
	case "mysql":
		return s.named(ctx, conn, fmt.Sprintf("amsbridge %x", sum[:8]), fn)
	default:
		return fmt.Errorf("%q is no dialect", s.Dialect)
	}
	for i, statement := range begin {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			if i > 0 {
				giveBack(ctx, conn, "ROLLBACK")
			}
			return err
		}
	}
	err := fn()
	if err == nil {
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		giveBack(ctx, conn, "ROLLBACK")
	}
	return err
}

func (s Set) named(ctx context.Context, conn *sql.Conn, name string, fn func() error) error {
	var got sql.NullInt64
	ask := fmt.Sprintf("SELECT GET_LOCK('%s', %d)", name, lockWait/time.Second)
	if err := conn.QueryRowContext(ctx, ask).Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return errBusy
	}
	defer giveBack(ctx, conn, "DO RELEASE_LOCK('"+name+"')")
	return fn()
}

// giveBack ends what holds the lock. A connection that cannot is closed, which
// gives it back as well; a pool must not hand it on.
func giveBack(ctx context.Context, conn *sql.Conn, statement string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockWait)
	defer cancel()
	if _, err := conn.ExecContext(ctx, statement); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}
