package amsbridge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/amsbridge/amsbridge/outbox"
)

// play does what the message's turn comes to.
func (t *turn) play(ctx context.Context, p Platform) (outbox.Result, error) {
	switch t.m.Kind {
	case KindGive:
		return t.give(ctx, p)
	case KindTake:
		return t.take(ctx, p)
	}
	origin, known := t.origin(t.m)
	switch {
	case known && origin.gives && origin.State == outbox.StateMarkedDone:
		return ended(outbox.StateWithdrawn, "the item was given again by hand")
	case known && origin.gives:
		return ended(outbox.StateWithdrawn, "nobody wants it given again")
	case known && origin.Kind != KindGive:
		return t.afterTake(ctx, p, origin)
	case known && origin.State == outbox.StateMarkedDone && !t.words[t.grant].taken:
		return ended(outbox.StateWithdrawn, "the item was given by hand")
	}
	return t.take(ctx, p)
}

func ended(state outbox.State, why string) (outbox.Result, error) {
	return outbox.Result{Ended: state, Detail: why}, nil
}

// give sends the message unless its seat was given back, or given anew, meanwhile.
func (t *turn) give(ctx context.Context, p Platform) (outbox.Result, error) {
	switch w := t.words[t.grant]; {
	case w.turn > t.f.Turn:
		return t.unsent(outbox.StateReplaced, "the item was given anew")
	case w.turn == t.f.Turn && w.taken:
		return t.unsent(outbox.StateWithdrawn, "the seat was given back")
	}
	ends := t.endsOfGive()
	if mine := t.mine(); mine != nil && t.m.Doubt == 0 {
		return outbox.Result{
			Ended: outbox.StateAlreadyDone, Detail: "the seat has the item already", Receipt: mine.Receipt, Seq: mine.Seq, Ends: ends,
		}, nil
	}
	t.g.Had = t.had(t.f.Item)
	res, err := p.Give(ctx, t.g)
	res.Seq, res.Ends = t.next, ends
	if err == nil {
		res.Ends = append(res.Ends, t.givenAgain()...)
	}
	return res, err
}

// givenAgain are tasks to give by hand what this message gave.
func (t *turn) givenAgain() (ends []outbox.End) {
	for _, r := range t.rows {
		left := slices.ContainsFunc(r.Item.units(), func(u unit) bool { return !covers(&t.f.Item, u) })
		if r.gives && r.open && r.State == outbox.StateParked && !left {
			ends = append(ends, outbox.End{ID: r.ID, State: outbox.StateWithdrawn, Reason: "it was given again by message " + strconv.FormatInt(int64(t.m.ID), 10)})
		}
	}
	return ends
}

// unsent ends the message. An earlier attempt that may have arrived keeps its place in the order of
// attempts, or takes the last one where it was lost.
func (t *turn) unsent(state outbox.State, why string) (outbox.Result, error) {
	res, err := ended(state, why)
	if t.m.Doubt&outbox.DoubtLost != 0 {
		res.Seq = t.next
	}
	return res, err
}

// endsOfGive are messages that a give makes needless: earlier turns of it that wait, and tasks to take
// by hand what is owed again.
func (t *turn) endsOfGive() (ends []outbox.End) {
	for _, r := range t.rows {
		switch {
		case !r.open:
		case r.Kind == KindGive && r.grant == t.grant && r.Turn < t.f.Turn:
			ends = append(ends, outbox.End{ID: r.ID, State: outbox.StateReplaced, Reason: "the item was given anew"})
		case r.Kind != KindGive && !r.gives && r.State == outbox.StateParked:
			where := ""
			needless := !slices.ContainsFunc(r.Item.units(), func(u unit) bool {
				w := t.owed(u)
				where = cmp.Or(w, where)
				return w == "" && t.mayHave(u)
			})
			if needless && where != "" {
				ends = append(ends, outbox.End{ID: r.ID, State: outbox.StateWithdrawn, Reason: "bought again: " + where})
			}
		}
	}
	return ends
}

