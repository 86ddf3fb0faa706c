package orders

import (
	"errors"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/orders/model"
)

var staff = outbox.Actor{Name: "Sam"}

// staffDoes is one event of the staff.
func (w *world) staffDoes(e Event) {
	if e.Kind == Erase {
		if e.N == 0 {
			w.erase(people[e.Person])
		}
		return
	}
	records := w.queued()
	of := slices.DeleteFunc(records, func(r outbox.Record) bool {
		parked := r.State == outbox.StateParked
		task := w.isTask(r)
		switch e.Kind {
		case Discard:
			return r.Kind != amsbridge.KindGive
		case MarkDone:
			return r.Kind != amsbridge.KindGive || !parked
		case Again:
			return !parked || task
		}
		return !parked || !task
	})
	if len(of) == 0 {
		return
	}
	r := of[e.N%len(of)]
	if w.open != nil && e.Kind == Discard {
		return // what is not committed yet may give it anew
	}
	w.act(e.Kind, r)
}

// queued are all messages in the queue.
func (w *world) queued() []outbox.Record {
	return w.find(outbox.Query{States: []outbox.State{outbox.StatePending, outbox.StateParked}})
}

// act does something about a message that waits.
func (w *world) act(kind Kind, r outbox.Record) {
	var err error
	switch kind {
	case Discard:
		err = w.operator.Discard(w.ctx, staff, r.ID, "not wanted")
	case MarkDone:
		err = w.operator.MarkDone(w.ctx, staff, r.ID, "given by hand")
	case Again:
		err = w.operator.SendAgain(w.ctx, staff, r.ID, "mended")
	case Staff:
		err = w.operator.MarkDone(w.ctx, staff, r.ID, "done")
	}
	var refused *outbox.RefusedError
	if errors.Is(err, outbox.ErrInFlight) || errors.Is(err, outbox.ErrNotFound) || errors.As(err, &refused) {
		return
	}
	w.must(err)
	w.say("staff: %s %s %v", kindNames[kind], r.Kind, r.KeyParts)
	switch kind {
	case Discard:
		g, err := amsbridge.DecodeGrant(r.Message)
		w.must(err)
		if !w.anew(r) {
			w.model.Discarded(grantOf(g))
		}
	case MarkDone:
		g, err := amsbridge.DecodeGrant(r.Message)
		w.must(err)
		w.touch(r.Message)
		w.shake(r.Message)
		for _, u := range unitsOf(g) {
			w.has[u], w.ever[u], w.gone[u] = true, true, false
		}
	case Staff:
		if givesByHand(r) {
			for _, u := range unitsIn(r.Message) {
				w.has[u], w.ever[u], w.gone[u] = true, true, false
			}
			return
		}
		for _, u := range w.byHand[r.Key] {
			delete(w.has, u)
			w.gone[u] = !w.shaky[u]
		}
	}
}

// isTask tells whether a parked message asks for something that a person does at the platform.
func (w *world) isTask(r outbox.Record) bool { return len(w.byHand[r.Key]) > 0 || givesByHand(r) }

// givesByHand tells whether a parked message asks to give again what somebody cancelled.
func givesByHand(r outbox.Record) bool {
	return r.Kind == amsbridge.KindEnded && strings.Contains(r.Reason, "again by hand")
}

// anew tells whether a newer give takes the place of this one.
func (w *world) anew(r outbox.Record) bool {
	g, err := amsbridge.DecodeGrant(r.Message)
	w.must(err)
	for _, other := range w.find(outbox.Query{Subject: r.Subject, AfterID: r.ID}) {
		o, err := amsbridge.DecodeGrant(other.Message)
		if err == nil && other.Kind == amsbridge.KindGive && grantOf(o) == grantOf(g) {
			return true
		}
	}
	return false
}

func grantOf(g amsbridge.Grant) model.Grant {
	return model.Grant{
		Seat: model.Seat{Association: g.Association, Order: g.OrderID, Line: g.LineID, Person: g.User.ID},
		Item: itemOf(g.Item).Name,
	}
}

// erase erases a person, of whom nothing is judged from then on but that nothing is given.
func (w *world) erase(u amsbridge.User) {
	if len(w.erased) > 0 || w.open != nil {
		return
	}
	var waiting []model.Seat
	for _, r := range w.queued() {
		if g, err := amsbridge.DecodeGrant(r.Message); err == nil && g.Association == "acme" && g.User.ID == u.ID {
			waiting = append(waiting, grantOf(g).Seat)
		}
	}
	_, err := w.operator.Erase(w.ctx, staff, "acme", string(u.ID), "asked for it")
	if errors.Is(err, outbox.ErrInFlight) {
		return
	}
	w.must(err)
	w.say("%s of acme is erased", u.ID)
	w.erased[person{"acme", u.ID}] = true
	w.model.Erase("acme", u.ID, waiting)
}
