package orders

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// OnMemory is the store in memory.
func OnMemory() *Engine {
	e := &Engine{Name: "memory", Close: func() error { return nil }}
	e.Reset = func() error {
		e.Clock = newClock()
		memory := outboxtest.NewMemory(outboxtest.MemoryConfig{Now: e.Clock.Now})
		e.Store = memory
		e.Shop = shopOn(memory, transactions[*outboxtest.Tx]{
			begin:    func(context.Context) (*outboxtest.Tx, error) { return memory.Begin(), nil },
			commit:   func(_ context.Context, tx *outboxtest.Tx) error { return tx.Commit() },
			rollback: func(_ context.Context, tx *outboxtest.Tx) { tx.Rollback() },
		})
		return nil
	}
	return e
}
