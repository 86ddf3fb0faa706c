package outbox

import (
	"bytes"
	"context"
	"errors"
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
