package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/sqlcore"
	"github.com/amsbridge/amsbridge/outbox"
)

// Dialect names a database.
type Dialect = sqlcore.Dialect

// The databases known.
const (
	PostgreSQL = sqlcore.PostgreSQL
	// MySQL is MariaDB too.
	MySQL  = sqlcore.MySQL
	SQLite = sqlcore.SQLite
)

// Config says where the outbox lies.
type Config struct {
	// DB is the shop's own handle. Required; it stays the shop's to close.
	//
	// With SQLite it must either be limited to one connection
	// (SetMaxOpenConns(1)) or begin its transactions IMMEDIATE (with
	// modernc.org/sqlite: _txlock=immediate in the DSN) and wait for locks
	// (_pragma=busy_timeout(5000)): a deferred transaction that reads first
	// fails at once when another writes.
	DB *sql.DB
	// Dialect is [PostgreSQL], [MySQL] (which is MariaDB too) or [SQLite].
	// Required.
	Dialect Dialect
	// Now replaces the database's clock, for tests. Defaults to the database's
	// clock.
	Now func() time.Time
}

// Store is an outbox in a SQL database. It implements outbox.Writer[*sql.Tx],
// outbox.Queue and outbox.Inspector, and is safe for concurrent use.
type Store struct {
	db       *sql.DB
	core     *sqlcore.Store
	prepared prepared
}

var (
	_ outbox.Writer[*sql.Tx] = (*Store)(nil)
	_ outbox.Queue           = (*Store)(nil)
	_ outbox.Inspector       = (*Store)(nil)
)

// New returns the store once it has seen that the tables are there: [Migrate]
// comes first. Whether they are exactly what this program needs tells
// [Store.Validate].
//
// Errors: an *amsbridge.InputError that names the bad field, [ErrSchema] where
// there are no tables, or the database's own.
func New(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.DB == nil {
		return nil, check.Bad("sqlstore", "Config.DB", "is nil")
	}
	core, err := sqlcore.New(sqlcore.Config{
		Name: "sqlstore", ErrSchema: ErrSchema, DB: handleOf(cfg.DB, cfg.Dialect), Dialect: cfg.Dialect, Now: cfg.Now,
	})
	if err != nil {
		return nil, err
	}
	if err := checkHandle(ctx, "Config.DB", cfg.DB, cfg.Dialect); err != nil {
		return nil, err
	}
	if err := core.Look(ctx); err != nil {
		return nil, err
	}
	ready, err := prepare(ctx, cfg.DB, core.Prepared())
	if err != nil {
		return nil, fmt.Errorf("sqlstore: prepare: %w", err)
	}
	return &Store{db: cfg.DB, core: core, prepared: ready}, nil
}

// InsertTx stores messages in the caller's transaction: in one round trip on
// PostgreSQL, and in a second one where a single message exists already, where
// the key of a message was committed by another transaction while this one ran,
// or where a message replaces another.
//
// Under REPEATABLE READ or SERIALIZABLE a concurrent repeat of the same order
// can fail with the database's serialization error, as any insertion of a
// unique key can: the shop retries its transaction.
//
// On MariaDB a single new message takes two round trips and several take four;
// repeats take one, or two for a single message. Insertions of different orders
// do not wait for each other, but for one case: a repeat of a single message
// locks the gap before its key until the transaction ends, under REPEATABLE READ
// and READ COMMITTED alike. Concurrent repeats of one order can end in a deadlock
// (error 1213), which undid the whole transaction; after 1213 and 1205 (a lock
// was waited for too long) the shop rolls back and retries. A conflict never says
// MustRollBack there, unless the call held more than two megabytes.
func (s *Store) InsertTx(ctx context.Context, tx *sql.Tx, msgs ...outbox.Message) ([]outbox.Inserted, error) {
	if err := checkedTx(tx); err != nil {
		return nil, err
	}
	out, err := s.core.InsertIn(ctx, checkout{conn{tx}, tx, s.prepared}, msgs...)
	return out, txError(err)
}

// FindTx returns the messages that match, as the transaction sees them.
func (s *Store) FindTx(ctx context.Context, tx *sql.Tx, q outbox.Query) ([]outbox.Record, error) {
	if err := checkedTx(tx); err != nil {
		return nil, err
	}
	out, err := s.core.FindIn(ctx, conn{tx}, q)
	return out, txError(err)
}

// WithdrawTx takes back messages that no platform can have received.
func (s *Store) WithdrawTx(ctx context.Context, tx *sql.Tx, ids ...outbox.ID) ([]outbox.Withdrawal, error) {
	if err := checkedTx(tx); err != nil {
		return nil, err
	}
	out, err := s.core.WithdrawIn(ctx, conn{tx}, ids...)
	return out, txError(err)
}

// checkedTx refuses a nil transaction.
func checkedTx(tx *sql.Tx) error {
	if tx == nil {
		return fmt.Errorf("%w: it is nil", outbox.ErrNoTransaction)
	}
	return nil
}

// txError names a finished transaction by the outbox's own error.
func txError(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("%w: it has ended", outbox.ErrNoTransaction)
	}
	return err
}
