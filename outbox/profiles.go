package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Profiles says where a [Sender] gets the profiles that it sends. With the zero value they are stored
// in the messages, unsealed.
type Profiles struct {
	// Seal opens sealed profiles, and seals those of follow-ups (see [Result.Then]). Defaults to none:
	// a message with a sealed profile waits, with an alarm, for a sender that can open it.
	Seal *Sealer
	// LookUp returns the profile of a message that has none, when it is sent. It is called from many
	// goroutines, and its context ends with the delivery's. A nil profile means none. The result is not
	// stored: a follow-up with exactly the same bytes is stored without a profile.
	//
	// With a [*ProfileError] the message is parked. With any other error it is retried by the ordinary
	// schedule; the text of that error is neither stored nor logged. Defaults to none.
	LookUp func(ctx context.Context, m Message) ([]byte, error)
}

// ProfileError says that a message's profile cannot be had, now or later; the person is gone, for
// instance.
type ProfileError struct {
	// Reason says why in plain words, for the operator. It must hold no personal data.
	Reason string
}

// Error returns the reason.
func (e *ProfileError) Error() string { return "outbox: no profile: " + e.Reason }

// errLookUp stands for an error of a look-up, whose own text may hold anything.
var errLookUp = errors.New("outbox: the profile could not be looked up")

// withProfile returns the message as it is to be sent, or how its lease ends if
// it cannot be. Nothing was sent then: the destination had no part in it.
func (r *run) withProfile(ctx context.Context, w work) (Message, *Settlement) {
	m, err := r.cfg.Profiles.Seal.Open(w.Message)
	if err == nil && len(m.Profile) == 0 && r.cfg.Profiles.LookUp != nil {
		m.Profile, err = r.lookUp(ctx, m)
	}
	if err == nil {
		return m, nil
	}
	if errors.Is(err, ErrSealUnknown) {
		reason := "its profile is sealed with a key that this program does not have"
		r.alarm(r.base, AlarmUnknownSeal, w.Message, reason)
		st := r.giveBack(w, reason)
		st.Delay = jittered(again)
		return m, &st
	}
	st := Settlement{Message: w.Message, Token: w.token, By: r.cfg.Name, State: StatePending}
	none, isNone := errors.AsType[*ProfileError](err)
	switch {
	case errors.Is(err, ErrSealBroken):
		st.Outcome = OutcomeRejected
		r.park(w, &st, "its sealed profile does not open: it was changed, or is another message's")
	case errors.Is(err, ErrNotSealed):
		st.Outcome = OutcomeRejected
		r.park(w, &st, "its profile is not sealed, and this program takes no other")
	case isNone:
		st.Outcome = OutcomeRejected
		r.park(w, &st, strings.TrimSuffix("no profile: "+none.Reason, ": "))
	default:
		e := &DeliveryError{Outcome: OutcomeUnavailable, Reason: "the profile could not be looked up"}
		st.Outcome, st.Reason = e.Outcome, e.Reason
		r.retry(w, e, &st)
	}
	return m, &st
}

// lookUp asks for a profile. An answer that comes too late to be sent is none.
func (r *run) lookUp(ctx context.Context, m Message) (profile []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.cfg.Logger.LogAttrs(ctx, slog.LevelError, "amsbridge: the look-up of a profile panicked",
				slog.String("destination", m.Destination), slog.Int64("message", int64(m.ID)),
				slog.String("type", fmt.Sprintf("%T", p)))
			profile, err = nil, errLookUp
		}
	}()
	profile, err = r.cfg.Profiles.LookUp(ctx, m)
	if none, ok := errors.AsType[*ProfileError](err); ok && none != nil {
		return nil, none
	}
	if err != nil || ctx.Err() != nil {
		return nil, errLookUp
	}
	return profile, nil
}

// kept are a delivery's follow-ups as they are to be stored: m was sent for the
// stored message.
func (p Profiles) kept(then []Message, m, stored Message) []Message {
	if p.Seal == nil && p.LookUp == nil {
		return then
	}
	out := make([]Message, len(then))
	for i, t := range then {
		if len(stored.Profile) == 0 && bytes.Equal(t.Profile, m.Profile) {
			t.Profile = nil
		}
		out[i] = p.Seal.Seal(t)
	}
	return out
}
