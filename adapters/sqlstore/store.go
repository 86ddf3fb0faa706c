package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/sqlcore"
	"github.com/amsbridge/amsbridge/outbox"
)

// Dialect names a database.
type Dialect = sqlcore.Dialect

// The supported databases.
const (
	PostgreSQL = sqlcore.PostgreSQL
	// MySQL is also for MariaDB.
	MySQL  = sqlcore.MySQL
	SQLite = sqlcore.SQLite
)

// Config configures [New].
type Config struct {
	// DB is the shop's own handle. Required; the shop closes it.
	//
	// With SQLite it must either be limited to one connection (SetMaxOpenConns(1)), or begin its
	// transactions IMMEDIATE (with modernc.org/sqlite: _txlock=immediate in the DSN) and wait for locks
	// (_pragma=busy_timeout(5000)): a deferred transaction that reads first fails at once when another
	// writes.
	DB *sql.DB
	// Dialect is [PostgreSQL], [MySQL] (also for MariaDB) or [SQLite]. Required.
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
	_ outbox.Handing         = (*Store)(nil)
)

// New returns the store if the tables exist (run [Migrate] first), nothing in the settings of driver, session
// and server is in the way, and what is written is stored: it inserts an entry and a message, reads them, and
// rolls back. For a role or a server that takes no writes it leaves that out. What else a program needs is
// proved by [Store.ProveWriter] for a hook, by [Store.Validate] for a reader, and by [Store.Join] for a sender.
//
// It returns an *amsbridge.InputError that names the bad field, [ErrSchema] where there are no tables,
// or an error that names what is in the way.
func New(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.DB == nil {
		return nil, check.Bad("sqlstore", "Config.DB", "is nil")
	}
	if err := sqlcore.CheckDialect("sqlstore", "Config.Dialect", cfg.Dialect); err != nil {
		return nil, err
	}
	db, err := checkHandle(ctx, "Config.DB", cfg.DB, cfg.Dialect)
	if err != nil {
		return nil, err
	}
	core, err := sqlcore.New(sqlcore.Config{Name: "sqlstore", ErrSchema: ErrSchema, DB: db, Dialect: cfg.Dialect, Now: cfg.Now})
	if err != nil {
		return nil, err
	}
	if err := core.Start(ctx); err != nil {
		return nil, err
	}
	ready, err := prepare(ctx, cfg.DB, core.Prepared())
	if err != nil {
		return nil, fmt.Errorf("sqlstore: prepare: %w", err)
	}
	return &Store{db: cfg.DB, core: core, prepared: ready}, nil
}

// InsertTx stores messages in the caller's transaction, on PostgreSQL in one round trip, and in two where
// another transaction committed the key of a message while the statement ran.
//
// Under REPEATABLE READ or SERIALIZABLE a concurrent insertion of the same key can fail with the
// database's serialization error, like any insertion of a unique key: the shop must retry its
// transaction.
//
// On MariaDB a single new message takes two round trips and several take four; repeats take one, or two
// for a single message. Insertions of different keys do not wait for each other, with one exception: a
// repeat of a single message locks the gap before its key until the transaction ends, under REPEATABLE
// READ and READ COMMITTED alike. Concurrent repeats can end in a deadlock (error 1213), which undoes
// the whole transaction. After 1213, 1205 (lock wait time-out) and 1020 (a record has changed: snapshot
// isolation, MariaDB's default since 11.6.2) the shop must roll back and retry; [InTx] sees to the first half.
func (s *Store) InsertTx(ctx context.Context, tx *sql.Tx, msgs ...outbox.Message) ([]outbox.Inserted, error) {
	if err := checkedTx(tx); err != nil {
		return nil, err
	}
	out, err := s.core.InsertIn(ctx, s.in(tx), msgs...)
	return out, txError(tx, err)
}

// AppendTx stores an entry and its messages in the caller's transaction, or neither: on PostgreSQL in one
// round trip that reads nothing, on SQLite in three. Under REPEATABLE READ or SERIALIZABLE a number
// that another transaction committed meanwhile is PostgreSQL's serialization error (40001).
//
// On MariaDB it takes two round trips for a first entry, one for another, and two more for one message,
// three for several. A number that exists leaves that entry locked for sharing until the transaction
// ends. Two transactions that waited for one which rolled back can end in a deadlock (error 1213).
// After 1213, 1205 and 1020 the shop must roll back and retry. A statement there is a third longer than the
// entry's body, or twice as long as the messages: max_allowed_packet must allow it.
func (s *Store) AppendTx(ctx context.Context, tx *sql.Tx, e outbox.Entry, msgs ...outbox.Message) (bool, error) {
	if err := checkedTx(tx); err != nil {
		return false, err
	}
	ok, err := s.core.AppendIn(ctx, s.in(tx), e, msgs...)
	return ok, txError(tx, err)
}

// LastEntryTx returns the last entry of a subject as the transaction sees it, in one round trip. On
// MariaDB a second one reads exactly the entry that was met, locked for sharing, where the transaction's
// snapshot is too old to show it.
func (s *Store) LastEntryTx(
	ctx context.Context, tx *sql.Tx, association, subject string, met int,
) (outbox.Entry, error) {
	if err := checkedTx(tx); err != nil {
		return outbox.Entry{}, err
	}
	e, err := s.core.LastEntryIn(ctx, s.in(tx), association, subject, met)
	return e, txError(tx, err)
}

// FindTx returns the messages that match, as the transaction sees them.
func (s *Store) FindTx(ctx context.Context, tx *sql.Tx, q outbox.Query) ([]outbox.Record, error) {
	if err := checkedTx(tx); err != nil {
		return nil, err
	}
	out, err := s.core.FindIn(ctx, conn{tx}, q)
	return out, txError(tx, err)
}

// HandOver has new messages handed to a sender of this process, on PostgreSQL: see [InTx].
func (s *Store) HandOver(id outbox.SessionID, shards uint64, begin func(outbox.SessionID, []outbox.Handed)) {
	s.core.HandOver(id, shards, begin)
}

// checkedTx refuses a nil transaction, and one of InTx that the database has rolled back: what is written
// afterwards would be committed by itself.
func checkedTx(tx *sql.Tx) error {
	if tx == nil {
		return fmt.Errorf("%w: it is nil", outbox.ErrNoTransaction)
	}
	if own := shopTxOf(tx); own != nil {
		return own.undone
	}
	return nil
}
