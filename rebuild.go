package amsbridge

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// Rebuild makes the parked messages of an order anew, once the mapping or the
// data was mended: from the order as the shop gives it now and the catalogue as
// it answers now. Each new message's key names the old one, which ends as
// replaced. What still has a defect, or is just as it was parked, stays parked
// and is reported so. Messages that were delivered or are on their way are not
// touched, and doing it again changes nothing. Refunded places are left out (see
// [Hook.OrderRefunded]): a parked message that is for nothing else stays as it is.
//
// It runs in the caller's transaction, like [Hook.OrderCompleted], and returns
// the same errors, and [*outbox.RefusedError] when a parked message was acted
// on meanwhile, or the order refunded: roll back and call it again.
func (h *Hook[Tx]) Rebuild(ctx context.Context, tx Tx, order Order) (*Queued, error) {
	if err := order.check(); err != nil {
		return nil, err
	}
	records, err := h.store.FindTx(ctx, tx, outbox.Query{
		Subject: order.ID, States: []outbox.State{outbox.StateParked}, Limit: maxRecords,
	})
	if err != nil {
		return nil, err
	}
	result := &Queued{}
	if len(records) == 0 {
		return result, nil
	}
	ofRefunds := outbox.Query{Subject: order.ID, Destination: Refunds + order.suffix()}
	refunds, err := h.findAll(ctx, tx, ofRefunds)
	if err != nil {
		return nil, err
	}
	refunded := givenBack{}
	refunded.add(refunds)
	for _, r := range records {
		if !order.owns(r.Message) || strings.HasPrefix(r.Reason, outbox.ReasonWaitsFor) || r.Kind == KindRefundTask {
			continue // another association's; its predecessor is rebuilt; work for a person
		}
		if err := h.rebuildOne(ctx, tx, refunded.without(partOf(order, r.Message)), r, result); err != nil {
			return nil, err
		}
	}
	if len(result.Messages) == 0 {
		return result, nil
	}
	// A refund that held a parked row is committed by now.
	now, err := h.findAll(ctx, tx, ofRefunds)
	if err != nil {
		return nil, err
	}
	if len(now) > len(refunds) {
		return nil, &outbox.RefusedError{ID: now[len(now)-1].ID, Reason: "its order was refunded meanwhile: roll back and rebuild it again"}
	}
	return result, nil
}

// rebuildOne replaces one parked message if all that it stood for is sound: a
// part of the order.
func (h *Hook[Tx]) rebuildOne(ctx context.Context, tx Tx, part Order, r outbox.Record, result *Queued) error {
	p, err := h.plan(ctx, part)
	if err != nil {
		return err
	}
	p.guarded, p.salt = false, r.Key
	sound, whole := p.soundFor(r)
	if len(sound) == 0 || !r.IsTask() && h.sameAs(sound, r) {
		result.addStored(r)
		return nil
	}
	p.ready = sound
	msgs := p.messages()
	if whole {
		for i := range msgs {
			msgs[i].Replaces = r.ID
		}
	}
	inserted, err := h.insert(ctx, tx, msgs)
	if err != nil {
		return err
	}
	made := p.queued(msgs, inserted)
	result.Messages = append(result.Messages, made.Messages...)
	if !whole {
		result.addStored(r)
	}
	return nil
}

// soundFor returns the drafts that may take the place of a parked message, and
// whether nothing of it is left over.
func (p *plan) soundFor(r outbox.Record) (sound []*draft, whole bool) {
	whole = true
	for _, d := range p.ready {
		switch {
		case !r.IsTask() && d.msg.Kind != r.Kind && !d.msg.IsTask():
			// The other platform's push was stored by itself.
		case d.defective():
			whole = false
		default:
			sound = append(sound, d)
		}
	}
	return sound, whole && len(p.leftOut) == 0
}

// sameAs tells whether a rebuilt push would be just what was parked. One whose
// profile does not open is not.
func (h *Hook[Tx]) sameAs(sound []*draft, r outbox.Record) bool {
	if len(sound) != 1 || !bytes.Equal(sound[0].msg.Facts, r.Facts) {
		return false
	}
	if h.cfg.ProfileAtSend {
		return len(r.Profile) == 0
	}
	was, err := h.cfg.Seal.Open(r.Message)
	return err == nil && bytes.Equal(sound[0].msg.Profile, was.Profile)
}

// partOf returns the part of an order that a parked message stood for.
func partOf(order Order, m outbox.Message) Order {
	part := Order{ID: order.ID, Association: order.Association, Buyer: order.Buyer, Backfill: order.Backfill}
	f, parkedLine := decodeParkedLine(m)
	for _, line := range order.Lines {
		if line.Quantity == 1 && len(line.Attendees) == 0 {
			line.Attendees = []User{order.Buyer}
		}
		if parkedLine {
			if f.LineID != outbox.CutText(line.ID, 255) {
				continue
			}
			line = f.partOf(line)
		} else {
			if !slices.Contains(m.Items, line.ID) {
				continue
			}
			line.Attendees = slices.DeleteFunc(slices.Clone(line.Attendees), func(u User) bool { return string(u.ID) != m.Person })
			line.Attendees = line.Attendees[:min(1, len(line.Attendees))]
			line.Quantity = len(line.Attendees)
		}
		if line.Quantity > 0 || f.At == wholeLine {
			part.Lines = append(part.Lines, line)
		}
	}
	return part
}

// partOf returns the part of its line that a parked line stood for.
func (f parkedLineFacts) partOf(line Line) Line {
	switch {
	case f.At == wholeLine:
	case f.Rest:
		line.Attendees = line.Attendees[min(f.At, len(line.Attendees)):]
		line.Quantity -= f.At
	case f.At < len(line.Attendees):
		line.Attendees = line.Attendees[f.At : f.At+1]
		line.Quantity = 1
	default:
		line.Quantity = 0
	}
	return line
}
