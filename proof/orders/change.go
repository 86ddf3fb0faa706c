package orders

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/proof/orders/model"
)

// change lets the shop change an order, which may be new.
func (w *world) change(s *shopOrder, e Event) {
	o := &s.now
	o.Lines = cloned(*o).Lines
	switch {
	case len(o.Lines) == 0:
		e.Change = NewLine
	case len(o.Lines) > 3 && e.Change == NewLine:
		e.Change = Swap
	}
	if e.Change == NewLine || e.Change == DropLine && len(o.Lines) == 1 {
		s.newLine(e)
	} else {
		w.changeLine(s, &o.Lines[e.Line%len(o.Lines)], e)
		if e.Change == DropLine {
			o.Lines = slices.Delete(o.Lines, e.Line%len(o.Lines), e.Line%len(o.Lines)+1)
		}
	}
	if s.by != nil && (e.Rising || o.Version == 0 && o.UpdatedAt.IsZero()) {
		s.by(o, w.Clock.Now().Truncate(time.Second))
		w.Clock.Advance(time.Second)
	}
}

func (s *shopOrder) newLine(e Event) {
	id := fmt.Sprint(1 + e.Line)
	if slices.ContainsFunc(s.now.Lines, func(l amsbridge.Line) bool { return l.ID == id }) {
		id = fmt.Sprint(4 + len(s.now.Lines))
	}
	if slices.ContainsFunc(s.now.Lines, func(l amsbridge.Line) bool { return l.ID == id }) {
		return
	}
	l := amsbridge.Line{ID: id, ProductID: productIDs[e.Product%len(productIDs)], Quantity: 1}
	switch e.N {
	case 0: // the buyer's
	case 1:
		l.Quantity = 2
	case 2:
		l.Quantity, l.Attendees = 2, []amsbridge.User{people[e.Person], people[(e.Person+1)%len(people)]}
	default:
		l.Attendees = []amsbridge.User{people[e.Person]}
	}
	s.now.Lines = append(s.now.Lines, l)
}

func (w *world) changeLine(s *shopOrder, l *amsbridge.Line, e Event) {
	who := people[e.Person]
	if len(l.Attendees) == 0 && l.Quantity == 1 {
		l.Attendees = []amsbridge.User{s.now.Buyer}
	}
	named := slices.ContainsFunc(l.Attendees, func(u amsbridge.User) bool { return u.ID == who.ID })
	switch e.Change {
	case Name:
		if !named {
			l.Attendees = append(l.Attendees, who)
		}
	case Forget:
		l.Attendees = slices.DeleteFunc(l.Attendees, func(u amsbridge.User) bool { return u.ID == who.ID })
		if len(l.Attendees) == 0 {
			l.Quantity = max(2, l.Quantity)
		}
	case MoreSeats:
		l.Quantity++
	case LessSeats:
		l.Quantity = max(1, l.Quantity-1)
	case Swap:
		for range people { // somebody else than those who are there
			named = slices.ContainsFunc(l.Attendees, func(u amsbridge.User) bool { return u.ID == who.ID })
			if !named {
				break
			}
			e.Person = (e.Person + 1) % len(people)
			who = people[e.Person]
		}
		if !named && len(l.Attendees) > 0 {
			l.Attendees[e.N%len(l.Attendees)] = who
		}
	case SwapBack:
		if h := s.history; len(h) > 0 {
			for _, old := range h[e.N%len(h)].Lines {
				if old.ID == l.ID && len(old.Attendees) > 0 {
					l.Attendees = slices.Clone(old.Attendees)
				}
			}
		}
	case Exchange:
		if id := productIDs[e.Product%len(productIDs)]; !w.mapped.plain(id).Unknown {
			l.ProductID = id
		}
	case Profile:
		for i := range l.Attendees {
			l.Attendees[i].LastName = fmt.Sprintf("%s-%d", l.Attendees[i].LastName[:3], e.N)
			l.Attendees[i].Email = people[0].Email
			if e.N == 0 {
				l.Attendees[i].Email = ""
			}
		}
	case Jumble:
		l.Attendees = nil
		for i, u := range people {
			if (e.N+1)&(1<<i) != 0 {
				l.Attendees = append(l.Attendees, u)
			}
		}
	}
}

// known is the number of an order that was reported, where there is one.
func (w *world) known(i int) int {
	for at := range w.orders {
		if n := (i + at) % len(w.orders); len(w.orders[n].history) > 0 {
			return n
		}
	}
	return i
}

