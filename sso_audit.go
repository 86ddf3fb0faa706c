package amsbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge/internal/limit"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// SSOAction says what happened in an [SSOEvent].
type SSOAction string

// The actions.
const (
	// SSOMinted: a token was signed, or a login ticket fetched.
	SSOMinted SSOAction = "minted"
	// SSOVerified: a token was accepted.
	SSOVerified SSOAction = "verified"
	// SSORefused: a token was refused, or none was given out.
	SSORefused SSOAction = "refused"
	// SSOSignedOut: a member signed out.
	SSOSignedOut SSOAction = "signed out"
)

// SSOEvent is one row of the audit: one for each mint, verification and refusal, but for refusals that come
// in floods: see [BoundRefusals]. It holds no token, ticket or key, no name and no e-mail address.
type SSOEvent struct {
	Time   time.Time
	Action SSOAction
	// Kind is "hand-off", "session" or "ticket".
	Kind string
	// Audience is the aud claim, or the platform's name for tickets.
	Audience string
	// UserID and TokenID (the jti) are empty where a token was refused before it was known to come from
	// the issuer.
	UserID  UserID
	TokenID string
	// Reason says in plain words why it was refused.
	Reason string
}

// SSOAudit receives events. It is called while the member waits, from many goroutines, and cannot
// refuse: it must report its own failures elsewhere. Defaults to [LogSSO].
type SSOAudit func(ctx context.Context, e SSOEvent)

// maxRefusals is how many refusals of one member, and of strangers together, an audit gets in a minute.
const maxRefusals = 300

// BoundRefusals returns an audit that gets every event but refusals without bound: those of one member, and
// those of all requests that name nobody, are passed on up to 300 a minute, and the next one that is passed on
// says in its Reason how many were left out. [NewSSO], and the verifiers and handlers of packages ssoverify
// and handoff, bound their audits by themselves. A nil clock is time.Now.
func BoundRefusals(audit SSOAudit, now func() time.Time) SSOAudit {
	if now == nil {
		now = time.Now
	}
	refusals := limit.New(maxRefusals, now)
	var leftOut atomic.Int64
	return func(ctx context.Context, e SSOEvent) {
		if e.Action == SSORefused {
			if !refusals.Allow(string(e.UserID)) {
				leftOut.Add(1)
				return
			}
			if n := leftOut.Swap(0); n > 0 {
				e.Reason = fmt.Sprintf("%s; %d refusals before it were left out", e.Reason, n)
			}
		}
		audit(ctx, e)
	}
}

// LogSSO is the [SSOAudit] that logs events at Info.
func LogSSO(ctx context.Context, e SSOEvent) {
	slog.LogAttrs(ctx, slog.LevelInfo, "amsbridge: sso "+string(e.Action), slog.String("kind", e.Kind),
		slog.String("audience", e.Audience), slog.String("user_id", string(e.UserID)),
		slog.String("token_id", e.TokenID), slog.String("reason", e.Reason))
}

// reasonOf returns an audit row's reason for a token that was not signed. The text of a foreign error
// may hold anything, so it is not shown.
func reasonOf(err error) string {
	var input *InputError
	switch {
	case errors.As(err, &input):
		return input.Field + " " + input.Problem
	case errors.Is(err, ssokeys.ErrNoActive):
		return "no key is active"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "the request ended"
	}
	return "an error of the shop's own"
}
