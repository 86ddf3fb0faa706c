package outboxtest

import (
	"context"
	"sync"

	"github.com/amsbridge/amsbridge/outbox"
)

// Recorder stands in for the store in a shop's unit tests: an [outbox.Writer]
// for any transaction type, which looks at no transaction at all; a nil one is
// taken too. It knows of no rollback: what was inserted stays recorded, and so
// do entries. Duplicates and entries come out as a store tells them. The zero
// value is ready for use. It is safe for concurrent use and must
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

// AppendTx implements [outbox.Writer].
func (r *Recorder[T]) AppendTx(ctx context.Context, _ T, e outbox.Entry, msgs ...outbox.Message) (bool, error) {
	store := r.opened()
	tx := store.Begin()
	appended, err := store.AppendTx(ctx, tx, e, msgs...)
	return appended, end(tx, err)
}

// LastEntryTx implements [outbox.Writer].
func (r *Recorder[T]) LastEntryTx(
	ctx context.Context, _ T, association, subject string, met int,
) (outbox.Entry, error) {
	store := r.opened()
	tx := store.Begin()
	last, err := store.LastEntryTx(ctx, tx, association, subject, met)
	return last, end(tx, err)
}

// Messages returns what was inserted, in that order. Duplicates are not among it.
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
