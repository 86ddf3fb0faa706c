package amsbridge

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/amsbridge/amsbridge/outbox"
)

// ErrPersonGone is returned by the shop's look-up (see [LookUpProfile]) for a user ID that nobody has
// any more. The message is then parked, except a take, which is sent without a profile. Any other error
// is retried.
var ErrPersonGone = errors.New("amsbridge: the shop no longer knows this person")

// LookUpProfile makes the look-up of [outbox.Profiles] from a function of the shop: find returns the
// person of an association (empty for none) with a user ID, as the shop knows them when the message is
// sent. It is called for messages of this package that have no profile: those stored with
// [HookConfig].ProfileAtSend, takes, announcements (see [Announcer]), and those that are sent again
// after their profile was deleted.
//
// The user that find returns must have exactly that user ID, or the message is parked: nobody is
// registered as somebody else. Names and address are used as [Hook.OrderCompleted] would have stored
// them; a platform's client rejects what it cannot send. The text of an error is neither stored nor
// logged.
//
// find is called from many goroutines and must return when its context ends. A nil find returns nil: no
// look-up.
func LookUpProfile(find func(ctx context.Context, association string, id UserID) (User, error)) func(context.Context, outbox.Message) ([]byte, error) {
	if find == nil {
		return nil
	}
	return func(ctx context.Context, m outbox.Message) ([]byte, error) {
		switch m.Kind {
		case KindGive, KindTake, KindEnded, KindDelivered:
		default:
			return nil, nil // such messages never have a profile
		}
		if m.Version > payloadVersion {
			return nil, nil // the destination reports the newer version
		}
		if len(m.Facts) == 0 {
			return nil, &outbox.ProfileError{Reason: "the person was erased"}
		}
		var f struct {
			UserID string `json:"user_id"`
		}
		if err := json.Unmarshal(m.Facts, &f); err != nil || f.UserID != m.Person {
			return nil, &outbox.ProfileError{Reason: "the message's facts are not about the person that it is for"}
		}
		u, err := find(ctx, m.Association(), UserID(m.Person))
		switch {
		case errors.Is(err, ErrPersonGone) && (m.Kind == KindTake || m.Kind == KindEnded):
			return nil, nil // the ID is enough
		case errors.Is(err, ErrPersonGone):
			return nil, &outbox.ProfileError{Reason: "the shop no longer knows the person"}
		case err != nil:
			return nil, err
		case u.ID != UserID(m.Person):
			return nil, &outbox.ProfileError{Reason: "the shop's look-up returned another person"}
		}
		return profileOf(u), nil
	}
}
