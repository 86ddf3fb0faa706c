package amsbridge

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/amsbridge/amsbridge/outbox"
)

// ErrPersonGone is returned by the shop's look-up (see [LookUpProfile]) for a
// user ID that nobody has any more. The message is parked, but one that takes
// add-ons away, which is sent without a profile. Any other error is tried again.
var ErrPersonGone = errors.New("amsbridge: the shop no longer knows this person")

// LookUpProfile makes the look-up of [outbox.Profiles] of the shop's own: find
// returns the person of a user ID, as the shop knows them at the moment of
// sending. It is asked for pushes and announcements (see [Announcer]) that were
// stored without a profile, as [HookConfig].ProfileAtSend does, for those of
// refunds, and for those that are sent again after their profile was deleted.
//
// What find returns must have that very user ID, byte for byte, or the message is
// parked: nobody is registered as somebody else. Names and address are as
// [Hook.OrderCompleted] would have stored them; a platform's client rejects what
// it cannot send. An error's text is neither stored nor logged.
//
// find is called from many goroutines at once and must end with its context. A
// nil find makes a nil look-up, which is none.
func LookUpProfile(find func(ctx context.Context, id UserID) (User, error)) func(context.Context, outbox.Message) ([]byte, error) {
	if find == nil {
		return nil
	}
	return func(ctx context.Context, m outbox.Message) ([]byte, error) {
		switch m.Kind {
		case KindRegistration, KindAddOns, KindRemoveAddOns, KindDelivered:
		default:
			return nil, nil // it never has a profile
		}
		if m.Version > payloadVersion {
			return nil, nil // its destination says so
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
		u, err := find(ctx, UserID(m.Person))
		switch {
		case errors.Is(err, ErrPersonGone) && m.Kind == KindRemoveAddOns:
			return nil, nil // the ID is enough to take away what they had
		case errors.Is(err, ErrPersonGone):
			return nil, &outbox.ProfileError{Reason: "the shop no longer knows the person"}
		case err != nil:
			return nil, err
		case u.ID != UserID(m.Person):
			return nil, &outbox.ProfileError{Reason: "the shop's look-up returned another person"}
		}
		return profileOf(u)
	}
}
