package notified

import (
	"context"
	"fmt"

	"github.com/amsbridge/amsbridge/outbox"
)

// register sees to it that the person is registered for the message's package,
// and tells whether they were before.
func (d *delivery) register(ctx context.Context) (already bool, failed *outbox.DeliveryError) {
	if d.c.cfg.UpsertProfile {
		if _, failed := d.ask(ctx, "C"); failed != nil {
			return false, failed
		}
	}
	if d.c.cfg.MoveToPackage {
		_, failed := d.ask(ctx, "r")
		return false, failed
	}
	steps, failed := d.ask(ctx, "K")
	if ended(steps, statusNotRegistered) {
		steps, failed = d.ask(ctx, "R")
		if !ended(steps, statusAlreadyRegistered) {
			return false, failed
		}
		// Somebody else registered them meanwhile: for which package, K says now.
		steps, failed = d.ask(ctx, "K")
		if ended(steps, statusNotRegistered) {
			look := mustLook("Notified says by R that the person is registered for the show, and by K that they are not")
			look.Code = failed.Code
			return false, look
		}
	}
	if failed != nil {
		return false, failed
	}
	if has, want := steps[0].ShowPackageKey, d.push.ShowPackageKey; has != want {
		return false, mustLook(fmt.Sprintf("the person is registered for package %d of the show, and bought package %d", has, want))
	}
	return true, nil
}
