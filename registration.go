package amsbridge

import (
	"encoding/json"
	"fmt"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// KindRegistration is the kind of message that a [Registration] is.
const KindRegistration = "registration"

// payloadVersion is what this program writes and the newest that it reads.
const payloadVersion = 1

// Registration is one push to Elevate: one user, one product, for one line and
// attendee (Elevate's text names one product a call).
type Registration struct {
	// OrderID and LineID say where it came from.
	OrderID, LineID string
	// RemoteProductID is the product, as Elevate's set-up page has it.
	RemoteProductID string
	// User is the attendee. Name and e-mail are empty once forgotten.
	User User
	// Backfill is the order's: nobody is to be mailed about it. It makes no
	// difference to what a repeat is.
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
	// Backfill is read and not written any more: it outlives the profile.
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

// backfilled marks a push as one of the past. Its fingerprint stays that of the
// facts without the mark, so that a repeat matches with and without it.
func backfilled(m outbox.Message, facts any) (outbox.Message, error) {
	var err error
	m.Fingerprint = m.FactsFingerprint()
	m.Facts, err = json.Marshal(facts)
	return m, err
}

// DecodeRegistration reads a message of kind [KindRegistration], as a
// destination does. It returns [outbox.ErrNewerVersion] for a payload that a
// newer program wrote, and an [*InputError] for one that it cannot read.
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
	// The version first: a kind that only a newer program knows has a newer one.
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

// user is the person of a profile.
func (p profile) user(id string) User {
	return User{ID: UserID(id), FirstName: p.FirstName, LastName: p.LastName, Email: p.Email}
}

func profileOf(u User) ([]byte, error) {
	return json.Marshal(profile{FirstName: u.FirstName, LastName: u.LastName, Email: u.Email})
}

// factsOf is a stored message for reading its facts: with no profile, which may
// be sealed.
func factsOf(m outbox.Message) outbox.Message {
	m.Profile = nil
	return m
}
