package outboxtest

import (
	"context"
	"sync"

	"github.com/amsbridge/amsbridge/outbox"
)

// Recorder stands in for the store in a shop's unit tests: an [outbox.Writer]
// for any transaction type, which looks at no transaction at all; a nil one is
// taken too. It knows of no rollback: what was inserted stays recorded.
// Duplicates, conflicts, replacements and withdrawals come out as a store tells
// them. The zero value is ready for use. It is safe for concurrent use and must
// not be copied.
type Recorder[T any] struct {
	once  sync.Once
	store *Memory
}

var _ outbox.Writer[any] = (*Recorder[any])(nil)

// InsertTx implements [outbox.Writer].
func (r *Recorder[T]) InsertTx(ctx context.Context, _ T, msgs ...outbox.Message) ([]outbox.Inserted, error) {
	store := r.opened()
	tx := store.Begin()
	inserted, err := store.InsertTx(ctx, tx, msgs...)
	return inserted, end(tx, err)
}

// FindTx implements [outbox.Writer].
func (r *Recorder[T]) FindTx(ctx context.Context, _ T, q outbox.Query) ([]outbox.Record, error) {
	return r.opened().Find(ctx, q)
}

// WithdrawTx implements [outbox.Writer].
func (r *Recorder[T]) WithdrawTx(ctx context.Context, _ T, ids ...outbox.ID) ([]outbox.Withdrawal, error) {
	store := r.opened()
	tx := store.Begin()
	became, err := store.WithdrawTx(ctx, tx, ids...)
	return became, end(tx, err)
}

// Messages returns what was inserted, in that order. Duplicates, and what was
// withdrawn or replaced since, are not among it.
func (r *Recorder[T]) Messages() []outbox.Message {
	return r.opened().waiting()
}

func (r *Recorder[T]) opened() *Memory {
	r.once.Do(func() { r.store = NewMemory(MemoryConfig{}) })
	return r.store
}

func end(tx *Tx, err error) error {
	if err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit()
}
