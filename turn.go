package amsbridge

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// Whether a message was sent.
const (
	never = iota
	perhaps
	surely
)

// evidence is what a message tells of what the platform has.
type evidence struct {
	sent int
	// seq orders the attempts of a person's messages that the platform may have seen.
	seq int64
	// taken and given are what a take did, once that is known.
	taken, given *Item
}

// row is another message about the same product or show, as it stands at the turn.
type row struct {
	outbox.Record
	grantFacts
	grant string // see grantOf
	evidence
	open bool // it may still be sent
	// gives is set on the sequel of a take: it does not take, but gives again.
	gives bool
	// fresh is what this sender's attempt came to of which the database does not tell yet.
	fresh *sending
}

// turn is a message's turn: nobody else sends anything of its ordering key meanwhile.
type turn struct {
	m     outbox.Message
	g     Grant
	f     grantFacts
	grant string
	rows  []row // without m
	// unread is a message that this program cannot read.
	unread outbox.ID
	words  map[string]word
	next   int64
	n      int       // see destination.turns
	was    standing  // of m
	saw    outbox.ID // the greatest ID that was read
}

// word is the last word on a grant: it is given, or taken back.
type word struct {
	turn  int
	taken bool
	item  Item
	where string // for people to read
}

// turn reads the person's messages about the product or show, unless there are none.
func (d *destination) turn(ctx context.Context, m outbox.Message, g Grant) (*turn, error) {
	t := &turn{m: m, g: g, words: map[string]word{}}
	t.grant, t.f, _ = grantOf(m)
	sent, n := d.unacknowledged(m) // before the query, so that nothing is missed between them
	t.n = n
	if m.Alone {
		alone := outbox.Record{Message: m}
		alone.Attempt = 0
		t.add(alone, nil)
		t.next++
		return t, nil
	}
	q := outbox.Query{
		Destination: m.Destination, Person: m.Person, Association: m.Association(), Scope: m.Scope, Limit: pageSize,
	}
	var records []outbox.Record
	for {
		page, err := d.store.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("amsbridge: what else the person has could not be read: %w", outbox.ErrNotBegun)
		}
		records = append(records, page...)
		if len(page) < q.Limit {
			break
		}
		q.AfterID = page[len(page)-1].ID
	}
	fresh, ended := news(records, sent)
	for _, r := range records {
		if r.Version > payloadVersion {
			return nil, fmt.Errorf("amsbridge: message %d of the same person: %w", r.ID, outbox.ErrNewerVersion)
		}
		if end, ok := ended[r.ID]; ok && !r.State.Final() && r.ID != m.ID {
			r.State = end
		}
		t.next = max(t.next, r.Seq)
		t.add(r, fresh)
	}
	for i := range t.rows {
		r := &t.rows[i]
		if r.seq < math.MaxInt64 {
			t.next = max(t.next, r.seq)
		}
		if r.Kind == KindEnded {
			r.gives = t.givesAgain(r.Message)
			if r.gives && r.State == outbox.StateMarkedDone {
				r.seq = math.MaxInt64
			}
		}
	}
	t.next++
	return t, nil
}

// news are the attempts of which the records do not tell yet, and the messages that end with them. Where a
// record is not as it was when the attempt began, it tells of the attempt, or its session ended: then nobody
// knows when the attempt took effect, and the record says so.
func news(records []outbox.Record, sent map[outbox.ID]*sending) (map[outbox.ID]*sending, map[outbox.ID]outbox.State) {
	fresh, ended := map[outbox.ID]*sending{}, map[outbox.ID]outbox.State{}
	for i := range records {
		s := sent[records[i].ID]
		if s == nil || s.was != standingOf(&records[i]) {
			continue
		}
		fresh[records[i].ID] = s
		for _, e := range s.ends {
			ended[e.ID] = e.State
		}
	}
	return fresh, ended
}

// givesAgain tells whether a sequel is to give again, or says that somebody gave by hand: what was ended
// was to take. Its origin may be a sequel too, and came before it.
func (t *turn) givesAgain(sequel outbox.Message) bool {
	origin, known := t.origin(sequel)
	return known && origin.Kind != KindGive
}

// origin is the message that an operator ended, of its sequel. It is not known where it was forgotten.
func (t *turn) origin(of outbox.Message) (row, bool) {
	for _, r := range t.rows {
		if len(of.KeyParts) > 1 && r.Key == of.KeyParts[1] {
			return r, true
		}
	}
	return row{}, false
}

