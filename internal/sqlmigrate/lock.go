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
	// lockWait is how long MySQL waits for another program's migration. PostgreSQL waits as long as the
	// context allows, SQLite as long as the handle's busy time-out.
	lockWait = time.Minute
	// unlockWait bounds the release of the lock, when the context may have ended.
	unlockWait = 5 * time.Second
)

var errBusy = errors.New("another program has been migrating for a minute")

// locked runs fn while no other program migrates the same set. On PostgreSQL and SQLite the transaction
// around fn holds the lock. MySQL cannot keep a CREATE TABLE in a transaction, so there it is a named
// lock of the whole server.
func (s Set) locked(ctx context.Context, conn *sql.Conn, fn func() error) error {
	// Each set has its own name, so two sets do not wait for each other.
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

// giveBack releases the lock. Where that fails it closes the connection, which releases the lock too;
// the pool must not reuse it.
func giveBack(ctx context.Context, conn *sql.Conn, statement string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockWait)
	defer cancel()
	if _, err := conn.ExecContext(ctx, statement); err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}
