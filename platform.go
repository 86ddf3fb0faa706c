package amsbridge

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// Grant is one item for one seat: what one call to a platform gives or takes.
type Grant struct {
	// Key is the message's key, the same at each attempt.
	Key string
	// OrderID, LineID and Association say which line of which order it is of.
	OrderID, LineID, Association string
	// User is whom it is for. Only the ID is there in Take, and in a Give of add-ons alone that repeats
	// what a doubtful Take may have removed; otherwise the rest is the profile of the seat's own order,
	// or what the shop's look-up returned.
	User User
	// Item is what is to be given, or of an item the part that is to be taken. In Take a ShowPackageKey
	// stands for the registration for the show.
	Item Item
	// Backfill is the order's: nobody is to be mailed about it.
	Backfill bool
	// Had is set where an earlier call for one of the item's units, of another line, order or turn, may
	// have reached the platform, so that the person may have been mailed about it.
	Had bool
	// Doubt says why an earlier attempt of this very message may have reached the platform.
	Doubt outbox.Doubt
}

// Platform is what a client of a platform implements. [NewDestination] makes a destination of it, which
// decides whether a call is needed at all. Its methods are called from many goroutines, and never at the
// same moment for one person.
//
// Both make one attempt, end with ctx, and return errors as [outbox.Destination] describes them. They
// must hold no secret and no personal data.
type Platform interface {
	// Give gives the person the item. A success's receipt is an encoded [Receipt].
	Give(ctx context.Context, g Grant) (outbox.Result, error)
	// Take takes the item away. A [*ByHandError] says that no call does that, or a part of it: a person
	// must.
	Take(ctx context.Context, g Grant) (outbox.Result, error)
}

// ByHandError says what a person must take back, where a platform has no call for it. The message is
// parked with it, as a task.
type ByHandError struct {
	// Task says what is to be done, in plain words and without personal data: "cancel the registration
	// for product c-101 in Elevate by hand".
	Task string
	// Partly is set where a call took another part of the item.
	Partly bool
}

// Error returns the task.
func (e *ByHandError) Error() string { return e.Task }
