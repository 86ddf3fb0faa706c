package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"net/http"

	"github.com/amsbridge/amsbridge"
)

// Names in the hand-off tokens, which shop and platforms agree on.
const (
	shopIssuer       = "https://store.example.org"
	elevateAudience  = "https://learn.example.org"
	notifiedAudience = "https://events.example.org"
)

// newSigningKey makes a key for as long as the program runs. A real shop keeps
// one, and gives the platforms its public half.
func newSigningKey() (amsbridge.SigningKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return amsbridge.SigningKey{ID: "example-1", Private: private}, err
}

// newSSO signs the hand-offs of signed-in members to both platforms.
func newSSO(key amsbridge.SigningKey) (*amsbridge.SSO, error) {
	return amsbridge.NewSSO(amsbridge.SSOConfig{
		Issuer: shopIssuer, Audit: audit,
		Audiences: []amsbridge.Audience{
			{Name: toElevate, Audience: elevateAudience, Key: key},
			{Name: toNotified, Audience: notifiedAudience, Key: key},
		},
	})
}

// audit keeps one row for each token that was signed, accepted or refused. A
// real shop keeps them in a table; here they are for who asks for debug logs.
func audit(ctx context.Context, e amsbridge.SSOEvent) {
	slog.DebugContext(ctx, "sso", "action", e.Action, "audience", e.Audience, "user", e.UserID, "token", e.TokenID, "reason", e.Reason)
}

// handOff signs a token for the signed-in member and shows the form that takes
// it to the platform: the token is in no URL, so no log and no history keeps it.
func (s *shop) handOff(w http.ResponseWriter, r *http.Request, who *session) {
	to, ok := map[string]*site{toElevate: s.sites.elevate, toNotified: s.sites.notified}[r.PostFormValue("platform")]
	if !ok {
		s.pages.problem(w, http.StatusBadRequest, "There is no such platform.")
		return
	}
	token, err := s.sso.HandOff(r.Context(), amsbridge.HandOffRequest{Audience: to.audience, User: who.member})
	if err != nil {
		s.broken(w, r, err)
		return
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	s.show(w, who, "handoff.html", "Off to "+to.name, struct{ Platform, Action, Token string }{to.name, to.url + doorPath, token})
}
