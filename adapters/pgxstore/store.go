package pgxstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/sqlcore"
	"github.com/amsbridge/amsbridge/outbox"
)

// Config configures [New].
type Config struct {
	// DB is the shop's own pool. Required; the shop closes it. A sender uses at most six of its connections
	// at once: one each to beat, read, record, settle, look for tasks and prune.
	DB *pgxpool.Pool
	// Now replaces the database's clock, for tests. Defaults to the database's
	// clock.
	Now func() time.Time
}

// Store is an outbox in a PostgreSQL database. It implements
// outbox.Writer[pgx.Tx], outbox.Queue and outbox.Inspector, and is safe for
// concurrent use.
type Store struct {
	db   *pgxpool.Pool
	core *sqlcore.Store
}

var (
	_ outbox.Writer[pgx.Tx] = (*Store)(nil)
	_ outbox.Queue          = (*Store)(nil)
	_ outbox.Inspector      = (*Store)(nil)
	_ outbox.Handing        = (*Store)(nil)
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
		return nil, check.Bad("pgxstore", "Config.DB", "is nil")
	}
	core, err := sqlcore.New(sqlcore.Config{
		Name: "pgxstore", ErrSchema: ErrSchema, DB: database{cfg.DB},
		Dialect: sqlcore.PostgreSQL, Arrays: true, Now: cfg.Now,
	})
	if err != nil {
		return nil, err
	}
	if err := core.Start(ctx); err != nil {
		return nil, err
	}
	return &Store{db: cfg.DB, core: core}, nil
}

// InsertTx stores messages in the caller's transaction, in one round trip, and in two where another
// transaction committed the key of a message while the statement ran.
//
// Under REPEATABLE READ or SERIALIZABLE a concurrent insertion of the same key can fail with the
// database's serialization error, like any insertion of a unique key: the shop must retry its
// transaction. When ctx ends while a statement runs, pgx closes the connection, which ends the
// transaction.
func (s *Store) InsertTx(ctx context.Context, tx pgx.Tx, msgs ...outbox.Message) ([]outbox.Inserted, error) {
	if err := checkedTx(tx); err != nil {
		return nil, err
	}
	out, err := s.core.InsertIn(ctx, s.in(tx), msgs...)
	return out, txError(err)
}

// AppendTx stores an entry and its messages in the caller's transaction, or neither, in one round trip
// that reads nothing. Under REPEATABLE READ or SERIALIZABLE a number that another transaction committed
// meanwhile is the database's serialization error (40001).
func (s *Store) AppendTx(ctx context.Context, tx pgx.Tx, e outbox.Entry, msgs ...outbox.Message) (bool, error) {
	if err := checkedTx(tx); err != nil {
		return false, err
	}
	ok, err := s.core.AppendIn(ctx, s.in(tx), e, msgs...)
	return ok, txError(err)
}

// LastEntryTx returns the last entry of a subject as the transaction sees it, in one round trip.
func (s *Store) LastEntryTx(
	ctx context.Context, tx pgx.Tx, association, subject string, met int,
) (outbox.Entry, error) {
	if err := checkedTx(tx); err != nil {
		return outbox.Entry{}, err
	}
	e, err := s.core.LastEntryIn(ctx, conn{tx}, association, subject, met)
	return e, txError(err)
}

// FindTx returns the messages that match, as the transaction sees them.
func (s *Store) FindTx(ctx context.Context, tx pgx.Tx, q outbox.Query) ([]outbox.Record, error) {
	if err := checkedTx(tx); err != nil {
		return nil, err
	}
	out, err := s.core.FindIn(ctx, conn{tx}, q)
	return out, txError(err)
}

// HandOver has new messages handed to a sender of this process: see [InTx].
func (s *Store) HandOver(id outbox.SessionID, shards uint64, begin func(outbox.SessionID, []outbox.Handed)) {
	s.core.HandOver(id, shards, begin)
}

// checkedTx refuses a nil transaction, also a nil pointer in the interface.
func checkedTx(tx pgx.Tx) error {
	if check.IsNil(tx) {
		return fmt.Errorf("%w: it is nil", outbox.ErrNoTransaction)
	}
	return nil
}

// txError replaces pgx's error for a finished transaction by the outbox's.
func txError(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) {
		return fmt.Errorf("%w: it has ended", outbox.ErrNoTransaction)
	}
	return err
}
