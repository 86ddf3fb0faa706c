package platforms

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// LoginPath is where Elevate's sandbox takes hand-offs. It is made up: how
// Elevate takes a member in is for its vendor to say.
const LoginPath = "/walk-in"

// Claims are the profile claims of hand-offs to Elevate, as shop and platform
// agreed.
func Claims() amsbridge.ProfileClaims {
	return amsbridge.ProfileClaims{FirstName: "given_name", LastName: "family_name"}
}

// newLogIn takes the form of the shop's hand-off page, each token once. A token says who
// the member is, and not whose browser this is: a form of any other site, which may hold a
// token of its owner's, is refused, and so is what a frame or a script sends.
func (e *Elevate) newLogIn(cfg Config) (http.Handler, error) {
	v, err := ssoverify.New(ssoverify.Config{
		Issuer: cfg.Issuer, Audience: cfg.Audience, KeySource: cfg.Keys, Claims: Claims(), DefaultReturn: "/",
		Replay: ssoverify.NewMemoryReplay(nil), // one process; more of them share one on a database
		Audit:  audit(cfg.Log),
	})
	if err != nil {
		return nil, err
	}
	return v.Accept(ssoverify.AcceptConfig{Origins: cfg.Origins, Refused: http.HandlerFunc(e.refuse)}, http.HandlerFunc(e.logIn))
}

// logIn signs in who was handed over, in a session of its own.
func (e *Elevate) logIn(w http.ResponseWriter, r *http.Request) {
	h, _ := ssoverify.HandOffFrom(r.Context()) // Accept put it there
	e.signIn(w, r, member{h.User.ID, strings.TrimSpace(h.User.FirstName + " " + h.User.LastName)})
	http.Redirect(w, r, h.ReturnTo, http.StatusSeeOther) // a path: no origins are allowed
}

// refuse is told no more than whoever sent the token; the audit knows why.
func (e *Elevate) refuse(w http.ResponseWriter, r *http.Request) {
	e.problem(w, r, http.StatusForbidden, "Elevate does not know you by this: it was used before, as it is when one goes back "+
		"and sends a form again, or it is too old, or another site sent it. Please walk in anew from the store.")
}

// audit is Elevate's own record of hand-offs: refusals, and all of them for who asks for debug logs.
func audit(log *slog.Logger) amsbridge.SSOAudit {
	return func(ctx context.Context, e amsbridge.SSOEvent) {
		level := slog.LevelDebug
		if e.Reason != "" {
			level = slog.LevelWarn // it was refused
		}
		log.Log(ctx, level, "a hand-off", "action", e.Action, "user", e.UserID, "token", e.TokenID,
			"reason", e.Reason)
	}
}
