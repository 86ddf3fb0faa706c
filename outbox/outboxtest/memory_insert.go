package outboxtest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

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
	if err := tx.checkUnless(msgs); err != nil {
		return nil, err
	}
	if err := tx.checkKeys(msgs); err != nil {
		return nil, err
	}
	if err := tx.checkReplaces(msgs); err != nil {
		return nil, err
	}
	now := m.clock()
	inserted := make([]outbox.Inserted, len(msgs))
	for i := range msgs {
		p := placeOf(&msgs[i])
		r, duplicate := tx.byPlace(p)
		if !duplicate {
			r = m.newRow(msgs[i], now)
			tx.added = append(tx.added, r)
			tx.own[p] = r
		}
		inserted[i] = outbox.Inserted{ID: r.msg.ID, Duplicate: duplicate}
		tx.replace(&msgs[i], now)
	}
	return inserted, nil
}

func (tx *Tx) checkUnless(msgs []outbox.Message) error {
	must := map[string]bool{}
	for i := range msgs {
		for _, key := range msgs[i].Unless {
			must[key] = true
		}
	}
	if len(must) == 0 {
		return nil
	}
	var found []outbox.Found
	look := func(r *row) {
		if must[r.msg.Key] {
			found = append(found, outbox.Found{ID: r.msg.ID, Destination: r.msg.Destination, Key: r.msg.Key})
		}
	}
	for key := range must {
		for _, r := range tx.m.named[key] {
			look(r)
		}
	}
	for _, r := range tx.added {
		look(r)
	}
	if len(found) == 0 {
		return nil
	}
	slices.SortFunc(found, func(a, b outbox.Found) int { return cmp.Compare(a.ID, b.ID) })
	return &outbox.ExistsError{Found: found}
}

func (tx *Tx) checkKeys(msgs []outbox.Message) error {
	for i := range msgs {
		p := placeOf(&msgs[i])
		if r, ok := tx.byPlace(p); ok && !r.same(msgs[i].FactsFingerprint()) {
			return &outbox.ConflictError{Destination: p.destination, Key: p.key, ID: r.msg.ID}
		}
	}
	return nil
}

// same tells whether a repeat has the row's facts: those of a person who was
// erased are known no longer, and match any.
func (r *row) same(fingerprint []byte) bool {
	return len(r.msg.Fingerprint) == 0 || bytes.Equal(r.msg.Fingerprint, fingerprint)
}

func (tx *Tx) checkReplaces(msgs []outbox.Message) error {
	seen := map[place]bool{}
	for i := range msgs {
		p := placeOf(&msgs[i])
		_, duplicate := tx.byPlace(p)
		duplicate = duplicate || seen[p]
		seen[p] = true
		if duplicate || msgs[i].Replaces == 0 {
			continue
		}
		if refused := tx.refuseReplacing(msgs[i].Replaces); refused != "" {
			return &outbox.RefusedError{ID: msgs[i].Replaces, Reason: refused}
		}
	}
	return nil
}

func (tx *Tx) refuseReplacing(id outbox.ID) string {
	r, _ := tx.byID(id)
	if r == nil {
		return "cannot be replaced: there is no such message"
	}
	if tx.takenByOther(id) {
		return "cannot be replaced: another transaction is changing it"
	}
	if state := tx.state(r); !replaceable(state) {
		return "cannot be replaced: it is " + state.String()
	}
	return ""
}

func replaceable(s outbox.State) bool { return s == outbox.StateParked || s == outbox.StateHeld }

// replace ends what a message replaces, where that is still possible: for one
// that was there before it need not be.
func (tx *Tx) replace(msg *outbox.Message, now time.Time) {
	if msg.Replaces == 0 || tx.takenByOther(msg.Replaces) {
		return
	}
	if r, own := tx.byID(msg.Replaces); r != nil && replaceable(tx.state(r)) {
		tx.endRow(r, own, outbox.StateReplaced, "replaced by "+msg.Key, now)
	}
}
