package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/outbox"
)

// killBeforeSend commits an order in a shop without a sender, and kills it.
func (d *demo) killBeforeSend(ctx context.Context) error {
	o := order{ID: newOrderID(), Buyer: members[0], Products: []string{"course-infection", "track-leadership", "event-gala", "book-handbook"}}
	d.say("cart of %s: %s", o.Buyer.ID, strings.Join(o.Products, ", "))
	shop, err := d.start(ctx, childJob{Place: o})
	if err != nil {
		return err
	}
	defer shop.kill()
	q := shop.report.Queued
	d.note(o, q)
	d.say("order %s committed by process %d: %d pushes queued in its transaction, %d line left to the shop, %d parked",
		o.ID, shop.report.PID, len(q.Messages), len(q.LeftOut), len(q.Parked))
	if len(q.Messages) != 3 || len(q.LeftOut) != 1 || len(q.Parked) != 0 {
		return errors.New("3 pushes, 1 line left out and none parked were expected")
	}
	shop.kill()
	records, err := d.bridge.store.Find(ctx, outbox.Query{Subject: o.ID, States: []outbox.State{outbox.StatePending}})
	if err != nil {
		return err
	}
	calls := len(d.sites.learning.Journal()) + len(d.sites.events.Journal())
	d.say("SIGKILL between COMMIT and send: %d pushes stand in the outbox, the platforms saw %d calls", len(records), calls)
	if len(records) != len(q.Messages) || calls != 0 {
		return errors.New("every push was expected in the outbox, and no call")
	}
	return nil
}

// killBeforeSettlement has both platforms hold their first answer back once
// they have done what was asked, and kills the shop then.
func (d *demo) killBeforeSettlement(ctx context.Context) error {
	onElevate, onNotified := elevatetest.NewHold(), elevatetest.NewHold()
	d.sites.learning.Misbehave(elevatetest.Fault{Kind: elevatetest.HoldAfter, Hold: onElevate})
	d.sites.events.Misbehave(elevatetest.Fault{Kind: elevatetest.HoldAfter, Hold: onNotified})
	shop, err := d.start(ctx, childJob{Sending: true})
	if err != nil {
		return err
	}
	defer shop.kill()
	d.say("restart as process %d, with a sender", shop.report.PID)
	for _, held := range []<-chan struct{}{onElevate.Held(), onNotified.Held()} {
		select {
		case <-held:
		case <-shop.ended:
			return fmt.Errorf("the shop ended: %w", shop.problem())
		case <-time.After(stepTimeout):
			return errors.New("a platform was not called in time")
		}
	}
	shop.kill()
	pending, _, err := d.inQueue(ctx)
	if err != nil {
		return err
	}
	d.say("SIGKILL between effect and settlement: Elevate made %d registration, Notified added %s, the outbox still has %d pushes pending",
		len(d.sites.learning.Registrations()), strings.Join(d.addOns(members[0]), " and "), pending)
	if len(d.sites.learning.Registrations()) != 1 || len(d.addOns(members[0])) == 0 || pending != len(d.pushes) {
		return errors.New("one registration, the add-ons, and every push pending were expected")
	}
	return nil
}

// restart lets a sender work until nothing is pending, and stops it in good
// order.
func (d *demo) restart(ctx context.Context) error {
	shop, err := d.start(ctx, childJob{Sending: true})
	if err != nil {
		return err
	}
	defer shop.kill()
	d.say("restart as process %d: it waits until the dead sender's leases have ended (%s)", shop.report.PID, demoSender().Lease)
	if err := d.untilSettled(ctx, shop); err != nil {
		return err
	}
	if err := shop.stop(); err != nil {
		return err
	}
	d.say("nothing is pending; the shop stopped in good order")
	return nil
}

// rolledBack has a running shop roll an order back and then commit another of
// the same member, which would be sent after the first.
func (d *demo) rolledBack(ctx context.Context) error {
	lost := order{ID: newOrderID(), Buyer: members[1], Products: []string{"course-ethics", "event-workshop"}}
	kept := order{ID: newOrderID(), Buyer: members[1], Products: []string{"course-infection"}}
	shop, err := d.start(ctx, childJob{Sending: true, RollBack: lost, Place: kept})
	if err != nil {
		return err
	}
	defer shop.kill()
	d.note(kept, shop.report.Queued)
	if err := d.untilSettled(ctx, shop); err != nil {
		return err
	}
	if err := shop.stop(); err != nil {
		return err
	}
	records, err := d.bridge.store.Find(ctx, outbox.Query{Subject: lost.ID})
	if err != nil {
		return err
	}
	calls := 0
	for _, c := range d.sites.learning.Journal() {
		if c.RemoteProductID == "course-ethics" {
			calls++
		}
	}
	calls += len(d.addOns(lost.Buyer))
	for _, c := range d.sites.events.Journal() {
		if c.User == string(lost.Buyer.ID) {
			calls++
		}
	}
	d.say("order %s rolled back, then %s of the same member committed and delivered: of the first the outbox has %d pushes, the platforms saw %d calls",
		lost.ID, kept.ID, len(records), calls)
	if len(records)+calls > 0 {
		return errors.New("the order that was rolled back was expected to reach nobody")
	}
	_, err = d.delivered()
	return err
}

// walkIn signs a hand-off as the shop, and takes it to the platforms by HTTP.
func (d *demo) walkIn(ctx context.Context) error {
	sso, err := newSSO(d.key)
	if err != nil {
		return err
	}
	member := members[0].ID
	token, err := sso.HandOff(ctx, amsbridge.HandOffRequest{Audience: toElevate, User: members[0]})
	if err != nil {
		return err
	}
	for _, visit := range []struct {
		at   *site
		want int
	}{
		{d.sites.notified, http.StatusForbidden}, // it is another platform's token
		{d.sites.elevate, http.StatusOK},
		{d.sites.elevate, http.StatusForbidden}, // it was used
	} {
		status, err := post(ctx, visit.at.url+doorPath, url.Values{"token": {token}})
		if err != nil {
			return err
		}
		if status != visit.want {
			return fmt.Errorf("%s answered %d where %d was expected", visit.at.name, status, visit.want)
		}
	}
	guests := d.sites.elevate.door.guests()
	registered := d.sites.learning.Registrations()[0].UserID
	if len(guests) != 1 || guests[0] != member || guests[0] != registered || len(d.sites.notified.door.guests()) != 0 {
		return errors.New("the member alone was expected to have walked in, by the ID of the registration, to Elevate alone")
	}
	d.say("hand-off signed by the shop and verified by Elevate's side: %s walked in, the ID of the registration; refused when used again, and at Notified",
		guests[0])
	return nil
}

func post(ctx context.Context, to string, form url.Values) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// note remembers what a committed order queued.
func (d *demo) note(o order, q *amsbridge.Queued) {
	d.committed = append(d.committed, o.ID)
	for _, m := range q.Messages {
		d.pushes[m.Key] = m
	}
}

func (d *demo) untilSettled(ctx context.Context, shop *child) error {
	return d.until(ctx, shop, "nothing is pending", func(ctx context.Context) (bool, error) {
		pending, parked, err := d.inQueue(ctx)
		if err == nil && parked > 0 {
			shop.kill()
			err = fmt.Errorf("%d pushes were parked: %w", parked, shop.problem())
		}
		return err == nil && pending == 0, err
	})
}
