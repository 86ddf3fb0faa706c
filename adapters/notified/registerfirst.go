package notified

import (
	"context"
	"fmt"

	"github.com/amsbridge/amsbridge/outbox"
)

// registerFirst makes sure that the person is registered for the item's package, and tells whether
// they were before.
func (d *delivery) registerFirst(ctx context.Context) (already bool, failed *outbox.DeliveryError) {
	if d.client.cfg.UpsertProfile {
		if _, failed := d.ask(ctx, "C"); failed != nil {
			return false, failed
		}
	}
	if d.client.cfg.MoveToPackage {
		_, failed := d.ask(ctx, "r")
		return false, failed
	}
	steps, failed := d.ask(ctx, "K")
	if endedAt(steps, statusNotRegistered) {
		steps, failed = d.ask(ctx, "R")
		if !endedAt(steps, statusAlreadyRegistered) {
			return false, failed
		}
		// Somebody else registered them meanwhile; K now says for which package.
		steps, failed = d.ask(ctx, "K")
		if endedAt(steps, statusNotRegistered) {
			return false, needsPerson(failed.Code,
				"Notified says by R that the person is registered for the show, and by K that they are not")
		}
	}
	if failed != nil {
		return false, failed
	}
	if has, want := steps[0].ShowPackageKey, d.push.ShowPackageKey; has != want {
		return false, needsPerson(codeOK,
			fmt.Sprintf("the person is registered for package %d of the show, and bought package %d", has, want))
	}
	return true, nil
}
