package outboxtest

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// InsertTx implements [outbox.Writer].
func (m *Memory) InsertTx(ctx context.Context, tx *Tx, msgs ...outbox.Message) ([]outbox.Inserted, error) {
	if err := m.enter(ctx, tx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	if err := outbox.CheckMessages(msgs); err != nil {
		return nil, err
	}
	return tx.insert(msgs), nil
}

// insert adds what is new of the messages.
func (tx *Tx) insert(msgs []outbox.Message) []outbox.Inserted {
	now := tx.m.clock()
	inserted := make([]outbox.Inserted, len(msgs))
	for i := range msgs {
		p := placeOf(&msgs[i])
		r, duplicate := tx.byPlace(p)
		if !duplicate {
			r = tx.m.newRow(msgs[i], now)
			tx.added = append(tx.added, r)
			tx.own[p] = r
		}
		inserted[i] = outbox.Inserted{ID: r.msg.ID, Duplicate: duplicate}
	}
	return inserted
}
