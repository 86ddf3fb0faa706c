package amsbridge

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/amsbridge/amsbridge/outbox"
)

// KindAddOns is the message kind of [AddOns].
const KindAddOns = "add-ons"

// MaxAddOnList is the longest AddOnsChangeList, in bytes (the vendor's text of opcode M: Varchar 8000).
// A longer list is split into several pushes.
const MaxAddOnList = 8000

// KindRemoveAddOns is the kind of a message that takes add-ons away after a refund.
const KindRemoveAddOns = "add-ons/remove"

// AddOns is one push to Notified: the add-on items that all lines of an order bring to one person in
// one show. A push of kind [KindRemoveAddOns] takes such items away.
type AddOns struct {
	OrderID string
	ShowKey int64
	// ShowPackageKey is the package to register the person for first, or zero for none; see [Product].
	// It is zero in a removal.
	ShowPackageKey int64
	// Lines are the add-on keys by order line.
	Lines []LineAddOns
	// User is the attendee. Notified is sent only the ID, unless the client looks people up by e-mail.
	User User
	// Backfill is the order's Backfill, as in [Registration].
	Backfill bool
}

// LineAddOns are the add-on keys which one line brings.
type LineAddOns struct {
	LineID string  `json:"line_id"`
	Keys   []int64 `json:"keys"`
}

// Keys returns all add-on keys, each once, in numeric order.
func (a AddOns) Keys() []int64 {
	var keys []int64
	for _, l := range a.Lines {
		keys = append(keys, l.Keys...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

type addOnFacts struct {
	UserID         string       `json:"user_id"`
	ShowKey        int64        `json:"show_key"`
	ShowPackageKey int64        `json:"show_package_key,omitempty"`
	AddOns         []LineAddOns `json:"add_ons"`
	Backfill       bool         `json:"backfill,omitempty"`
}

// split cuts the push into parts whose key lists are at most limit bytes long. Keys go in numeric
// order, so the same lines always give the same parts. A line without add-on keys, which only
// registers, goes into the first part.
func (a AddOns) split(limit int) []AddOns {
	parts := []AddOns{}
	size, from := 0, 0
	keys := a.Keys()
	cut := func(to int) {
		part := AddOns{OrderID: a.OrderID, ShowKey: a.ShowKey, ShowPackageKey: a.ShowPackageKey, User: a.User, Backfill: a.Backfill}
		for _, l := range a.Lines {
			in := slices.DeleteFunc(slices.Clone(l.Keys), func(k int64) bool { return k < keys[from] || k > keys[to-1] })
			if len(in) > 0 || len(l.Keys) == 0 && from == 0 {
				slices.Sort(in)
				part.Lines = append(part.Lines, LineAddOns{l.LineID, slices.Compact(in)})
			}
		}
		parts = append(parts, part)
		size, from = 0, to
	}
	for i, k := range keys {
		n := len(strconv.FormatInt(k, 10)) + 1
		if size > 0 && size+n-1 > limit {
			cut(i)
		}
		size += n
	}
	cut(len(keys))
	return parts
}

func (a AddOns) message(destination string, part int) (outbox.Message, error) {
	f := addOnFacts{UserID: string(a.User.ID), ShowKey: a.ShowKey, ShowPackageKey: a.ShowPackageKey, AddOns: a.Lines}
	facts, err := json.Marshal(f)
	if err != nil {
		return outbox.Message{}, err
	}
	prof, err := profileOf(a.User)
	if err != nil {
		return outbox.Message{}, err
	}
	parts := []string{destination, a.OrderID, string(a.User.ID), strconv.FormatInt(a.ShowKey, 10), strconv.Itoa(part), "add"}
	if a.ShowPackageKey != 0 {
		parts = append(parts, "register first", strconv.FormatInt(a.ShowPackageKey, 10))
	}
	m := outbox.Message{
		Destination: destination, Key: keyOf(parts...), KeyParts: parts, Kind: KindAddOns, Version: payloadVersion,
		Person: string(a.User.ID), Subject: a.OrderID, Facts: facts, Profile: prof,
	}
	for _, l := range a.Lines {
		m.Items = append(m.Items, l.LineID)
	}
	if a.Backfill {
		f.Backfill = true
		return backfilled(m, f)
	}
	return m, nil
}

// DecodeAddOns reads a message of kind [KindAddOns], as a destination does. It
// returns [outbox.ErrNewerVersion] for a payload that a newer program wrote,
// and an [*InputError] for one that it cannot read.
func DecodeAddOns(m outbox.Message) (AddOns, error) { return decodeAddOns(&m, KindAddOns) }

// DecodeRemoveAddOns reads a message of kind [KindRemoveAddOns], with the same
// errors as [DecodeAddOns].
func DecodeRemoveAddOns(m outbox.Message) (AddOns, error) {
	return decodeAddOns(&m, KindRemoveAddOns)
}

func decodeAddOns(m *outbox.Message, kind string) (AddOns, error) {
	f, p, err := decode[addOnFacts](m, kind)
	if err != nil {
		return AddOns{}, err
	}
	return AddOns{OrderID: m.Subject, ShowKey: f.ShowKey, ShowPackageKey: f.ShowPackageKey, Lines: f.AddOns, User: p.user(f.UserID), Backfill: f.Backfill || p.Backfill}, nil
}
