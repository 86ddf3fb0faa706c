package amsbridge

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/amsbridge/amsbridge/outbox"
)

// KindRefundTask is the kind of a task that a refund leaves to a person: what no
// API takes back. An operator marks it done.
const KindRefundTask = outbox.TaskPrefix + "refund"

// restOf is the key part of a push made anew without refunded lines.
const restOf = "rest of"

// refundTaskFacts say what a person is to end by hand.
type refundTaskFacts struct {
	RefundID string `json:"refund_id"`
	// Of are the keys of the pushes, or of the parked line, that brought it.
	Of              []string `json:"of"`
	RemoteProductID string   `json:"remote_product_id,omitempty"`
	ShowKey         int64    `json:"show_key,omitempty"`
	AddOnKeys       []int64  `json:"add_on_keys,omitempty"`
	// Registration is set when the registration itself is to end.
	Registration bool `json:"registration,omitempty"`
}

func decodeRefundTask(rec outbox.Record) (push, error) {
	f, _, err := decode[refundTaskFacts](&rec.Message, KindRefundTask)
	a := AddOns{ShowKey: f.ShowKey} // the keys are to be looked for, and perhaps not there
	return push{Record: rec, product: f.RemoteProductID, addOns: a, of: f.Of, registration: f.Registration}, err
}

// making is a message to be stored, and where the result tells of it; nil for
// what is queued anew.
type making struct {
	msg  outbox.Message
	list *[]TakenBack
}

func (r *refunding) make(m outbox.Message, list *[]TakenBack) {
	for _, line := range m.Items {
		r.mention(m, line)
	}
	r.made = append(r.made, making{m, list})
}

// removal is the message that takes add-ons away once push q was settled. Of
// one refund, person and show they are numbered.
func (r *refunding) removal(q push, a AddOns) (outbox.Message, error) {
	facts, err := json.Marshal(addOnFacts{UserID: q.Person, ShowKey: a.ShowKey, AddOns: a.Lines})
	if err != nil {
		return outbox.Message{}, err
	}
	adding, err := r.opened(q.Message)
	if err != nil {
		return outbox.Message{}, err
	}
	number := 1
	for _, p := range r.like(q) {
		if p.Kind == KindRemoveAddOns && p.Subject == r.OrderID && r.isOf(p.Message) {
			number++
		}
	}
	parts := []string{q.Destination, r.OrderID, q.Person, strconv.FormatInt(a.ShowKey, 10), strconv.Itoa(number), "remove", r.ID}
	m := outbox.Message{
		Destination: q.Destination, Key: keyOf(parts...), KeyParts: parts, Kind: KindRemoveAddOns, Version: payloadVersion,
		Person: q.Person, Subject: r.OrderID, Facts: facts, Profile: adding.Profile, After: q.Key,
	}
	for _, l := range a.Lines {
		m.Items = append(m.Items, l.LineID)
	}
	return m, nil
}

// byHand makes a task about pushes that brought a person the same.
func (r *refunding) byHand(of []push, lines, parts []string, f refundTaskFacts, what string) error {
	f.RefundID = r.ID
	for _, p := range of {
		f.Of = append(f.Of, p.Key)
	}
	if r.there(of[0]) && !of[0].State.Final() {
		what += "; a push that brings it has no answer yet and may still arrive: look again once it is settled"
	}
	m, err := r.task(of[0].Message, parts, lines, f, what)
	if err != nil {
		return err
	}
	r.make(m, &r.done.Tasks)
	q, err := decodeRefundTask(outbox.Record{Message: m})
	r.addAlike(q)
	return err
}

// undo makes a task of what a person did by hand in place of a parked line.
func (r *refunding) undo(s outbox.Record, line string) error {
	m, err := r.task(s.Message, []string{s.Destination, r.OrderID, s.Key, "undo"}, []string{line},
		refundTaskFacts{RefundID: r.ID, Of: []string{s.Key}}, "this line was marked done by hand: undo by hand what was done for it")
	if err != nil {
		return err
	}
	m.Fingerprint = []byte(m.Key)[:16] // another refund of the line is no conflict
	r.mentioned[mention{id: s.ID}] = true
	r.make(m, &r.done.Tasks)
	return nil
}

func (r *refunding) task(of outbox.Message, parts, lines []string, f refundTaskFacts, what string) (outbox.Message, error) {
	facts, err := json.Marshal(f)
	return outbox.Message{
		Destination: of.Destination, Key: keyOf(parts...), KeyParts: parts, Kind: KindRefundTask, Version: payloadVersion,
		Person: of.Person, Subject: r.OrderID, Items: lines, Facts: facts,
		Born: outbox.StateParked, Reason: outbox.CutText("refund "+r.ID+": "+what, outbox.MaxReason),
	}, err
}

// requeue makes a withdrawn push anew for its lines that are not refunded, as
// it was: pending, or parked for the same reason.
func (r *refunding) requeue(p push) error {
	a := p.addOns
	a.Lines = slices.DeleteFunc(slices.Clone(a.Lines), func(l LineAddOns) bool { return r.seats.has(p.Message, l.LineID) })
	if len(a.Lines) == 0 {
		return nil
	}
	facts, err := json.Marshal(addOnFacts{
		UserID: p.Person, ShowKey: a.ShowKey, ShowPackageKey: a.ShowPackageKey, AddOns: a.Lines, Backfill: a.Backfill,
	})
	if err != nil {
		return err
	}
	m, err := r.opened(p.Message)
	if err != nil {
		return err
	}
	m.KeyParts = []string{p.Destination, r.OrderID, p.Person, strconv.FormatInt(a.ShowKey, 10), restOf, p.Key, "refund", r.ID}
	m.Key, m.Facts, m.Fingerprint, m.Items = keyOf(m.KeyParts...), facts, nil, nil
	for _, l := range a.Lines {
		m.Items = append(m.Items, l.LineID)
	}
	if p.State == outbox.StateParked {
		m.Born, m.Reason = outbox.StateParked, p.Reason
	}
	r.made = append(r.made, making{m, nil})
	return nil
}
