package outboxtest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// insert reports an order, as a shop does: new messages, repeats, now and then
// with other facts, and replacements.
func (w *world[Tx]) insert() error {
	variant := ""
	if w.chance(8) {
		variant = " changed"
	}
	var msgs []outbox.Message
	for range 1 + w.rng.IntN(3) {
		m := w.newMessage("k")
		m.Facts = append(m.Facts, variant...)
		if len(w.msgs) > 0 && variant == "" && w.chance(15) {
			m.Replaces = pick(w.rng, w.msgs).ID
		}
		msgs = append(msgs, m)
	}
	rollBack := w.chance(10)
	tx, err := w.Begin()
	if err != nil {
		return err
	}
	defer w.Rollback(tx)
	inserted, err := w.Store.InsertTx(w.ctx, tx, msgs...)
	w.logf("insert %s: %v", describe(msgs), orOK(err))
	if conflicts, replaces := w.refusals(msgs); conflicts || replaces {
		var conflict *outbox.ConflictError
		var refused *outbox.RefusedError
		if conflicts && errors.As(err, &conflict) || replaces && errors.As(err, &refused) {
			return nil
		}
		return fmt.Errorf("an insertion that conflicts: %v, or replaces what it must not: %v, was answered: %v", conflicts, replaces, orOK(err))
	}
	if err != nil {
		return err
	}
	if rollBack {
		w.logf("and roll back")
		return nil
	}
	if err := w.Commit(tx); err != nil {
		return err
	}
	return w.inserted(msgs, inserted)
}

func orOK(err error) any {
	if err == nil {
		return "ok"
	}
	return err
}

// newMessage is of one of few keys, so that repeats are frequent. What it names
// in After has a lower number: messages that wait for each other wait for ever.
func (w *world[Tx]) newMessage(prefix string) outbox.Message {
	n := w.rng.IntN(14)
	key := fmt.Sprintf("%s%02d", prefix, n)
	person := fmt.Sprintf("U-%d", w.rng.IntN(w.persons))
	m := push(key, person, to(pick(w.rng, w.names)))
	if n > 0 && w.chance(30) {
		m.After = fmt.Sprintf("k%02d", w.rng.IntN(n))
	}
	switch w.rng.IntN(12) {
	case 0:
		born(outbox.StateParked)(&m)
	case 1:
		born(outbox.StateHeld)(&m)
	}
	return m
}

func describe(msgs []outbox.Message) string {
	var text string
	for i := range msgs {
		m := &msgs[i]
		text += fmt.Sprintf("[%s %s of %s", m.Destination, m.Key, m.Person)
		if m.Born != outbox.StatePending {
			text += " born " + m.Born.String()
		}
		if m.After != "" {
			text += " after " + m.After
		}
		if string(m.Facts) != "facts of "+m.Key {
			text += " with other facts"
		}
		if m.Replaces != 0 {
			text += fmt.Sprintf(" replacing %d", m.Replaces)
		}
		text += "]"
	}
	return text
}

// refusals tells whether an insertion conflicts, and whether it replaces what
// cannot be replaced. Where both are so, either may be told.
func (w *world[Tx]) refusals(msgs []outbox.Message) (conflicts, replaces bool) {
	seen := map[place]bool{}
	for i := range msgs {
		p := placeOf(&msgs[i])
		first, exists := w.places[p]
		if exists && string(first.Facts) != string(msgs[i].Facts) {
			conflicts = true
		}
		if msgs[i].Replaces != 0 && !exists && !seen[p] && !w.replaceable(msgs[i].Replaces) {
			replaces = true
		}
		seen[p] = true
	}
	return conflicts, replaces
}

func (w *world[Tx]) replaceable(id outbox.ID) bool {
	m := w.byID(id)
	return m != nil && (m.state == outbox.StateParked || m.state == outbox.StateHeld || m.state == outbox.StatePending && m.with)
}

// inserted brings a committed insertion into the model.
func (w *world[Tx]) inserted(msgs []outbox.Message, got []outbox.Inserted) error {
	for i := range msgs {
		p := placeOf(&msgs[i])
		m, exists := w.places[p]
		if got[i].Duplicate != exists || exists && got[i].ID != m.ID {
			return fmt.Errorf("%s %s: inserted as %+v, though it is known: %v", p.destination, p.key, got[i], exists)
		}
		if !exists {
			msg := msgs[i]
			msg.ID, msg.Replaces = got[i].ID, 0
			w.know(msg)
		}
	}
	for i := range msgs {
		if w.replaceable(msgs[i].Replaces) {
			w.byID(msgs[i].Replaces).end(outbox.StateReplaced)
		}
	}
	return nil
}

func (w *world[Tx]) know(msg outbox.Message) {
	m := &simMessage{Message: msg, lane: msg.OrderingKey(), state: msg.Born, due: w.now}
	w.msgs = append(w.msgs, m)
	w.places[placeOf(&msg)] = m
}

func (w *world[Tx]) withdraw() error {
	if len(w.msgs) == 0 {
		return nil
	}
	ids := []outbox.ID{pick(w.rng, w.msgs).ID, 1 << 40, pick(w.rng, w.msgs).ID}
	tx, err := w.Begin()
	if err != nil {
		return err
	}
	defer w.Rollback(tx)
	became, err := w.Store.WithdrawTx(w.ctx, tx, ids...)
	w.logf("withdraw %d: %v %v", ids, became, orOK(err))
	if err != nil {
		return err
	}
	var want []outbox.Withdrawal
	for _, id := range ids {
		switch m := w.byID(id); {
		case m == nil:
			want = append(want, outbox.WithdrawNotFound)
		case !m.queued():
			want = append(want, outbox.WithdrawSettled)
		case m.leased || m.doubt != 0:
			want = append(want, outbox.WithdrawInFlight)
		default:
			want = append(want, outbox.Withdrawn)
		}
	}
	if !slices.Equal(want, became) {
		return fmt.Errorf("withdrawing %d became %v, not %v", ids, became, want)
	}
	if w.chance(20) {
		w.logf("and roll back")
		return nil
	}
	if err := w.Commit(tx); err != nil {
		return err
	}
	for i, id := range ids {
		if want[i] == outbox.Withdrawn {
			w.byID(id).end(outbox.StateWithdrawn)
		}
	}
	return nil
}
