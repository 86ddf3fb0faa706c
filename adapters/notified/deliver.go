package notified

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// Deliver sends one message. Of kind [amsbridge.KindAddOns], it adds add-ons, and may register the
// person first; of kind [amsbridge.KindRemoveAddOns], it removes add-ons. Each call is sent once and
// not retried; all end with ctx. docs/outcomes-notified.md has a row for each possible course.
//
// Add-ons are added by M. If it added as many as asked for, the message is delivered. After any other
// count, A lists what the registration has. If all are there, the message is already done. If some are
// missing, or A refuses, it is rejected: a person must act. That the platform counts a repeat as fewer
// is a guess. If A gets no answer, A's outcome is the message's, and the next attempt begins with M
// again.
//
// Where the message names a package, K first asks for the registration. A person who has none is
// registered by R. A person with another package keeps it, and the message is rejected. If R says that
// a registration exists after all, K is asked once more. Then M follows, unless there are no add-ons.
// Config.UpsertProfile and Config.MoveToPackage change this.
//
// Add-ons are removed by N, with A asked in the same way: if none of them is left, the message is
// already done. We take it that a person without a registration (72) has no add-ons: already done. An
// unknown person (71) may be known by another ID or address: rejected.
//
// In all other cases 71 and 72 are not ready, since person and registration may come later. Any other
// status is rejected, with the platform's message. Refused credentials, HTTP 401 and 403 are
// unauthorized. A reply that is missing, cannot be understood or contradicts itself is unknown.
//
// A message that exceeds a limit of the vendor's text is rejected before anything is sent, and the
// reason names the field. A newer payload version is an error that wraps [outbox.ErrNewerVersion]; all
// others are [*outbox.DeliveryError]. Neither result nor error holds credentials, the user ID, names or
// e-mail addresses.
func (c *Client) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	removal := m.Kind == amsbridge.KindRemoveAddOns
	decode := amsbridge.DecodeAddOns
	if removal {
		decode = amsbridge.DecodeRemoveAddOns
	}
	push, err := decode(m)
	if errors.Is(err, outbox.ErrNewerVersion) {
		return outbox.Result{}, fmt.Errorf("notified: %w", err)
	}
	d := delivery{client: c, key: m.Key, push: Chain{
		Person: Person{
			UserID: push.User.ID, Email: push.User.Email,
			FirstName: push.User.FirstName, LastName: push.User.LastName,
		},
		ShowKey: push.ShowKey, ShowPackageKey: push.ShowPackageKey, AddOnKeys: push.Keys(),
	}}
	if err == nil {
		err = d.check(removal)
	}
	if err != nil {
		return outbox.Result{}, badInput(err)
	}
	send := d.add
	if removal {
		send = d.remove
	}
	result, failed := send(ctx)
	detail := strings.Join(d.details, "\n")
	if failed != nil {
		failed.Detail = detail
		return outbox.Result{}, failed
	}
	result.Code = cmp.Or(result.Code, codeOK)
	result.Detail = detail
	return result, nil
}

// delivery is one message that is being delivered by several calls.
type delivery struct {
	client  *Client
	key     string
	push    Chain    // without opcodes
	details []string // of each reply, in order
}

// check checks everything that will be sent, so that a delivery does not fail half-way.
func (d *delivery) check(removal bool) error {
	q := d.push
	switch {
	case removal:
		q.OpCodes = "N"
	case q.ShowPackageKey == 0:
		q.OpCodes = "M"
	default:
		q.OpCodes = "KR"
		if d.client.cfg.UpsertProfile {
			q.OpCodes += "C"
		}
		if len(q.AddOnKeys) > 0 {
			q.OpCodes += "M"
		}
	}
	return q.check(d.client.cfg.LookupByEmail)
}

// ask makes one call about the message.
func (d *delivery) ask(ctx context.Context, codes string) ([]Step, *outbox.DeliveryError) {
	q := d.push
	q.OpCodes = codes
	steps, detail, failed := d.client.run(ctx, d.key, q)
	if detail != "" {
		d.details = append(d.details, detail)
	}
	return steps, failed
}

// add registers the person first if the message says so, and adds its add-ons.
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

// split divides the message's keys into those that are present and those that are missing.
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
