package amsbridge

import (
	"encoding/json"
	"fmt"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// KindRegistration is the message kind of [Registration].
const KindRegistration = "registration"

// payloadVersion is the version that this program writes, and the newest that it reads.
const payloadVersion = 1

// Registration is one push to Elevate: one user and one product, for one line and attendee. Elevate's
// text names one product a call.
type Registration struct {
	// OrderID and LineID are the order and line that it was made of.
	OrderID, LineID string
	// RemoteProductID is the product's ID on Elevate's set-up page.
	RemoteProductID string
	// User is the attendee. Name and e-mail address are empty once the profile is deleted.
	User User
	// Backfill is the order's Backfill: nobody is to be mailed about it. It does not count as a
	// difference when the order is repeated.
	Backfill bool
}

type registrationFacts struct {
	UserID          string `json:"user_id"`
	RemoteProductID string `json:"remote_product_id"`
	Backfill        bool   `json:"backfill,omitempty"`
}

// profile is the part of a payload that is deleted on delivery.
type profile struct {
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Email     string `json:"email,omitempty"`
	// Backfill is read, but written no more: the mark must outlive the profile, so it is in the facts.
	Backfill bool `json:"backfill,omitempty"`
}

func (r Registration) message(destination string) (outbox.Message, error) {
	f := registrationFacts{UserID: string(r.User.ID), RemoteProductID: r.RemoteProductID}
	facts, err := json.Marshal(f)
	if err != nil {
		return outbox.Message{}, err
	}
	prof, err := profileOf(r.User)
	if err != nil {
		return outbox.Message{}, err
	}
	parts := []string{destination, r.OrderID, r.LineID, string(r.User.ID), "register"}
	m := outbox.Message{
		Destination: destination, Key: keyOf(parts...), KeyParts: parts, Kind: KindRegistration, Version: payloadVersion,
		Person: string(r.User.ID), Subject: r.OrderID, Items: []string{r.LineID}, Facts: facts, Profile: prof,
	}
	if r.Backfill {
		f.Backfill = true
		return backfilled(m, f)
	}
	return m, nil
}

// backfilled marks the push as one of an old order. The fingerprint stays that of the unmarked facts,
// so that a repeat matches with and without the mark.
func backfilled(m outbox.Message, facts any) (outbox.Message, error) {
	var err error
	m.Fingerprint = m.FactsFingerprint()
	m.Facts, err = json.Marshal(facts)
	return m, err
}

// DecodeRegistration reads a message of kind [KindRegistration] in a destination. It returns
// [outbox.ErrNewerVersion] for a payload that a newer program wrote, and an [*InputError] for one that
// it cannot read.
func DecodeRegistration(m outbox.Message) (Registration, error) {
	f, p, err := decode[registrationFacts](&m, KindRegistration)
	if err != nil {
		return Registration{}, err
	}
	r := Registration{OrderID: m.Subject, RemoteProductID: f.RemoteProductID, User: p.user(f.UserID), Backfill: f.Backfill || p.Backfill}
	if len(m.Items) > 0 {
		r.LineID = m.Items[0]
	}
	return r, nil
}

// decode checks kind and version and reads facts and profile.
func decode[F any](m *outbox.Message, kind string) (f F, p profile, err error) {
	// The version is checked first: a kind that only a newer program knows has a newer version.
	if m.Version > payloadVersion {
		return f, p, fmt.Errorf("amsbridge: %s version %d: %w", kind, m.Version, outbox.ErrNewerVersion)
	}
	if m.Kind != kind {
		return f, p, check.Bad("amsbridge", "Message.Kind", "is not "+kind)
	}
	if json.Unmarshal(m.Facts, &f) != nil {
		return f, p, check.Bad("amsbridge", "Message.Facts", "are not those of a "+kind)
	}
	if len(m.Profile) > 0 && json.Unmarshal(m.Profile, &p) != nil {
		return f, p, check.Bad("amsbridge", "Message.Profile", "is not that of a "+kind)
	}
	return f, p, nil
}

// user returns the person that the ID and the profile describe.
func (p profile) user(id string) User {
	return User{ID: UserID(id), FirstName: p.FirstName, LastName: p.LastName, Email: p.Email}
}

func profileOf(u User) ([]byte, error) {
	return json.Marshal(profile{FirstName: u.FirstName, LastName: u.LastName, Email: u.Email})
}

// factsOf returns the message without its profile, which may be sealed.
func factsOf(m outbox.Message) outbox.Message {
	m.Profile = nil
	return m
}