// refund gives a part of an order back, which the hook may not know yet.
func (w *world) refund(s *shopOrder, e Event) call {
	o := s.now
	r := amsbridge.Refund{ID: fmt.Sprint("R", e.N%4), OrderID: o.ID, Association: o.Association}
	i := slices.IndexFunc(s.refunds, func(old amsbridge.Refund) bool { return old.ID == r.ID })
	if i >= 0 && e.N%2 == 0 {
		r.ID = fmt.Sprint("R", len(s.refunds)+4)
		i = -1
	}
	line := amsbridge.RefundLine{LineID: fmt.Sprint(1 + e.Line)}
	if len(o.Lines) > 0 {
		line.LineID = o.Lines[e.Line%len(o.Lines)].ID
	}
	holders := w.model.Holders(o.Association, o.ID)
	switch {
	case i >= 0:
		r = s.refunds[i]
	case e.Product == 0 && e.N < 3:
		r.All = true
	case e.Product == 1:
		line.Seats = 1 + e.Person%2
		r.Lines = []amsbridge.RefundLine{line}
	case e.Product < 6 && len(holders) > 0:
		h := holders[e.Person%len(holders)]
		r.Lines = []amsbridge.RefundLine{{LineID: h.Line, People: []amsbridge.UserID{h.Person}}}
	default:
		r.Lines = []amsbridge.RefundLine{line}
	}
	return call{
		text: fmt.Sprintf("refund %+v", r), about: []int{e.Order},
		make: func(ctx context.Context, s Session) ([]*amsbridge.Report, error) {
			told, err := s.Refunded(ctx, r)
			return []*amsbridge.Report{told}, err
		},
		apply: func() []model.Verdict { w.model.Refunded(r); return nil },
		done: func() {
			w.count.Refunds++
			if i < 0 {
				s.refunds = append(s.refunds, r)
			}
		},
	}
}

// reverse undoes a refund, which the hook may not know yet.
func (w *world) reverse(s *shopOrder, e Event) (call, bool) {
	if len(s.now.Lines) == 0 {
		return call{}, false
	}
	id := fmt.Sprint("R", e.N%4)
	if len(s.refunds) > 0 && e.N > 0 {
		id = s.refunds[e.N%len(s.refunds)].ID
	}
	if e.Change == NewLine && s.by != nil {
		s.by(&s.now, w.Clock.Now().Truncate(time.Second))
	}
	now := cloned(s.now)
	view := w.view(now)
	return call{
		text: fmt.Sprintf("refund %s is undone, %s", id, described(now)), about: []int{e.Order},
		make: func(ctx context.Context, s Session) ([]*amsbridge.Report, error) {
			told, err := s.Reversed(ctx, id, cloned(now))
			return []*amsbridge.Report{told}, err
		},
		apply: func() []model.Verdict { return []model.Verdict{w.model.Reversed(id, now, view)} },
		done: func() {
			w.count.Reversals++
			s.history = append(s.history, now)
		},
	}, true
}

// strange is a report that a program makes by mistake.
func (w *world) strange(s *shopOrder, e Event) (call, bool) {
	o := cloned(s.now)
	if len(s.history) == 0 && e.N > 1 {
		return call{}, false
	}
	switch e.N {
	case 0:
		o.ID = "0"
	case 1:
		o.Lines = nil
	case 2: // another order
		o.PlacedAt = o.PlacedAt.AddDate(1, 0, 0)
		o.Buyer = people[e.Person]
		o.Lines = append(o.Lines, amsbridge.Line{ID: "99", ProductID: "course", Quantity: 1})
	case 3: // a guest's order that was linked to an account
		o.Buyer = people[e.Person]
	case 4: // the shop tells newer from older in another way
		o.Version, o.UpdatedAt = 0, w.Clock.Now().Truncate(time.Second)
		if s.now.Version == 0 {
			o.Version, o.UpdatedAt = 7, time.Time{}
		}
	case 5:
		o.UpdatedAt = w.Clock.Now().AddDate(1, 0, 0)
	}
	text := fmt.Sprintf("strange: report %s placed %s", described(o), o.PlacedAt.Format(time.DateOnly))
	c := w.report(o, e.Order, text)
	c.done = nil
	if o.ID == "0" {
		c.about = []int{nobodys}
	}
	return c, true
}
