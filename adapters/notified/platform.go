package notified

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

var _ amsbridge.Platform = (*Client)(nil)

// Give adds the item's add-ons to the person's registration for the show, and registers them first where
// the item has a package. Each call is sent once and not retried; all end with ctx.
// docs/outcomes-notified.md has a row for each possible course.
//
// Add-ons are added by M. If it added as many as asked for, the item is given. After any other count, A
// lists what the registration has. If all are there, it is already done. If some are missing, or A
// refuses, it is rejected: a person must act. That the platform counts a repeat as fewer is a guess. If
// A gets no answer, A's outcome is the grant's, and the next attempt begins with M again.
//
// Where the item has a package, K first asks for the registration. A person who has none is registered
// by R. A person with another package keeps it, and the grant is rejected. If R says that a registration
// exists after all, K is asked once more. Then M follows, unless there are no add-ons.
// Config.UpsertProfile and Config.MoveToPackage change this. An item without a package is M alone, which
// needs no name and no e-mail address but where Config.LookupByEmail is set.
//
// In all other cases 71 and 72 are not ready, since person and registration may come later. Any other
// status is rejected, with the platform's message. Refused credentials, HTTP 401 and 403 are
// unauthorized. A reply that is missing, cannot be understood or contradicts itself is unknown. An error
// after a step that took effect, such as R before a refused M, is marked as partly done.
//
// A grant of an item that is not Notified's, or that exceeds a limit of the vendor's text, is rejected
// before anything is sent, and the reason names the field. All errors are [*outbox.DeliveryError].
// Neither result nor error holds credentials, the user ID, names or e-mail addresses.
func (c *Client) Give(ctx context.Context, g amsbridge.Grant) (outbox.Result, error) {
	codes := "M"
	if g.Item.ShowPackageKey != 0 {
		codes = "KR"
		if c.cfg.UpsertProfile {
			codes += "C"
		}
		if len(g.Item.AddOnKeys) > 0 {
			codes += "M"
		}
	}
	d, err := c.delivery(g, codes)
	if err != nil {
		return outbox.Result{}, badInput(err)
	}
	return d.ended(d.add(ctx))
}

// Take removes the item's add-ons by N, those keys alone. A is asked as in Give: if none of them is left,
// it is already done. We take it that a person without a registration (72) has no add-ons: already done.
// An unknown person (71) may be known by another ID or address: rejected.
//
// Where the item has a package, its registration for the show is to be taken too, which no call does
// without harm: D deletes the whole user. Take then returns an [*amsbridge.ByHandError] once the add-ons
// are removed, except after 72, which says that there is no registration.
//
// The rest is as in Give. With Config.LookupByEmail the person's address is needed here too: see
// [Client.TakeNeedsProfile].
func (c *Client) Take(ctx context.Context, g amsbridge.Grant) (outbox.Result, error) {
	codes := "N"
	if g.Item.ShowPackageKey != 0 && len(g.Item.AddOnKeys) == 0 {
		codes = ""
	}
	d, err := c.delivery(g, codes)
	if err != nil {
		return outbox.Result{}, badInput(err)
	}
	if codes == "" {
		return outbox.Result{}, d.registrationStays()
	}
	result, failed := d.remove(ctx)
	if failed == nil && g.Item.ShowPackageKey != 0 && result.Code != codeNotRegistered {
		return outbox.Result{}, d.registrationStays()
	}
	return d.ended(result, failed)
}

// TakeNeedsProfile tells whether Take needs the person's e-mail address, as it does with
// Config.LookupByEmail. No take is stored with a profile: [amsbridge.NewDestination] refuses such a
// client unless profiles are looked up.
func (c *Client) TakeNeedsProfile() bool { return c.cfg.LookupByEmail }

// delivery is one grant that is being given or taken by several calls.
type delivery struct {
	client  *Client
	key     string
	push    Chain    // without opcodes
	details []string // of each reply, in order
	// partly is set once a call took effect.
	partly bool
}

// delivery checks everything that calls of these opcodes will send, so that a grant does not fail
// half-way. Without opcodes nothing will be sent.
func (c *Client) delivery(g amsbridge.Grant, codes string) (*delivery, error) {
	if g.Item.RemoteProductID != "" || g.Item.ShowKey <= 0 {
		return nil, check.Bad("notified", "Grant.Item", "is not of a show of Notified")
	}
	d := &delivery{client: c, key: g.Key, push: Chain{
		Person: Person{
			UserID: g.User.ID, Email: g.User.Email, FirstName: g.User.FirstName, LastName: g.User.LastName,
		},
		ShowKey: g.Item.ShowKey, ShowPackageKey: g.Item.ShowPackageKey, AddOnKeys: unique(g.Item.AddOnKeys),
	}}
	q := d.push
	q.OpCodes = codes
	if codes == "" {
		return d, nil
	}
	return d, q.check(c.cfg.LookupByEmail)
}

