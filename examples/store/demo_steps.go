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
	"github.com/amsbridge/amsbridge/examples/store/platforms"
	store "github.com/amsbridge/amsbridge/examples/store/shop"
	"github.com/amsbridge/amsbridge/outbox"
)

// killBeforeSend commits an order in a shop without a sender, and kills it.
func (d *demo) killBeforeSend(ctx context.Context) error {
	o := store.NewOrder(buyer(), "course-infection", "track-leadership", "event-gala", "book-handbook")
	d.say("cart of %s: %s", o.Buyer.ID, products(o))
	shop, err := d.start(ctx, childJob{Place: o})
	if err != nil {
		return err
	}
	defer shop.kill()
	queued := d.note(o, shop.report.Report)
	left := len(shop.report.Report.Entries) - queued
	d.say("order %s committed by process %d: %d pushes queued in its transaction, %d line left to the shop, %d to do for staff",
		o.ID, shop.report.PID, queued, left, len(shop.report.Report.NeedsStaff()))
	if queued != 4 || left != 1 || len(shop.report.Report.NeedsStaff()) != 0 {
		return errors.New("4 pushes, 1 line left to the shop and nothing for staff were expected")
	}
	shop.kill()
	records, err := d.bridge.store.Find(ctx, outbox.Query{Subject: o.ID, States: []outbox.State{outbox.StatePending}})
	if err != nil {
		return err
	}
	calls := len(d.sites.Elevate.API.Journal()) + len(d.sites.Notified.API.Journal())
	d.say("SIGKILL between COMMIT and send: %d pushes stand in the outbox, the platforms saw %d calls", len(records), calls)
	if len(records) != queued || calls != 0 {
		return errors.New("every push was expected in the outbox, and no call")
	}
	return nil
}

