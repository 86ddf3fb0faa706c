package amsbridge

import (
	"context"
	"errors"
	"log/slog"
	"time"

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

// SSOEvent is one row of the audit: one for each mint, verification and
// refusal. It holds no token, ticket or key, no name and no e-mail address.
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
