package amsbridge

import (
	"maps"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// isOf tells whether a message was made by this refund.
func (r *refunding) isOf(m outbox.Message) bool {
	n := len(m.KeyParts)
	return n > 0 && m.KeyParts[n-1] == r.ID
}

// repeat tells of what an earlier report of this refund left.
func (r *refunding) repeat() {
	for _, rec := range r.own {
		if !r.isOf(rec.Message) {
			continue
		}
		lines := slices.DeleteFunc(slices.Clone(rec.Items), func(line string) bool { return !r.covers(line, rec.Person) })
		switch {
		case rec.Kind == KindAddOns && len(rec.KeyParts) > 4 && rec.KeyParts[4] == restOf:
			r.done.Requeued = append(r.done.Requeued, queuedMessage(rec.Message, rec.ID, true))
		case len(lines) == 0:
		case rec.Kind == KindRemoveAddOns:
			r.say(&r.done.Removals, rec, lines, rec.Reason, true)
		case rec.Kind == KindRefundTask:
			r.say(&r.done.Tasks, rec, lines, rec.Reason, true)
		}
	}
}

// say adds a result about a stored message.
func (r *refunding) say(list *[]TakenBack, rec outbox.Record, lines []string, reason string, duplicate bool) {
	r.mentioned[mention{id: rec.ID}] = true
	for _, line := range lines {
		r.mention(rec.Message, line)
	}
	*list = append(*list, takenBack(rec.Message, rec.ID, lines, reason, duplicate))
}

func takenBack(m outbox.Message, id outbox.ID, lines []string, reason string, duplicate bool) TakenBack {
	return TakenBack{
		ID: id, Destination: m.Destination, Key: m.Key, Kind: m.Kind, UserID: UserID(m.Person),
		LineIDs: lines, Reason: reason, Duplicate: duplicate,
	}
}

// mention notes that the result tells of a line and of a person's place on it.
func (r *refunding) mention(m outbox.Message, line string) {
	r.mentioned[mention{destination: m.Destination, line: line, person: m.Person}] = true
	r.mentioned[mention{line: line}] = true
}

// sayWhatIsLeft tells of refunded lines of which nothing was taken back by now.
func (r *refunding) sayWhatIsLeft() {
	for _, p := range r.pushes {
		by := map[string][]string{} // lines by refund
		for _, line := range p.Items {
			if r.covers(line, p.Person) && !r.mentioned[mention{destination: p.Destination, line: line, person: p.Person}] {
				refund := r.seats[seatOf(p.Message, line)]
				by[refund] = append(by[refund], line)
			}
		}
		for _, refund := range slices.Sorted(maps.Keys(by)) {
			switch {
			case p.State == outbox.StateReplaced:
			case p.State == outbox.StateDiscarded:
				r.say(&r.done.Nothing, p.Record, by[refund], "an operator had discarded it", false)
			case refund != r.ID:
				r.say(&r.done.Nothing, p.Record, by[refund], "another refund took it back before", false)
			case p.State == outbox.StateWithdrawn:
				r.say(&r.done.Withdrawn, p.Record, by[refund], "", true)
			default:
				r.say(&r.done.Nothing, p.Record, by[refund], "what it brought is taken back already", false)
			}
		}
	}
	for _, s := range r.parkedLines {
		line, ok := r.standsFor(s.Message)
		switch {
		case !ok || r.mentioned[mention{id: s.ID}]:
		case s.State == outbox.StateParked:
			r.say(&r.done.Nothing, s, []string{line}, "it stays parked, for whose place it is cannot be told: "+s.Reason, false)
		case s.State == outbox.StateWithdrawn && r.seats[seatOf(s.Message, line)] == r.ID:
			r.say(&r.done.Withdrawn, s, []string{line}, "", true)
		case s.State != outbox.StateReplaced:
			r.say(&r.done.Nothing, s, []string{line}, "it was "+s.State.String()+" before", false)
		}
	}
	r.sayErased()
	for _, line := range r.LineIDs {
		if !r.mentioned[mention{line: line}] {
			r.done.Nothing = append(r.done.Nothing, TakenBack{LineIDs: []string{line}, Reason: "nothing is stored of this line for the people of the refund"})
		}
	}
	if len(r.LineIDs) == 0 && len(r.mentioned) == 0 {
		r.done.Nothing = append(r.done.Nothing, TakenBack{Reason: "nothing is stored of this order for the people of the refund"})
	}
}

// told takes what was made into the result, once it is stored.
func (r *refunding) told(made []making, inserted []outbox.Inserted) {
	for i, m := range made {
		id, duplicate := inserted[i].ID, inserted[i].Duplicate
		if m.list == nil {
			r.done.Requeued = append(r.done.Requeued, queuedMessage(m.msg, id, duplicate))
			continue
		}
		*m.list = append(*m.list, takenBack(m.msg, id, m.msg.Items, m.msg.Reason, duplicate))
	}
}
