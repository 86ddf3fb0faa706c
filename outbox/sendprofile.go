package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// withProfile returns the message as it is to be sent, or what becomes of it if it
// cannot be. Nothing was sent then: the destination had no part in it.
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
	st := Settlement{Message: w.Message, By: r.cfg.Name, State: StatePending}
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
