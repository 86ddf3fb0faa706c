package outboxtest

import (
	"context"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// Tx is a transaction of a [Memory]. It sees what was committed before each
// call, and its own writes.
type Tx struct {
	m     *Memory
	done  bool
	added []*row
	own   map[place]*row
	ends  map[outbox.ID]ending
}

// ending is what a commit will make of a committed row.
type ending struct {
	state outbox.State
	log   outbox.Attempt
}

// Begin opens a transaction. It must be ended by Commit or Rollback.
func (m *Memory) Begin() *Tx {
	return &Tx{m: m, own: map[place]*row{}, ends: map[outbox.ID]ending{}}
}

// Commit makes the transaction's writes visible, all or none. It returns
// [outbox.ErrNoTransaction] for one that is nil or finished, and a
// [*outbox.ConflictError] with MustRollBack when a key was committed with other
// facts meanwhile. The transaction is finished either way.
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
	tx.finish()
	for p, r := range tx.own {
		if first, ok := m.keys[p]; ok && !first.same(r.msg.Fingerprint) {
			return &outbox.ConflictError{Destination: p.destination, Key: p.key, ID: first.msg.ID, MustRollBack: true}
		}
	}
	for _, r := range tx.added {
		if _, ok := m.keys[placeOf(&r.msg)]; !ok {
			m.add(r)
		}
	}
	tx.apply()
	return nil
}

// apply ends the committed rows that the transaction ends.
func (tx *Tx) apply() {
	for id, e := range tx.ends {
		r := tx.m.rows[id]
		tx.m.end(r, e.state, e.log.At)
		r.logged(e.log)
	}
}

// Rollback gives the transaction's writes up. On one that is nil or finished it
// does nothing.
func (tx *Tx) Rollback() {
	if tx == nil {
		return
	}
	tx.m.mu.Lock()
	defer tx.m.mu.Unlock()
	tx.finish()
}

func (tx *Tx) finish() {
	tx.done = true
	for id := range tx.ends {
		delete(tx.m.taken, id)
	}
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
	r, ok := tx.m.keys[p]
	return r, ok
}

// byID returns a row as the transaction sees it, and whether it is its own.
func (tx *Tx) byID(id outbox.ID) (r *row, own bool) {
	for _, r := range tx.added {
		if r.msg.ID == id {
			return r, true
		}
	}
	return tx.m.rows[id], false
}

// state is a row's state as the transaction sees it.
func (tx *Tx) state(r *row) outbox.State {
	if e, ok := tx.ends[r.msg.ID]; ok {
		return e.state
	}
	return r.state
}

// takenByOther tells whether another open transaction ends the row.
func (tx *Tx) takenByOther(id outbox.ID) bool {
	other, ok := tx.m.taken[id]
	return ok && other != tx
}

// endRow ends a row when the transaction commits.
func (tx *Tx) endRow(r *row, own bool, state outbox.State, reason string, now time.Time) {
	log := outbox.Attempt{At: now, State: state, Reason: reason}
	if own {
		r.finish(state, now)
		r.logged(log)
		return
	}
	tx.ends[r.msg.ID] = ending{state, log}
	tx.m.taken[r.msg.ID] = tx
}

// WithdrawTx implements [outbox.Writer].
func (m *Memory) WithdrawTx(ctx context.Context, tx *Tx, ids ...outbox.ID) ([]outbox.Withdrawal, error) {
	if err := m.enter(ctx, tx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	now := m.clock()
	became := make([]outbox.Withdrawal, len(ids))
	for i, id := range ids {
		r, own := tx.byID(id)
		switch first := slices.Index(ids, id); {
		case first < i:
			became[i] = became[first]
		case r == nil:
			became[i] = outbox.WithdrawNotFound
		case tx.state(r).Final():
			became[i] = outbox.WithdrawSettled
		case r.leased() || r.msg.Doubt != 0 || tx.takenByOther(id):
			became[i] = outbox.WithdrawInFlight
		default:
			became[i] = outbox.Withdrawn
			tx.endRow(r, own, outbox.StateWithdrawn, "withdrawn", now)
		}
	}
	return became, nil
}
