package orders

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/proof/orders/model"
)

// call is one call of the hook, and what the model makes of it.
type call struct {
	text  string
	about []int // the shop's orders
	make  func(context.Context, Session) ([]*amsbridge.Report, error)
	apply func() []model.Verdict
	done  func() // once it is committed
}

// transaction is one that stays open.
type transaction struct {
	Session
	calls []call
	said  [][]*amsbridge.Report
}

// shopDoes is one event of the shop, in one of the ways of a transaction.
func (w *world) shopDoes(e Event) {
	if e.Kind == Replay || e.Kind == Refund && e.N > 0 || e.Kind == Reverse && e.N > 0 {
		e.Order = w.known(e.Order)
	}
	if !w.free(call{about: []int{e.Order, nobodys}}) {
		w.endOpen(true)
	}
	c, ok := w.callOf(e)
	if !ok {
		return
	}
	w.count.ByMode[e.Mode]++
	switch e.Mode {
	case RollBack:
		w.say("%s: rolled back", c.text)
		s := w.begin()
		w.try(s, c)
		s.Rollback(w.ctx)
	case Savepoint:
		s := w.begin()
		undone, err := s.Undone(w.ctx, func() error { _, err := c.make(w.ctx, s); return err })
		w.must(err)
		if undone {
			w.say("%s: in a savepoint that is rolled back", c.text)
		}
		w.must(s.Commit(w.ctx))
	case Twice:
		w.commit(w.begin(), c, c)
	case WithOther:
		other, ok := w.callOf(Event{Kind: Replay, Order: (e.Order + 1) % len(w.orders), N: e.N})
		if !ok || !w.free(other) {
			w.commit(w.begin(), c)
			return
		}
		w.commit(w.begin(), c, other)
	case Concurrent:
		w.concurrent(c)
	case Late:
		if w.Serial || w.open != nil {
			w.commit(w.begin(), c)
			return
		}
		s := w.begin()
		w.say("%s: not committed yet", c.text)
		w.open = &transaction{Session: s, calls: []call{c}, said: [][]*amsbridge.Report{w.try(s, c)}}
	default:
		w.commit(w.begin(), c)
	}
}

func (w *world) begin() Session {
	s, err := w.shop.Begin(w.ctx)
	w.must(err)
	w.begun = append(w.begun, s)
	return s
}

func (w *world) try(s Session, c call) []*amsbridge.Report {
	said, err := c.make(w.ctx, s)
	if err != nil {
		s.Rollback(w.ctx)
	}
	w.must(err)
	return said
}

// commit makes calls in one transaction.
func (w *world) commit(s Session, calls ...call) {
	var said [][]*amsbridge.Report
	for i, c := range calls {
		text := c.text
		if i > 0 {
			text = "  and in the same transaction: " + text
		}
		w.say("%s", text)
		said = append(said, w.try(s, c))
	}
	w.must(s.Commit(w.ctx))
	for i, c := range calls {
		w.committed(c, said[i])
	}
}

// committed lets the model follow, and compares what was told.
func (w *world) committed(c call, said []*amsbridge.Report) {
	if c.done != nil {
		c.done()
	}
	for i, v := range c.apply() {
		told := model.Verdict{Stale: said[i].Stale, OtherOrder: said[i].OtherOrder, Empty: said[i].Empty}
		if told != v {
			w.fail("told %+v, and it is %+v", told, v)
		}
	}
}

// concurrent makes a call in two processes at once. One that fails is tried again.
func (w *world) concurrent(c call) {
	w.say("%s: by two processes at once", c.text)
	one, two := w.begin(), Session(nil)
	said := w.try(one, c)
	type result struct {
		said []*amsbridge.Report
		err  error
	}
	second := make(chan result, 1)
	begun := make(chan struct{})
	go func() {
		var err error
		if two, err = w.shop.Begin(w.ctx); err != nil {
			close(begun)
			second <- result{err: err}
			return
		}
		close(begun)
		got, err := c.make(w.ctx, two)
		if err == nil && !w.Blocks {
			second <- result{got, err}
			return
		}
		if err == nil {
			err = two.Commit(w.ctx)
		} else {
			two.Rollback(w.ctx)
		}
		second <- result{got, err}
	}()
	if !w.Serial {
		<-begun
	}
	var r result
	if w.Blocks {
		w.must(one.Commit(w.ctx))
		w.committed(c, said)
		r = <-second
	} else {
		r = <-second
		w.must(one.Commit(w.ctx))
		w.committed(c, said)
		if r.err == nil {
			r.err = two.Commit(w.ctx)
		}
	}
	if r.err != nil {
		w.say("  the second: %v: tried again", r.err)
		w.commit(w.begin(), c)
		return
	}
	w.committed(c, r.said)
}