// killBeforeSettlement has both platforms hold their first answer back once
// they have done what was asked, and kills the shop then.
func (d *demo) killBeforeSettlement(ctx context.Context) error {
	onElevate, onNotified := elevatetest.NewHold(), elevatetest.NewHold()
	d.sites.Elevate.API.Misbehave(elevatetest.Fault{Kind: elevatetest.HoldAfter, Hold: onElevate})
	d.sites.Notified.API.Misbehave(elevatetest.Fault{Kind: elevatetest.HoldAfter, Hold: onNotified})
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
		len(d.sites.Elevate.API.Registrations()), strings.Join(d.addOns(buyer()), " and "), pending)
	if len(d.sites.Elevate.API.Registrations()) != 1 || len(d.addOns(buyer())) == 0 || pending != len(d.pushes) {
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
	d.say("restart as process %d: it waits until the dead sender's session is over (%s)", shop.report.PID, demoSender().Session)
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
	other := store.Members()[1].User
	lost := store.NewOrder(other, "course-ethics", "event-workshop")
	kept := store.NewOrder(other, "course-infection")
	shop, err := d.start(ctx, childJob{Sending: true, RollBack: lost, Place: kept})
	if err != nil {
		return err
	}
	defer shop.kill()
	d.note(kept, shop.report.Report)
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
	for _, c := range d.sites.Elevate.API.Journal() {
		if c.RemoteProductID == "course-ethics" {
			calls++
		}
	}
	calls += len(d.addOns(lost.Buyer))
	for _, c := range d.sites.Notified.API.Journal() {
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

// changed has an order change after it was delivered: a learner is replaced, the
// line refunded, and the refund undone. A running shop sends it.
func (d *demo) changed(ctx context.Context) error {
	james, aiko := store.Members()[1].User, store.Members()[2].User
	o := store.NewOrder(james, "event-gala")
	shop, err := d.start(ctx, childJob{Sending: true, Place: o})
	if err != nil {
		return err
	}
	defer shop.kill()
	d.note(o, shop.report.Report)
	till, refund := store.Till{DB: d.db, Hook: d.bridge.hook}, ""
	for _, change := range []struct {
		name string
		make func() (*amsbridge.Report, error)
		// Whether James and Aiko have the gala afterwards.
		james, aiko bool
	}{
		{"bought for James", func() (*amsbridge.Report, error) { return &amsbridge.Report{}, nil }, true, false},
		{"handed to Aiko", func() (*amsbridge.Report, error) {
			return till.Hand(ctx, o.ID, "1", 0, james.ID, aiko.ID)
		}, false, true},
		{"refunded", func() (r *amsbridge.Report, err error) {
			refund, r, err = till.Refund(ctx, o.ID, "1")
			return r, err
		}, false, false},
		{"the refund undone", func() (*amsbridge.Report, error) { return till.Undo(ctx, o.ID, refund) }, false, true},
	} {
		report, err := change.make()
		if err != nil {
			return fmt.Errorf("%s: %w", change.name, err)
		}
		d.note(o, report)
		if err := d.untilSettled(ctx, shop); err != nil {
			return fmt.Errorf("%s: %w", change.name, err)
		}
		if len(d.addOns(james)) == 1 != change.james || len(d.addOns(aiko)) == 1 != change.aiko {
			return fmt.Errorf("%s: James has the add-ons %v, Aiko %v", change.name, d.addOns(james), d.addOns(aiko))
		}
	}
	d.say("order %s of %s: replaced by %s, refunded, the refund undone; after each change the one who is owed the gala has it, and nobody else",
		o.ID, james.ID, aiko.ID)
	return shop.stop()
}

// walkIn hands a member over as the shop does, and takes what it got to the
// platforms by HTTP.
func (d *demo) walkIn(ctx context.Context) error {
	sso, err := newSSO(d.keys, func(context.Context, amsbridge.SSOEvent) {})
	if err != nil {
		return err
	}
	member := buyer()
	token, err := sso.HandOff(ctx, amsbridge.HandOffRequest{Audience: store.ToElevate, User: member})
	if err != nil {
		return err
	}
	ticket, err := d.bridge.notified.MintTicket(ctx, member.ID, amsbridge.Product{ShowKey: store.AnnualMeeting})
	if err != nil {
		return err
	}
	login := d.sites.Elevate.URL + platforms.LoginPath
	for _, visit := range []struct {
		what, method, to string
		token            string
		want             int
	}{
		{"a token that the shop did not sign", http.MethodPost, login, token[:len(token)-8] + "AAAAAAAA", http.StatusForbidden},
		{"the token", http.MethodPost, login, token, http.StatusSeeOther},
		{"the token once more", http.MethodPost, login, token, http.StatusForbidden},
		{"the ticket", http.MethodGet, ticket, "", http.StatusSeeOther},
		{"the ticket once more", http.MethodGet, ticket, "", http.StatusForbidden},
	} {
		status, err := call(ctx, visit.method, visit.to, url.Values{"token": {visit.token}})
		if err != nil {
			return err
		}
		if status != visit.want {
			return fmt.Errorf("%s was answered with %d where %d was expected", visit.what, status, visit.want)
		}
	}
	registered := d.sites.Elevate.API.Registrations()[0].UserID
	for _, in := range [][]amsbridge.UserID{d.sites.Elevate.Arrived(), d.sites.Notified.Arrived()} {
		if len(in) != 1 || in[0] != member.ID || in[0] != registered {
			return errors.New("the member alone was expected to have walked in, by the ID of the registration")
		}
	}
	d.say("hand-off by a signed token to Elevate and by a login ticket to Notified: %s walked in, the ID of the registration; both were refused when used again",
		member.ID)
	return nil
}

// call is the form of a page of the shop. It does not follow redirects, and says nothing of a URL that failed: it may
// hold a ticket.
func call(ctx context.Context, method, to string, form url.Values) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, errors.New("the platform's URL is none")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", shopIssuer)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, errors.New("the platform did not answer")
	}
	return resp.StatusCode, resp.Body.Close()
}

func products(o store.Order) string {
	var all []string
	for _, l := range o.Lines {
		all = append(all, l.Product)
	}
	return strings.Join(all, ", ")
}

// note remembers what a committed report queued, and counts it.
func (d *demo) note(o store.Order, report *amsbridge.Report) (queued int) {
	d.committed = append(d.committed, o.ID)
	for _, e := range report.Entries {
		if e.Did == amsbridge.DidQueued || e.Did == amsbridge.DidTakingBack {
			d.pushes[e.Key] = e.Destination
			queued++
		}
	}
	return queued
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
