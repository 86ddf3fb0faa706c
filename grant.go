package amsbridge

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// The kinds of messages about grants.
const (
	// KindGive: the item is to be given to the person.
	KindGive = "give"
	// KindTake: the item is to be taken back, as far as nothing else brings it.
	KindTake = "take"
	// KindEnded: an operator ended a message of a grant. What a discarded give brought is to be taken
	// back, and what somebody took by hand may have to be given again.
	KindEnded = "ended"
)

// payloadVersion is the version that this program writes, and the newest that it reads.
const payloadVersion = 1

// grantFacts are the facts of a message about a grant.
type grantFacts struct {
	UserID   string `json:"user_id"`
	Item     Item   `json:"item"`
	Turn     int    `json:"turn"`
	Backfill bool   `json:"backfill,omitempty"`
	// Left is set on a take of what another take could not: it says nothing of a grant.
	Left bool `json:"left,omitempty"`
}

// seat is one person's place on a line of an order, which they hold once.
type seat struct{ association, order, line, person string }

// hash stands for the seat where no user ID may be kept.
func (s seat) hash() string {
	sum := hashOf(s.association, s.order, s.line, s.person)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// grantKey names the message of one turn of a grant. It needs the seat's hash alone.
func grantKey(destination, seatHash string, item Item, turn int, verb string) string {
	return keyOf(destination, seatHash, item.id(), strconv.Itoa(turn), verb)
}

// grantMessage makes a message about a grant.
func grantMessage(destination string, s seat, item Item, turn int, verb string, backfill bool) outbox.Message {
	facts, _ := json.Marshal(grantFacts{UserID: s.person, Item: item, Turn: turn, Backfill: backfill}) // it always encodes
	return outbox.Message{
		Destination: destination, Key: grantKey(destination, s.hash(), item, turn, verb),
		KeyParts: []string{destination, s.order, s.line, s.person, item.String(), strconv.Itoa(turn), verb},
		Kind:     verb, Version: payloadVersion, Person: s.person, Subject: s.order, Items: []string{s.line},
		Facts: facts, Scope: item.scope(), Sequel: KindEnded,
	}
}

// profile is the part of a payload that is deleted on delivery.
type profile struct {
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Email     string `json:"email,omitempty"`
}

// user returns the person that the ID and the profile describe.
func (p profile) user(id string) User {
	return User{ID: UserID(id), FirstName: p.FirstName, LastName: p.LastName, Email: p.Email}
}

// profileOf encodes a profile. Names are cut, and an address that is too long to be one is left out.
func profileOf(u User) []byte {
	u.FirstName, u.LastName = outbox.CutText(u.FirstName, 255), outbox.CutText(u.LastName, 255)
	if len(u.Email) > 255 {
		u.Email = ""
	}
	b, _ := json.Marshal(profile{FirstName: u.FirstName, LastName: u.LastName, Email: u.Email}) // it always encodes
	return b
}

// profileHash tells whether a person's profile changed. It is too short for anybody to find the profile
// by trying.
func profileHash(seatHash string, u User) string {
	sum := hashOf(seatHash, u.FirstName, u.LastName, u.Email)
	return base64.RawURLEncoding.EncodeToString(sum[:3])
}

// DecodeGrant reads a message of kind [KindGive], [KindTake] or [KindEnded]. It
// returns [outbox.ErrNewerVersion] for a payload that a newer program wrote, and an [*InputError] for one
// that it cannot read, such as that of an erased person.
func DecodeGrant(m outbox.Message) (Grant, error) {
	f, p, err := decodeGrant(m)
	if err != nil {
		return Grant{}, err
	}
	return Grant{
		Key: m.Key, OrderID: m.Subject, LineID: m.Items[0], Association: m.Association(), User: p.user(f.UserID),
		Item: f.Item, Backfill: f.Backfill, Doubt: m.Doubt,
	}, nil
}

func decodeGrant(m outbox.Message) (f grantFacts, p profile, err error) {
	f, p, err = decode[grantFacts](m, KindGive, KindTake, KindEnded)
	if err == nil && (len(m.Items) != 1 || f.Item.empty() || f.UserID != m.Person) {
		err = check.Bad("amsbridge", "Message.Facts", "are not those of a grant")
	}
	return f, p, err
}

// grantOf names the grant that a message is about, within its destination and person, and reads its
// facts. It is false for other messages, and for those that this program cannot read.
func grantOf(m outbox.Message) (id string, f grantFacts, ok bool) {
	f, _, err := decodeGrant(outbox.Message{
		Kind: m.Kind, Version: m.Version, Items: m.Items, Facts: m.Facts, Person: m.Person,
	})
	if err != nil {
		return "", f, false
	}
	return keyOf(m.Destination, m.Subject, m.Items[0], f.Item.id()), f, true
}

// decode checks kind and version and reads facts and profile.
func decode[F any](m outbox.Message, kinds ...string) (f F, p profile, err error) {
	// The version is checked first: a kind that only a newer program knows has a newer version.
	if m.Version > payloadVersion {
		return f, p, fmt.Errorf("amsbridge: %s version %d: %w", kinds[0], m.Version, outbox.ErrNewerVersion)
	}
	known := false
	for _, k := range kinds {
		known = known || m.Kind == k
	}
	if !known {
		return f, p, check.Bad("amsbridge", "Message.Kind", "is not "+kinds[0])
	}
	if json.Unmarshal(m.Facts, &f) != nil {
		return f, p, check.Bad("amsbridge", "Message.Facts", "are not those of a "+kinds[0])
	}
	if len(m.Profile) > 0 && json.Unmarshal(m.Profile, &p) != nil {
		return f, p, check.Bad("amsbridge", "Message.Profile", "is not that of a "+kinds[0])
	}
	return f, p, nil
}

// hashOf hashes texts with their lengths, so that different texts never give the same input.
func hashOf(parts ...string) [32]byte { return sha256.Sum256(delimited(parts)) }