// take takes what nothing else brings and may be there, and gives again what an earlier attempt of this
// take may have taken and is owed by now.
func (t *turn) take(ctx context.Context, p Platform) (outbox.Result, error) {
	if t.unread != 0 {
		return outbox.Result{Seq: t.next}, &outbox.DeliveryError{
			Outcome: outbox.OutcomeRejected, Reason: fmt.Sprintf("message %d of the same person cannot be read, and may bring the same", t.unread),
		}
	}
	kept, asked := "", outbox.ID(0)
	gone := t.f.Item.of(func(u unit) bool {
		where := t.owed(u)
		kept = cmp.Or(kept, where)
		if where != "" || !t.mayHave(u) {
			return false
		}
		task := t.asked(u)
		asked = cmp.Or(asked, task)
		return task == 0
	})
	var again Item
	if t.m.Doubt != 0 {
		again = t.f.Item.of(func(u unit) bool { return u.addOn != 0 && t.owed(u) != "" && t.mayHave(u) })
	}
	ends := t.endsOfTake()
	if gone.empty() && again.empty() {
		res, _ := t.unsent(outbox.StateWithdrawn, "nothing of it is at the platform")
		switch {
		case kept != "":
			res.Detail = "kept: " + kept + " brings it"
		case asked != 0:
			res.Detail = fmt.Sprintf("message %d asks for it already", asked)
		default:
			res.Releases = t.releases(ends)
		}
		res.Ends = ends
		return res, nil
	}
	res, err := t.takeAndGive(ctx, p, gone, again)
	if err == nil && kept == "" && asked == 0 && len(res.Then) == 0 {
		res.Releases = t.releases(ends)
	}
	if err == nil && kept != "" {
		res.Detail = outbox.CutText("kept: "+kept+" brings a part of it\n"+res.Detail, 4096)
	}
	res.Seq, res.Ends = t.next, ends
	return res, err
}

func (t *turn) takeAndGive(ctx context.Context, p Platform, gone, again Item) (res outbox.Result, err error) {
	receipt := Receipt{}
	if !again.empty() { // first, since a take may wait for a person
		t.g.Item, t.g.Had = again, true
		if res, err = p.Give(ctx, t.g); err != nil {
			return outbox.Result{}, err
		}
		receipt.Given = &again
	}
	if !gone.empty() {
		t.g.Item = gone
		res, err = p.Take(ctx, t.g)
		byHand, isByHand := errors.AsType[*ByHandError](err)
		switch {
		case isByHand && !byHand.Partly && gone.id() != t.f.Item.id():
			// The task is for exactly what is to be taken, so that marking it done says what was.
			res = outbox.Result{Ended: outbox.StateWithdrawn, Detail: "left to be taken by hand: " + gone.String()}
			if receipt.Given != nil {
				res = outbox.Result{Detail: res.Detail, Receipt: receipt.Encode()}
			}
			res.Then = []outbox.Message{t.leftByHand(gone)}
			return res, nil
		case isByHand && !byHand.Partly:
			err := &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Code: "by hand", Reason: byHand.Task, Err: err}
			return res, partly(err, receipt.Given != nil)
		case isByHand:
			left := gone.of(func(u unit) bool { return u.addOn == 0 })
			gone = gone.of(func(u unit) bool { return u.addOn != 0 })
			res.Then = []outbox.Message{t.leftByHand(left)}
		case err != nil:
			return res, t.partOf(partly(err, receipt.Given != nil), gone)
		}
		receipt.Taken = &gone
	}
	res.Receipt = receipt.Encode()
	return res, nil
}

// partOf says in an error which part of the item is to be taken, for whoever does it by hand.
func (t *turn) partOf(err error, gone Item) error {
	e, ok := errors.AsType[*outbox.DeliveryError](err)
	if !ok || gone.id() == t.f.Item.id() {
		return err
	}
	said := *e
	said.Reason = "of it, " + gone.String() + " is to be taken: " + e.Reason
	return &said
}

// owedBeforeItsTurn tells whether a grant brings a unit whose give is not on its way: one that is will
// bring it by itself.
func (t *turn) owedBeforeItsTurn(u unit) bool {
	for grant, w := range t.words {
		if w.taken || !slices.Contains(w.item.units(), u) {
			continue
		}
		onItsWay := slices.ContainsFunc(t.rows, func(r row) bool {
			return r.grant == grant && r.Kind == KindGive && r.Turn == w.turn && r.open && r.State == outbox.StatePending
		})
		if !onItsWay {
			return true
		}
	}
	return false
}

