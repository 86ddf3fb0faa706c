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

// Deliver sends one message: of kind [amsbridge.KindAddOns], add-ons and
// perhaps a registration first; of kind [amsbridge.KindRemoveAddOns], add-ons to
// take away. Each call is sent once and never repeated by itself; all of them
// end with ctx. docs/outcomes-notified.md has a row for each way in which it
// goes.
//
// Add-ons go by M. With as many added as asked for: delivered. With any other
// count A is asked what is there: all of them, already done; some missing, or A
// refuses to say, rejected: a person must look. That the platform counts a
// repeat as fewer is a guess. Where A is not answered, its outcome is the
// message's, which begins with M again later.
//
// Where the message names a package, K is asked for the registration first.
// Someone who has none is registered by R; someone who has another is left
// alone, and the message rejected. Where R says that a registration is there
// after all, K is asked once more. Then M goes, unless there are no add-ons.
// Config.UpsertProfile and Config.MoveToPackage change this.
//
// Add-ons are removed by N, and A is asked likewise: none of them there, already
// done. Someone without a registration (72) has no add-ons either, as we read
// it: already done. Someone unknown (71) may be known by another ID or address:
// rejected.
//
// Elsewhere 71 and 72 are not ready, for person and registration may come later;
// any other status is rejected, with the platform's message; refused
// credentials, HTTP 401 and 403 are unauthorized; no reply that can be
// understood, or one that contradicts itself, is unknown.
//
// A message that breaks a limit of the vendor's text is rejected before anything
// is sent, and the reason names the field. A newer payload version is an error
// that wraps [outbox.ErrNewerVersion]; all others are [*outbox.DeliveryError].
// Neither result nor error holds credentials, the user ID, names or e-mail
// addresses.
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

// delivery is one message on its way: the calls that it takes.
type delivery struct {
	client  *Client
	key     string
	push    Chain    // without opcodes
	details []string // of each reply, in order
}

// check looks at all that will be sent, so that nothing is done by halves.
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

// add registers the person first where the message says so, and adds its add-ons.
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

// counted ends a delivery of add-ons, of which the platform says that it added so many.
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

// present asks A which add-ons the registration has, after a count that says too little. That A refuses to
// say, or says what cannot be read, does not mend itself.
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

// split parts the message's keys into those that are present and those that are not.
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

// needsPerson is what the platform's answers leave for a person to decide.
func needsPerson(code, reason string) *outbox.DeliveryError {
	return &outbox.DeliveryError{
		Outcome: outbox.OutcomeRejected, Code: code, Reason: "a person must look: " + reason,
	}
}

// endedAt tells whether a call stopped at this status.
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
