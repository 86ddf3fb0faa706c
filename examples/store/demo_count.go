package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/examples/store/shop"
	"github.com/amsbridge/amsbridge/outbox"
)

// tally is what the journals say of one push.
type tally struct{ calls, effects, repeats int }

// tallies reads both platforms' journals, by the pushes' keys.
func (d *demo) tallies() map[string]tally {
	out := map[string]tally{}
	count := func(key string, effect, repeat bool) {
		t := out[key]
		t.calls++
		if effect {
			t.effects++
		}
		if repeat {
			t.repeats++
		}
		out[key] = t
	}
	for _, c := range d.sites.Elevate.API.Journal() {
		count(c.Key, c.Effect, c.Repeat)
	}
	for _, c := range d.sites.Notified.API.Journal() {
		if c.OpCodes != "T" { // a login ticket is no push
			count(c.Key, c.Effect, c.Repeat)
		}
	}
	return out
}

// delivered counts the pushes whose effect the platforms have. It returns an
// error for one that took effect other than once, or that nobody queued.
func (d *demo) delivered() (int, error) {
	all := d.tallies()
	for key, t := range all {
		if _, ok := d.pushes[key]; !ok {
			return 0, fmt.Errorf("a platform was sent the key %q, which no committed order queued", key)
		}
		if t.effects != 1 {
			return 0, fmt.Errorf("the push %s took effect %d times", key, t.effects)
		}
	}
	for key, destination := range d.pushes {
		if all[key].calls == 0 {
			return 0, fmt.Errorf("the push %s to %s is in no journal", key, destination)
		}
	}
	return len(all), nil
}

// eachOnce compares the platforms' state with the first order, and shows what
// was repeated.
func (d *demo) eachOnce(ctx context.Context) error {
	delivered, err := d.delivered()
	if err != nil {
		return err
	}
	registrations := d.sites.Elevate.API.Registrations()
	seen := map[string]bool{}
	for _, r := range registrations {
		at := string(r.UserID) + " on " + r.RemoteProductID
		if seen[at] {
			return fmt.Errorf("%s is registered twice", at)
		}
		seen[at] = true
	}
	wanted := []string{"9985", "10400", "10401"}
	if len(registrations) != 2 || !slices.Equal(d.addOns(buyer()), wanted) {
		return fmt.Errorf("2 registrations and the add-ons %v were expected, %d and %v are there", wanted, len(registrations), d.addOns(buyer()))
	}
	all, repeats := d.tallies(), map[string]int{}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		t, to := all[key], d.pushes[key]
		d.say("%s, key %s: calls %d, of them repeats %d, effects %d", to, key, t.calls, t.repeats, t.effects)
		repeats[to] += t.repeats
	}
	if repeats[shop.ToElevate] == 0 || repeats[shop.ToNotified] == 0 {
		return errors.New("each platform was expected to be called again")
	}
	records, err := d.bridge.store.Find(ctx, outbox.Query{Subject: d.committed[0]})
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.State != outbox.StateDelivered && r.State != outbox.StateAlreadyDone {
			return fmt.Errorf("the push %s is %s in the outbox", r.Key, r.State)
		}
	}
	d.say("%d pushes delivered, each once: %d registrations and the add-ons %s; %d calls were repeats under the same key, as is to be expected after a kill",
		delivered, len(registrations), strings.Join(wanted, ", "), repeats[shop.ToElevate]+repeats[shop.ToNotified])
	var mails int
	if err := d.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM shop_mail`).Scan(&mails); err != nil {
		return err
	}
	d.say("the shop's own mails: %d, one for each push that was delivered", mails)
	if mails != delivered {
		return errors.New("one mail for each push was expected")
	}
	return nil
}

// addOns are those that a member has at Notified.
func (d *demo) addOns(member amsbridge.User) (keys []string) {
	for _, k := range d.sites.Notified.API.AddOns(string(member.ID), shop.AnnualMeeting) {
		keys = append(keys, strconv.FormatInt(k, 10))
	}
	return keys
}

// buyer is whose orders the demo plays.
func buyer() amsbridge.User { return shop.Members()[0].User }
