package amsbridge

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// KindParkedLine is the kind of a parked line: a line, or one attendee's part of
// it, that no push can be made of. It is a task for a person, never sent, and
// ends when [Hook.Rebuild] replaces it.
const KindParkedLine = outbox.TaskPrefix + "line"

// Unmapped is the destination of parked lines whose product's mapping is unknown,
// before the association's suffix.
const Unmapped = "unmapped"

// parkedLineFacts say which part of the order a parked line stands for.
type parkedLineFacts struct {
	LineID string `json:"line_id"`
	// At is the attendee's position from 0, or -1 for the whole line.
	At int `json:"at"`
	// Rest is set when it stands for all attendees from At on, who were not
	// named.
	Rest bool `json:"rest,omitempty"`
}

// parkedLineKey depends on the association, but not on the platform, which is
// unknown while the mapping is.
func (o Order) parkedLineKey(line, place string) []string {
	return []string{"task" + o.suffix(), o.ID, line, place, "mend"}
}

// parkedLineKeys are the keys of all parked lines that may cover this spot.
func (o Order) parkedLineKeys(s spot) []string {
	return []string{
		keyOf(o.parkedLineKey(s.line, strconv.Itoa(s.at))...),
		keyOf(o.parkedLineKey(s.line, "rest")...),
		keyOf(o.parkedLineKey(s.line, "line")...),
	}
}

// suffix is what the order's association adds to a destination's name.
func (o Order) suffix() string {
	if o.Association == "" {
		return ""
	}
	return "/" + o.Association
}

// owns tells whether a message is of this order and not of another
// association's with the same ID.
func (o Order) owns(m outbox.Message) bool {
	_, association, _ := strings.Cut(m.Destination, "/")
	return m.Subject == o.ID && association == o.Association
}

// addParkedLine parks a spot of a line, or with field "attendees" the rest of it.
func (p *plan) addParkedLine(line Line, product Product, at int, u User, field, problem string, cause error) error {
	destination := Unmapped + p.order.suffix()
	switch {
	case product.OnElevate():
		destination = p.elevate
	case product.OnNotified():
		destination = p.notified
	}
	rest := field == "attendees" && at != wholeLine
	place := strconv.Itoa(at)
	if rest {
		place = "rest"
	} else if at == wholeLine {
		place = "line"
	}
	shown := outbox.CutText(line.ID, 255)
	facts, err := json.Marshal(parkedLineFacts{LineID: shown, At: at, Rest: rest})
	if err != nil {
		return err
	}
	parts := p.order.parkedLineKey(line.ID, place)
	key := keyOf(parts...)
	person := u.ID
	if person.problem() != "" {
		person = p.order.Buyer.ID
	}
	if person.problem() != "" {
		person = ""
	}
	for i := range parts {
		parts[i] = outbox.CutText(parts[i], 255)
	}
	d := &draft{
		spots: []spot{{shown, at}}, cause: cause,
		msg: outbox.Message{
			Destination: destination, Key: key, KeyParts: parts, Kind: KindParkedLine, Version: payloadVersion,
			Person: string(person), Subject: p.order.ID, Items: []string{shown}, Facts: facts,
			// The same line may be defective in another way next time: that is no
			// conflict.
			Fingerprint: []byte(key)[:16],
		},
	}
	if product.ID == "" && check.Text(line.ProductID, 255) == "" {
		problem += " (product " + line.ProductID + ")"
	}
	d.park(field, problem)
	p.drafts = append(p.drafts, d)
	return nil
}

// covers tells whether the parked line covers a spot.
func (f parkedLineFacts) covers(s spot) bool {
	return f.LineID == s.line && (f.At == wholeLine || f.At == s.at || f.Rest && s.at >= f.At)
}

func decodeParkedLine(m outbox.Message) (parkedLineFacts, bool) {
	var f parkedLineFacts
	if m.Kind != KindParkedLine || m.Version > payloadVersion {
		return f, false
	}
	return f, json.Unmarshal(m.Facts, &f) == nil
}

// reconcile drops from the plan what an earlier report stored in another form:
// spots that a parked line covers, whatever became of it, and new parked lines for
// spots that a push covers.
func (p *plan) reconcile(records []outbox.Record) error {
	p.guarded = false
	store := func(r outbox.Record) {
		if !slices.ContainsFunc(p.stored, func(s outbox.Record) bool { return s.ID == r.ID }) {
			p.stored = append(p.stored, r)
		}
	}
	records = slices.DeleteFunc(records, func(r outbox.Record) bool { return !p.order.owns(r.Message) })
	parkedLines := parkedLinesOf(records)
	covering := map[string]bool{} // keys of pushes that cover what cannot be judged now
	var kept []*draft
	for _, d := range p.drafts {
		if d.msg.IsTask() {
			same, push := withKey(records, d.msg.Key), pushFor(records, d)
			switch {
			case same != nil && same.Destination != d.msg.Destination:
				store(*same) // where the product lives is known now, or not any more
			case same == nil && push != nil:
				store(*push)
				covering[push.Key] = true
			default:
				kept = append(kept, d)
			}
			continue
		}
		d.spots = slices.DeleteFunc(d.spots, func(s spot) bool {
			r := parkedLineFor(parkedLines, s, p.order.parkedLineKeys(s))
			if r == nil {
				return false
			}
			store(*r)
			if d.addOns != nil {
				d.addOns.Lines = slices.DeleteFunc(d.addOns.Lines, func(l LineAddOns) bool { return l.LineID == s.line })
			}
			return true
		})
		if len(d.spots) > 0 {
			kept = append(kept, d)
		}
	}
	p.drafts = kept
	if err := p.finish(); err != nil {
		return err
	}
	// Such a push has other facts today only because a part of it is missing.
	p.ready = slices.DeleteFunc(p.ready, func(d *draft) bool { return covering[d.msg.Key] })
	return nil
}

// parkedLine is a stored parked line, read once.
type parkedLine struct {
	facts  parkedLineFacts
	record outbox.Record
}

func parkedLinesOf(records []outbox.Record) (all []parkedLine) {
	for _, r := range records {
		if f, ok := decodeParkedLine(r.Message); ok || r.Kind == KindParkedLine && erased(r.Message) {
			all = append(all, parkedLine{f, r})
		}
	}
	return all
}

func parkedLineFor(all []parkedLine, s spot, keys []string) *outbox.Record {
	for i := range all {
		// Of one whose person was erased the key tells enough.
		if all[i].facts.covers(s) || erased(all[i].record.Message) && slices.Contains(keys, all[i].record.Key) {
			return &all[i].record
		}
	}
	return nil
}

func withKey(records []outbox.Record, key string) *outbox.Record {
	for i := range records {
		if records[i].Key == key {
			return &records[i]
		}
	}
	return nil
}

func pushFor(records []outbox.Record, d *draft) *outbox.Record {
	for i, r := range records {
		if !r.IsTask() && isFor(r.Message, d.msg.Person) && slices.Contains(r.Items, d.spots[0].line) {
			return &records[i]
		}
	}
	return nil
}
