package notified

import (
	"context"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// registrationStays asks a person to end the registration for the show.
func (d *delivery) registrationStays() error {
	return &amsbridge.ByHandError{
		Task: fmt.Sprintf("the registration for show %d stays in Notified: end it there by hand if it shall end",
			d.push.ShowKey),
		Partly: d.partly,
	}
}

// remove removes the grant's add-ons.
func (d *delivery) remove(ctx context.Context) (outbox.Result, *outbox.DeliveryError) {
	steps, failed := d.ask(ctx, "N")
	asked := len(d.push.AddOnKeys)
	said := fmt.Sprintf("Notified does not say how many of %d add-ons it removed", asked)
	switch {
	case failed == nil && steps[0].AddOnsChanged == asked:
		return outbox.Result{}, nil
	case failed == nil:
		said = fmt.Sprintf("Notified says that it removed %d add-ons where %d were asked for",
			steps[0].AddOnsChanged, asked)
	case errors.Is(failed, errNoCount):
		d.partly = true
	case endedAt(steps, statusNotRegistered):
		return outbox.Result{AlreadyDone: true, Code: failed.Code}, nil
	case endedAt(steps, statusUserNotFound):
		look := needsPerson(failed.Code,
			"Notified does not know the person, so whether there is anything to remove cannot be told")
		return outbox.Result{}, saying(look, steps[0].Message)
	default:
		return outbox.Result{}, failed
	}
	present, failed := d.present(ctx, said)
	if failed != nil {
		return outbox.Result{}, failed
	}
	if left, _ := d.split(present); len(left) > 0 {
		return outbox.Result{}, needsPerson(codeOK, said+", and these are still there: "+firstOf(left))
	}
	return outbox.Result{AlreadyDone: true}, nil
}
