package main

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge"
)

// doorPath is where a platform takes hand-offs. It is made up: how Elevate and
// Notified take a member in is for the vendors to say.
const doorPath = "/walk-in"

// door plays the platform's side of a hand-off: it lets members in who bring a
// token that the shop signed for this platform, once.
type door struct {
	verifier *amsbridge.Verifier
	now      func() time.Time

	mu      sync.Mutex
	used    map[tokenID]time.Time
	arrived []amsbridge.UserID
}

type tokenID struct{ issuer, audience, id string }

// keptFor is how long after its end a token's ID is remembered: longer than
// the verifier's skew.
const keptFor = 2 * time.Minute

// errUsed refuses a token that was used before.
var errUsed = errors.New("the token was used before")

func newDoor(audience string, key amsbridge.SigningKey) (*door, error) {
	v, err := amsbridge.NewVerifier(amsbridge.VerifierConfig{
		Issuer: shopIssuer, Audience: audience,
		Keys: []amsbridge.VerificationKey{{ID: key.ID, Public: key.Private.Public()}},
	})
	return &door{verifier: v, now: time.Now, used: map[tokenID]time.Time{}}, err
}

// admit returns who walked in.
func (d *door) admit(token string) (amsbridge.HandOff, error) {
	h, err := d.verifier.Verify(token)
	if err != nil {
		return h, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, end := range d.used {
		if d.now().After(end.Add(keptFor)) {
			delete(d.used, id)
		}
	}
	id := tokenID{h.Issuer, h.Audience, h.ID}
	if _, ok := d.used[id]; ok {
		return h, errUsed
	}
	d.used[id] = h.ExpiresAt
	d.arrived = append(d.arrived, h.UserID)
	return h, nil
}

// guests returns who walked in so far.
func (d *door) guests() []amsbridge.UserID {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.arrived)
}

// walkIn takes the form that the shop's hand-off page sends.
func (s *site) walkIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 2*amsbridge.MaxToken)
	h, err := s.door.admit(r.PostFormValue("token"))
	if err != nil {
		reason := err
		if bad, ok := errors.AsType[*amsbridge.TokenError](err); ok {
			reason = bad.Err // the page is told less than the log
		}
		s.log.WarnContext(r.Context(), "a hand-off was refused", "platform", s.name, "reason", reason)
		s.pages.problem(w, http.StatusForbidden, s.name+" does not know you: the hand-off is not valid, or was used before. Go back to the shop and try again.")
		return
	}
	s.pages.show(w, http.StatusOK, "walkin.html", page{Title: "Welcome to " + s.name, Body: struct {
		Platform string
		UserID   amsbridge.UserID
	}{s.name, h.UserID}})
}
