package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/amsbridge/amsbridge"
)

// doorPath is where a platform takes hand-offs. It is made up: how Elevate and
// Notified take a member in is for the vendors to say.
const doorPath = "/walk-in"

// door plays the platform's side of a hand-off: it lets members in who bring a
// token that the shop signed for this platform, once.
type door struct {
	verifier *amsbridge.Verifier

	mu      sync.Mutex
	arrived []amsbridge.UserID
}

func newDoor(audience string, key amsbridge.SigningKey) (*door, error) {
	public, err := key.Verification()
	if err != nil {
		return nil, err
	}
	v, err := amsbridge.NewVerifier(amsbridge.VerifierConfig{
		Issuer: shopIssuer, Audience: audience, Keys: []amsbridge.VerificationKey{public},
		Audit: audit, Replay: amsbridge.NewMemoryReplay(nil), // one process; more of them share one on a database
	})
	return &door{verifier: v}, err
}

// admit returns who walked in.
func (d *door) admit(ctx context.Context, token string) (amsbridge.UserID, error) {
	h, err := d.verifier.Verify(ctx, token)
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.arrived = append(d.arrived, h.User.ID)
	return h.User.ID, nil
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
	user, err := s.door.admit(r.Context(), r.PostFormValue("token"))
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
	}{s.name, user}})
}