// add reads a message, laid over by what this sender sent and had not acknowledged.
func (t *turn) add(rec outbox.Record, sent map[outbox.ID]*sending) {
	t.saw = max(t.saw, rec.ID)
	grant, f, ok := grantOf(rec.Message)
	if !ok {
		if rec.ID != t.m.ID {
			t.unread = rec.ID
		}
		return
	}
	r := row{Record: rec, grantFacts: f, grant: grant, open: !rec.State.Final()}
	r.seq = rec.Seq
	switch rec.State {
	case outbox.StateDelivered, outbox.StateAlreadyDone:
		r.sent = surely
	case outbox.StateMarkedDone: // at a time that nobody knows
		r.sent = surely
		if rec.Kind == KindGive {
			r.seq = math.MaxInt64
		}
	default:
		if rec.Doubt != 0 {
			r.sent = perhaps
		}
		// An attempt whose sender died has no place in their order, unless its message ended at its own turn.
		atItsTurn := rec.State == outbox.StateWithdrawn || rec.State == outbox.StateReplaced
		if r.sent == perhaps && (rec.Seq == 0 || rec.Doubt&outbox.DoubtLost != 0 && !atItsTurn) {
			r.seq = math.MaxInt64
		}
	}
	receipt := DecodeReceipt(rec.Receipt)
	r.taken, r.given = receipt.Taken, receipt.Given
	if s := sent[rec.ID]; s != nil {
		seq := max(r.seq, s.seq)
		if s.final && s.seq > 0 { // an earlier attempt that was lost has its place with this one
			seq = max(rec.Seq, s.seq)
		}
		r.evidence, r.open, r.fresh = s.evidence, !s.final, s
		r.seq = seq
		if s.parked {
			r.State = outbox.StateParked
		}
	}
	t.say(r)
	if rec.ID == t.m.ID {
		t.was = standingOf(&rec)
		return
	}
	t.rows = append(t.rows, r)
}

// say notes what a message says of its grant, if that is the last word.
func (t *turn) say(r row) {
	w := word{turn: r.Turn, item: r.Item, where: "order " + r.Subject + ", line " + r.Items[0]}
	switch r.Kind {
	case KindGive:
		w.taken = r.State == outbox.StateDiscarded
	case KindTake:
		w.taken = true
	default:
		return
	}
	if r.Left {
		return
	}
	last, ok := t.words[r.grant]
	if !ok || w.turn > last.turn || w.turn == last.turn && w.taken {
		t.words[r.grant] = w
	}
}

// owed says where a unit is owed to the person; empty where it is not.
func (t *turn) owed(u unit) string {
	where := ""
	for _, w := range t.words {
		if !w.taken && slices.Contains(w.item.units(), u) && (where == "" || w.where < where) {
			where = w.where
		}
	}
	return where
}

// covers tells whether a part of an item has a unit.
func covers(item *Item, u unit) bool { return item != nil && slices.Contains(item.units(), u) }

// took tells whether a message surely took a unit away, and whether it may have.
func (r *row) took(u unit) (sure, may bool) {
	switch {
	case r.Kind == KindGive || r.gives || !slices.Contains(r.Item.units(), u):
		return false, false
	case r.State == outbox.StateMarkedDone: // of several units, nobody knows which were there to be taken
		return len(r.Item.units()) == 1, true
	case r.sent == perhaps, r.open && r.State == outbox.StateParked: // somebody may be at it by hand
		return false, true
	}
	sure = r.sent == surely && covers(r.taken, u)
	return sure, sure
}

// gave tells whether a message may have given a unit.
func (r *row) gave(u unit) bool {
	switch {
	case r.sent == never:
		return false
	case r.Kind == KindGive, r.gives, r.sent == perhaps:
		return slices.Contains(r.Item.units(), u)
	}
	return covers(r.given, u)
}

// mayHave tells whether the platform may have a unit for the person.
func (t *turn) mayHave(u unit) bool {
	var gone int64
	for i := range t.rows {
		if sure, _ := t.rows[i].took(u); sure {
			gone = max(gone, t.rows[i].seq)
		}
	}
	return slices.ContainsFunc(t.rows, func(r row) bool { return r.gave(u) && r.seq > gone })
}

// had tells whether an earlier call for a unit may have arrived, ever.
func (t *turn) had(item Item) bool {
	return slices.ContainsFunc(item.units(), func(u unit) bool {
		return slices.ContainsFunc(t.rows, func(r row) bool { return r.gave(u) })
	})
}

// mine returns an earlier give of the same grant after which nothing can have taken its units.
func (t *turn) mine() *row {
	for i := range t.rows {
		g := &t.rows[i]
		if g.grant != t.grant || g.Kind != KindGive || g.sent != surely || g.Turn >= t.f.Turn {
			continue
		}
		lost := slices.ContainsFunc(t.f.Item.units(), func(u unit) bool {
			return slices.ContainsFunc(t.rows, func(r row) bool {
				_, may := r.took(u)
				// Of what somebody did by hand nobody knows when.
				byHand := r.State == outbox.StateMarkedDone || g.State == outbox.StateMarkedDone
				return may && (r.seq > g.seq || r.open || byHand)
			})
		})
		if !lost {
			return g
		}
	}
	return nil
}

// asked returns an open task of somebody who is to take a unit by hand.
func (t *turn) asked(u unit) outbox.ID {
	for _, r := range t.rows {
		if r.Kind != KindGive && !r.gives && r.open && r.State == outbox.StateParked && slices.Contains(r.Item.units(), u) {
			return r.ID
		}
	}
	return 0
}
