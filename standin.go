package amsbridge

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/amsbridge/amsbridge/outbox"
)

// KindParkedLine is the kind of a stand-in: a line, or one attendee's part of
// it, that no push can be made of. It is a task for a person, never sent, and
// ends when [Hook.Rebuild] replaces it.
const KindParkedLine = outbox.TaskPrefix + "line"

// Unmapped is the destination of stand-ins whose product's mapping is unknown.
const Unmapped = "unmapped"

// standInFacts say which part of the order a stand-in stands for.
type standInFacts struct {
	LineID string `json:"line_id"`
	// At is the attendee's position from 0, or -1 for the whole line.
	At int `json:"at"`
	// Rest is set when it stands for all attendees from At on, who were not
	// named.
	Rest bool `json:"rest,omitempty"`
}

// standInKey does not depend on the destination, which is unknown while the
// mapping is.
func standInKey(order, line, place string) []string {
	return []string{"task", order, line, place, "mend"}
}

// standInKeys are the keys of all stand-ins that may cover this spot.
func (s spot) standInKeys(order string) []string {
	return []string{
		keyOf(standInKey(order, s.line, strconv.Itoa(s.at))...),
		keyOf(standInKey(order, s.line, "rest")...),
		keyOf(standInKey(order, s.line, "line")...),
	}
}

// addStandIn parks a spot of a line, or with field "attendees" the rest of it.
func (p *plan) addStandIn(line Line, product Product, at int, u User, field, problem string, cause error) error {
	destination := Unmapped
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
	facts, err := json.Marshal(standInFacts{LineID: shown, At: at, Rest: rest})
	if err != nil {
		return err
	}
	parts := standInKey(p.order.ID, line.ID, place)
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
	if product.ID == "" && textProblem(line.ProductID, 255) == "" {
		problem += " (product " + line.ProductID + ")"
	}
	d.park(field, problem)
	p.drafts = append(p.drafts, d)
	return nil
}

// covers tells whether the stand-in covers a spot.
func (f standInFacts) covers(s spot) bool {
	return f.LineID == s.line && (f.At == wholeLine || f.At == s.at || f.Rest && s.at >= f.At)
}

func decodeStandIn(m outbox.Message) (standInFacts, bool) {
	var f standInFacts
	if m.Kind != KindParkedLine || m.Version > payloadVersion {
		return f, false
	}
	return f, json.Unmarshal(m.Facts, &f) == nil
}

// reconcile drops from the plan what an earlier report stored in another form:
// spots that a stand-in covers, whatever became of it, and new stand-ins for
// spots that a push covers.
func (p *plan) reconcile(records []outbox.Record) error {
	p.guarded = false
	store := func(r outbox.Record) {
		if !slices.ContainsFunc(p.stored, func(s outbox.Record) bool { return s.ID == r.ID }) {
			p.stored = append(p.stored, r)
		}
	}
	var kept []*draft
	for _, d := range p.drafts {
		if d.msg.IsTask() {
			if r := pushFor(records, d); r != nil && !hasKey(records, d.msg.Key) {
				store(*r)
			} else {
				kept = append(kept, d)
			}
			continue
		}
		d.spots = slices.DeleteFunc(d.spots, func(s spot) bool {
			r := standInFor(records, s)
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
	return p.finish()
}

func standInFor(records []outbox.Record, s spot) *outbox.Record {
	for i := range records {
		if f, ok := decodeStandIn(records[i].Message); ok && f.covers(s) {
			return &records[i]
		}
	}
	return nil
}

func hasKey(records []outbox.Record, key string) bool {
	return slices.ContainsFunc(records, func(r outbox.Record) bool { return r.Key == key })
}

func pushFor(records []outbox.Record, d *draft) *outbox.Record {
	for i, r := range records {
		if !r.IsTask() && r.Person == d.msg.Person && slices.Contains(r.Items, d.spots[0].line) {
			return &records[i]
		}
	}
	return nil
}