// givenSince tells whether a unit was surely given since an operator marked a take done: by an attempt at
// whose turn the message that this inserted was there, or a later one. Of recorded ones nobody knows when
// they began.
func (t *turn) givenSince(u unit) bool {
	return slices.ContainsFunc(t.rows, func(r row) bool {
		return r.Kind == KindGive && r.sent == surely && r.gave(u) && r.fresh != nil && r.fresh.saw >= t.m.ID
	})
}

// partly marks an error of a second call where the first took effect.
func partly(err error, effect bool) error {
	if e, ok := errors.AsType[*outbox.DeliveryError](err); ok && effect {
		marked := *e
		marked.Partly = true
		return &marked
	}
	return err
}

// leftByHand is the task of what a take could not take.
func (t *turn) leftByHand(left Item) outbox.Message {
	s := seat{t.g.Association, t.g.OrderID, t.g.LineID, t.m.Person}
	m := grantMessage(t.m.Destination, s, left, t.f.Turn, KindTake, false)
	m.KeyParts = append(m.KeyParts, "left of", t.m.Key)
	m.Key, m.TraceContext = keyOf(m.KeyParts...), t.m.TraceContext
	m.Facts, _ = json.Marshal(grantFacts{UserID: s.person, Item: left, Turn: t.f.Turn, Left: true}) // it always encodes
	return m
}

// endsOfTake are gives of the same grant that wait, since their seat was given back, and tasks to give
// again by hand what nobody is owed any more.
func (t *turn) endsOfTake() (ends []outbox.End) {
	for _, r := range t.rows {
		switch {
		case !r.open:
		case r.Kind == KindGive && r.grant == t.grant && r.Turn <= t.f.Turn && !t.f.Left:
			ends = append(ends, outbox.End{ID: r.ID, State: outbox.StateWithdrawn, Reason: "the seat was given back"})
		case r.gives && r.State == outbox.StateParked &&
			!slices.ContainsFunc(r.Item.units(), func(u unit) bool { return t.owed(u) != "" }):
			ends = append(ends, outbox.End{ID: r.ID, State: outbox.StateWithdrawn, Reason: "it was given back"})
		}
	}
	return ends
}

// releases are all messages about units that hang together with those of this one, by items that share
// them, once nothing of it is owed and nothing waits: they may be forgotten together, and not one by one,
// since each is evidence of what the platform has.
func (t *turn) releases(ends []outbox.End) []outbox.ID {
	units := t.f.Item.units()
	together := map[outbox.ID]bool{}
	for grown := true; grown; {
		grown = false
		for _, r := range t.rows {
			if together[r.ID] || !slices.ContainsFunc(r.Item.units(), func(u unit) bool { return slices.Contains(units, u) }) {
				continue
			}
			together[r.ID], grown = true, true
			units = append(units, r.Item.units()...)
		}
	}
	if slices.ContainsFunc(units, func(u unit) bool { return t.owed(u) != "" }) {
		return nil
	}
	ids := []outbox.ID{t.m.ID}
	for _, r := range t.rows {
		switch {
		case !together[r.ID]:
		case r.fresh != nil: // what it left to others is not in the database yet
			return nil
		case r.open && !slices.ContainsFunc(ends, func(e outbox.End) bool { return e.ID == r.ID }):
			return nil
		default:
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// afterTake gives again what somebody took by hand although it is owed.
func (t *turn) afterTake(ctx context.Context, p Platform, origin row) (outbox.Result, error) {
	again := t.f.Item.of(func(u unit) bool { return t.owedBeforeItsTurn(u) && !t.givenSince(u) })
	if again.empty() || origin.State != outbox.StateMarkedDone && origin.Doubt == 0 {
		res, err := ended(outbox.StateWithdrawn, "nothing of it is to be given again")
		if again.empty() {
			res.Releases = t.releases(nil)
		}
		return res, err
	}
	if again.RemoteProductID != "" && t.g.User.Email == "" {
		where := t.owed(again.units()[0])
		return outbox.Result{Seq: t.next}, &outbox.DeliveryError{
			Outcome: outbox.OutcomeRejected, Code: "by hand",
			Reason: "it was cancelled by hand, and " + where + " pays for it: give " + again.String() + " again by hand",
		}
	}
	t.g.Item, t.g.Had = again, true
	res, err := p.Give(ctx, t.g)
	if err == nil {
		r := DecodeReceipt(res.Receipt)
		r.Given = &again
		res.Receipt = r.Encode()
	}
	res.Seq = t.next
	return res, err
}
