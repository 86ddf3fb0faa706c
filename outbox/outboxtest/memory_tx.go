package outboxtest

import (
	"context"
	"errors"

	"github.com/amsbridge/amsbridge/outbox"
)

// Tx is a transaction of a [Memory]. It sees what was committed before each
// call, and its own writes.
type Tx struct {
	m     *Memory
	n     uint64
	done  bool
	added []*row
	own   map[place]*row
	said  []outbox.Entry
}

// ErrAppendedMeanwhile is returned by [Tx.Commit] where another transaction that
// was open at the same time appended an entry of the same number, and committed
// first. Roll back and report again, as after a serialization failure of a
// database.
var ErrAppendedMeanwhile = errors.New("outboxtest: another transaction appended this entry: report again")

// Begin opens a transaction. It must be ended by Commit or Rollback.
func (m *Memory) Begin() *Tx {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastTx++
	m.openTx[m.lastTx] = true
	return &Tx{m: m, n: m.lastTx, own: map[place]*row{}}
}

// Commit makes the transaction's writes visible, all or none. It returns
// [outbox.ErrNoTransaction] for one that is nil or finished, and
// [ErrAppendedMeanwhile]. The transaction is finished either way.
func (tx *Tx) Commit() error {
	if tx == nil {
		return outbox.ErrNoTransaction
	}
	m := tx.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if tx.done {
		return outbox.ErrNoTransaction
	}
	tx.end()
	for i := range tx.said {
		if e := &tx.said[i]; m.appended(aboutOf(e), e.N) {
			return ErrAppendedMeanwhile
		}
	}
	for i := range tx.said {
		m.append(tx.said[i])
	}
	for _, r := range tx.added {
		if _, ok := m.places[placeOf(&r.msg)]; !ok {
			m.add(r)
		}
	}
	return nil
}

// Rollback gives the transaction's writes up. On one that is nil or finished it
// does nothing.
func (tx *Tx) Rollback() {
	if tx == nil {
		return
	}
	tx.m.mu.Lock()
	defer tx.m.mu.Unlock()
	tx.end()
}

func (tx *Tx) end() {
	tx.done = true
	delete(tx.m.openTx, tx.n)
}

// enter locks the store for a call inside a transaction.
func (m *Memory) enter(ctx context.Context, tx *Tx) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if tx == nil || tx.m != m {
		return outbox.ErrNoTransaction
	}
	m.mu.Lock()
	if tx.done {
		m.mu.Unlock()
		return outbox.ErrNoTransaction
	}
	return nil
}

func (tx *Tx) byPlace(p place) (*row, bool) {
	if r, ok := tx.own[p]; ok {
		return r, true
	}
	r, ok := tx.m.places[p]
	return r, ok
}
