package platforms

import (
	"context"
	"errors"
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

// newVerifier accepts the shop's hand-offs, each once.
func newVerifier(cfg Config) (*ssoverify.Verifier, error) {
	return ssoverify.New(ssoverify.Config{
		Issuer: cfg.Issuer, Audience: cfg.Audience, KeySource: cfg.Keys, Claims: Claims(), DefaultReturn: "/",
		Replay: ssoverify.NewMemoryReplay(nil), // one process; more of them share one on a database
		Audit:  audit(cfg.Log),
	})
}

// logIn takes the form of the shop's hand-off page. It comes from another
// origin, so the token must speak for itself.
func (e *Elevate) logIn(w http.ResponseWriter, r *http.Request) {
	h, err := e.verifier.Verify(r.Context(), r.PostFormValue("token"))
	if err != nil {
		reason := err
		if bad, ok := errors.AsType[*ssoverify.TokenError](err); ok {
			reason = bad.Err // the page is told less than the log
		}
		e.log.WarnContext(r.Context(), "a hand-off was refused", "platform", e.Name, "reason", reason)
		text := "Elevate does not know you by this. Please go back to the store and walk in again."
		if ssoverify.IsReplay(err) {
			text = "This way in was used before, as it is when one goes back and sends a form again. " +
				"Please walk in anew from the store."
		}
		e.problem(w, r, http.StatusForbidden, text)
		return
	}
	e.signIn(w, r, member{h.User.ID, strings.TrimSpace(h.User.FirstName + " " + h.User.LastName)})
	http.Redirect(w, r, h.ReturnTo, http.StatusSeeOther) // a path: no origins are allowed
}

// audit is Elevate's own record of hand-offs, for who asks for debug logs.
func audit(log *slog.Logger) amsbridge.SSOAudit {
	return func(ctx context.Context, e amsbridge.SSOEvent) {
		log.DebugContext(ctx, "a hand-off", "action", e.Action, "user", e.UserID, "token", e.TokenID,
			"reason", e.Reason)
	}
}
