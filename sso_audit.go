package amsbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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

// SSOEvent is one row of the audit: one for each mint, verification and refusal, but for refusals and
// repeats that come in floods: see [BoundRefusals]. It holds no token, ticket or key, no name and no e-mail address.
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
	// Reason says in plain words why it was refused, and which rows were left out before it.
	Reason string
}

// SSOAudit receives events. It is called while the member waits, from many goroutines, and cannot
// refuse: it must report its own failures elsewhere. Defaults to [LogSSO].
type SSOAudit func(ctx context.Context, e SSOEvent)

// maxRows is how many refusals of one member, and of strangers together, and how many rows that tell of one
// thing again, an audit gets in a minute.
const maxRows = 300

// BoundRefusals returns an audit that gets no rows without bound. Refusals of one member, and those of all
// requests that name nobody, are passed on up to 300 a minute. So are rows that say the same again: that one
// token was accepted, as a pull session is many times and any token where replays are allowed, and that one
// member signed out. The next row of either sort that is passed on says in its Reason how many were left out.
// What was signed, and the first time that a token is accepted, is always there. [NewSSO], and the verifiers and
// handlers of packages ssoverify and handoff, bound their audits by themselves. A nil clock is time.Now.
func BoundRefusals(audit SSOAudit, now func() time.Time) SSOAudit {
	if now == nil {
		now = time.Now
	}
	refusals := bound{what: "refusals", limit: limit.New(maxRows, now)}
	repeats := bound{what: "repeats", limit: limit.New(maxRows, now)}
	return func(ctx context.Context, e SSOEvent) {
		pass := true
		switch e.Action {
		case SSORefused:
			pass = refusals.pass(string(e.UserID), &e)
		case SSOVerified, SSOSignedOut:
			pass = repeats.pass(fmt.Sprintf("%s\n%s\n%s", e.Action, e.TokenID, e.UserID), &e)
		case SSOMinted:
		}
		if pass {
			audit(ctx, e)
		}
	}
}

// bound counts the rows of one sort, and those that it left out.
type bound struct {
	what    string
	limit   *limit.Limiter
	leftOut atomic.Int64
}

// pass tells whether an event is passed on, and writes into its Reason what was left out before it.
func (b *bound) pass(of string, e *SSOEvent) bool {
	if !b.limit.Allow(of) {
		b.leftOut.Add(1)
		return false
	}
	if n := b.leftOut.Swap(0); n > 0 {
		e.Reason = strings.TrimPrefix(fmt.Sprintf("%s; %d %s before it were left out", e.Reason, n, b.what), "; ")
	}
	return true
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