// ask makes one call about the grant.
func (d *delivery) ask(ctx context.Context, codes string) ([]Step, *outbox.DeliveryError) {
	q := d.push
	q.OpCodes = codes
	steps, detail, failed := d.client.run(ctx, d.key, q)
	if detail != "" {
		d.details = append(d.details, detail)
	}
	sure := steps
	if failed != nil && len(steps) > 0 {
		sure = steps[:len(steps)-1] // the last one was refused, or cannot be read
	}
	for _, s := range sure {
		d.partly = d.partly || opcodes[s.OpCode[0]].writes
	}
	return steps, failed
}

// ended returns what a delivery came to.
func (d *delivery) ended(result outbox.Result, failed *outbox.DeliveryError) (outbox.Result, error) {
	detail := strings.Join(d.details, "\n")
	if failed != nil {
		failed.Detail, failed.Partly = detail, d.partly
		return outbox.Result{}, failed
	}
	result.Code = cmp.Or(result.Code, codeOK)
	result.Detail = detail
	return result, nil
}

// add registers the person first if the item says so, and adds its add-ons.
func (d *delivery) add(ctx context.Context) (outbox.Result, *outbox.DeliveryError) {
	codes, already := "", false
	switch {
	case d.push.ShowPackageKey == 0:
	case d.client.cfg.UpsertProfile && d.client.cfg.MoveToPackage:
		codes = "Cr"
	default:
		var failed *outbox.DeliveryError
		if already, failed = d.registerFirst(ctx); failed != nil {
			return outbox.Result{}, failed
		}
	}
	if len(d.push.AddOnKeys) > 0 {
		codes += "M"
	}
	if codes == "" {
		return outbox.Result{AlreadyDone: already}, nil
	}
	steps, failed := d.ask(ctx, codes)
	if failed != nil || len(d.push.AddOnKeys) == 0 {
		return outbox.Result{}, failed
	}
	return d.counted(ctx, steps[len(steps)-1].AddOnsChanged)
}

// counted ends a delivery of add-ons of which the platform says how many it added.
func (d *delivery) counted(ctx context.Context, added int) (outbox.Result, *outbox.DeliveryError) {
	result := outbox.Result{Receipt: amsbridge.Receipt{AddOnsAdded: &added}.Encode()}
	asked := len(d.push.AddOnKeys)
	if added == asked {
		return result, nil
	}
	said := fmt.Sprintf("Notified says that it added %d add-ons where %d were asked for", added, asked)
	present, failed := d.present(ctx, said)
	if failed != nil {
		return outbox.Result{}, failed
	}
	if _, missing := d.split(present); len(missing) > 0 {
		return outbox.Result{}, needsPerson(codeOK, said+", and these are not there: "+firstOf(missing))
	}
	result.AlreadyDone = true
	return result, nil
}

// present asks A which add-ons the registration has, after a count that was too low. Where A refuses,
// or its answer cannot be read, trying again would not help.
func (d *delivery) present(ctx context.Context, said string) ([]int64, *outbox.DeliveryError) {
	steps, failed := d.ask(ctx, "A")
	if failed == nil {
		return steps[0].AddOns, nil
	}
	if failed.Outcome == outbox.OutcomeRejected || failed.Outcome == outbox.OutcomeNotReady {
		return nil, needsPerson(codeOK, said+", and the question which are there came to: "+failed.Error())
	}
	return nil, failed
}

// split divides the grant's keys into those that are present and those that are missing.
func (d *delivery) split(present []int64) (has, missing []int64) {
	for _, k := range d.push.AddOnKeys {
		if slices.Contains(present, k) {
			has = append(has, k)
		} else {
			missing = append(missing, k)
		}
	}
	return has, missing
}

// needsPerson returns the error of answers that a person must decide about.
func needsPerson(code, reason string) *outbox.DeliveryError {
	return &outbox.DeliveryError{
		Outcome: outbox.OutcomeRejected, Code: code, Reason: "a person must look: " + reason,
	}
}

// endedAt tells whether a call stopped with this status.
func endedAt(steps []Step, status int) bool {
	return len(steps) > 0 && steps[len(steps)-1].Status == status
}

// firstOf names the first few keys.
func firstOf(keys []int64) string {
	const few = 20
	if len(keys) <= few {
		return keyList(keys)
	}
	return fmt.Sprintf("%s and %d more", keyList(keys[:few]), len(keys)-few)
}
