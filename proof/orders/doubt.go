package orders

import (
	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/orders/model"
)

// touch notes that a message may have been sent, until it is known that it was not. It is false where it
// may have been before.
func (w *world) touch(m outbox.Message) (fresh bool) {
	for _, u := range unitsIn(m) {
		w.gone[u] = w.gone[u] && m.Kind == amsbridge.KindTake
		if w.touched[u] == nil {
			w.touched[u] = map[string]bool{}
		}
		fresh = fresh || !w.touched[u][m.Key]
		w.touched[u][m.Key] = true
	}
	return fresh
}

// shake notes that a message has no place in the order of attempts: what it gave may count as there for
// ever.
func (w *world) shake(m outbox.Message) {
	for _, u := range unitsIn(m) {
		w.shaky[u] = true
	}
}

// spare notes that a message was not sent.
func (w *world) spare(m outbox.Message) {
	for _, u := range unitsIn(m) {
		delete(w.touched[u], m.Key)
	}
}

func unitsIn(m outbox.Message) []model.Owed {
	g, err := amsbridge.DecodeGrant(m)
	if err != nil {
		return nil
	}
	return unitsOf(g)
}