// nobodys stands for orders that have no ID, as one of the shop's.
const nobodys = -1

// free tells whether the open transaction is about other orders.
func (w *world) free(c call) bool {
	if w.open == nil {
		return true
	}
	for _, open := range w.open.calls {
		if slices.ContainsFunc(open.about, func(i int) bool { return slices.Contains(c.about, i) }) {
			return false
		}
	}
	return true
}

// endOpen ends the open transaction.
func (w *world) endOpen(commit bool) {
	t := w.open
	if t == nil {
		return
	}
	w.open = nil
	if !commit {
		w.say("the open transaction is rolled back")
		t.Rollback(w.ctx)
		return
	}
	w.say("the open transaction is committed")
	w.must(t.Commit(w.ctx))
	for i, c := range t.calls {
		w.committed(c, t.said[i])
	}
}

// shopOrder is an order as the shop has it, and all that it was.
type shopOrder struct {
	now     amsbridge.Order
	history []amsbridge.Order
	refunds []amsbridge.Refund
	by      func(o *amsbridge.Order, at time.Time) // tells newer from older
}

func newShopOrders() []*shopOrder {
	version := func(o *amsbridge.Order, _ time.Time) { o.Version++ }
	updated := func(o *amsbridge.Order, at time.Time) { o.UpdatedAt = at }
	var all []*shopOrder
	for i, o := range []struct {
		association, id string
		by              func(*amsbridge.Order, time.Time)
	}{{"acme", "1001", version}, {"acme", "1002", updated}, {"beta", "1001", version}, {"acme", "1003", nil}} {
		all = append(all, &shopOrder{by: o.by, now: amsbridge.Order{
			ID: o.id, Association: o.association, Buyer: people[i%len(people)],
			PlacedAt: time.Date(2026, time.November, 1+10*i, 12, 0, 0, 0, time.UTC),
		}})
	}
	return all
}

// callOf makes an event of the shop a call.
func (w *world) callOf(e Event) (call, bool) {
	o := w.orders[e.Order%len(w.orders)]
	switch e.Kind {
	case Report:
		w.change(o, e)
		return w.report(o.now, e.Order, fmt.Sprintf("report %s", described(o.now))), true
	case Replay:
		if len(o.history) == 0 {
			return call{}, false
		}
		old := o.history[(len(o.history)-1+e.N)%len(o.history)]
		c := w.report(old, e.Order, fmt.Sprintf("again %s", described(old)))
		count := c.done
		c.done = func() { w.count.Replays++; count() }
		return c, true
	case Refund:
		return w.refund(o, e), true
	case Reverse:
		return w.reverse(o, e)
	case Remap:
		id := productIDs[e.Product%len(productIDs)]
		w.mapped[id]++
		w.say("%s is mapped to %+v", id, w.mapped.of(id))
		if len(o.history) == 0 {
			return call{}, false
		}
		return w.report(o.now, e.Order, fmt.Sprintf("report %s", described(o.now))), true
	default:
		return w.strange(o, e)
	}
}

// report is a call of OrderCompleted.
func (w *world) report(now amsbridge.Order, i int, text string) call {
	now = cloned(now)
	view := w.view(now)
	return call{
		text: text, about: []int{i},
		make: func(ctx context.Context, s Session) ([]*amsbridge.Report, error) {
			return s.Completed(ctx, cloned(now))
		},
		apply: func() []model.Verdict { return []model.Verdict{w.model.Completed(now, view)} },
		done:  func() { w.orders[i].history = append(w.orders[i].history, now) },
	}
}

func cloned(o amsbridge.Order) amsbridge.Order {
	o.Lines = slices.Clone(o.Lines)
	for i := range o.Lines {
		o.Lines[i].Attendees = slices.Clone(o.Lines[i].Attendees)
	}
	return o
}
