package outboxtest

import (
	"fmt"

	"github.com/amsbridge/amsbridge/outbox"
)

// insert inserts as a shop does: new messages, and repeats, now and then with
// other facts.
func (w *model[Tx]) insert() error {
	msgs := w.newMessages(1 + w.rng.IntN(3))
	rollBack := w.chance(10)
	tx, err := w.Begin()
	if err != nil {
		return err
	}
	defer w.Rollback(tx)
	inserted, err := w.Store.InsertTx(w.ctx, tx, msgs...)
	w.logf("insert %s: %v", describe(msgs), orOK(err))
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

func (w *model[Tx]) newMessages(n int) (msgs []outbox.Message) {
	for range n {
		m := w.newMessage("k")
		if w.chance(8) {
			m.Facts = append(m.Facts, " changed"...)
		}
		msgs = append(msgs, m)
	}
	return msgs
}

// newMessage is of one of few keys, so that repeats are frequent.
func (w *model[Tx]) newMessage(prefix string) outbox.Message {
	person := fmt.Sprintf("U-%d", w.rng.IntN(w.persons))
	return push(fmt.Sprintf("%s%02d", prefix, w.rng.IntN(30)), person, to(pick(w.rng, w.names)))
}

func describe(msgs []outbox.Message) string {
	var text string
	for i := range msgs {
		m := &msgs[i]
		text += fmt.Sprintf("[%s %s of %s", m.Destination, m.Key, m.Person)
		if string(m.Facts) != "facts of "+m.Key {
			text += " with other facts"
		}
		text += "]"
	}
	return text
}

// inserted brings a committed insertion into the model.
func (w *model[Tx]) inserted(msgs []outbox.Message, got []outbox.Inserted) error {
	for i := range msgs {
		p := placeOf(&msgs[i])
		m, exists := w.places[p]
		if got[i].Duplicate != exists || exists && got[i].ID != m.ID {
			return fmt.Errorf("%s %s: inserted as %+v, though it is known: %v", p.destination, p.key, got[i], exists)
		}
		if !exists {
			msg := msgs[i]
			msg.ID = got[i].ID
			w.know(msg)
		}
	}
	return nil
}

// know brings a message into the model unless its key exists.
func (w *model[Tx]) know(msg outbox.Message) {
	if _, exists := w.places[placeOf(&msg)]; exists {
		return
	}
	m := &simMessage{Message: msg, key: msg.OrderingKey(), fresh: true}
	w.msgs = append(w.msgs, m)
	w.places[placeOf(&msg)] = m
}
