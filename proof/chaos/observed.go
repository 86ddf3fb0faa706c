package chaos

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// course is one person's registration on Elevate, and addOn one add-on of one
// person at Notified.
type course struct{ person, product string }

type addOn struct {
	person string
	show   int64
	key    int64
}

// call is one call in a sandbox's journal.
type call struct {
	at    time.Time
	fault elevatetest.FaultKind
}

// row is a message as the outbox keeps it.
type row struct {
	key    string
	state  outbox.State
	reason string
}

// observed is all that a run left behind: at the platforms, as they tell it
// themselves, and in the outbox.
type observed struct {
	// persons, seats, courses, mails and addOns are how often each is there.
	persons map[string]int // both platforms', the name before the ID
	seats   map[seat]int
	courses map[course]int
	mails   map[course]int
	addOns  map[addOn]int
	// calls are the journals, by platform and key.
	calls map[string][]call
	// late counts the deliveries that timed out, by platform and key.
	late map[string]int
	// violations are what the sandboxes found wrong with calls.
	violations []string
	// rows are the outbox's, by what they are about.
	rows map[push][]row
}

func newObserved() *observed {
	return &observed{
		persons: map[string]int{}, seats: map[seat]int{}, courses: map[course]int{}, mails: map[course]int{},
		addOns: map[addOn]int{}, calls: map[string][]call{}, late: map[string]int{}, rows: map[push][]row{},
	}
}

// observe reads the sandboxes and the outbox.
func observe(ctx context.Context, p *platforms, store *sqlstore.Store, late *timeouts) (*observed, error) {
	o := newObserved()
	o.late = late.count
	o.readElevate(p)
	o.readNotified(p)
	return o, o.readOutbox(ctx, store)
}

func (o *observed) readElevate(p *platforms) {
	for _, person := range p.elevate.Persons() {
		o.persons[toElevate+" "+string(person.User.ID)]++
	}
	for _, r := range p.elevate.Registrations() {
		o.courses[course{string(r.UserID), r.RemoteProductID}]++
	}
	for _, m := range p.elevate.Mails() {
		o.mails[course{string(m.UserID), m.RemoteProductID}]++
	}
	for _, c := range p.elevate.Journal() {
		at := toElevate + " " + c.Key
		o.calls[at] = append(o.calls[at], call{c.Time, c.Fault})
		o.violations = append(o.violations, c.Violations...)
	}
}

// readNotified counts an add-on as often as a call says that it added it, for
// the sandbox keeps each once.
func (o *observed) readNotified(p *platforms) {
	for _, person := range p.notified.Persons(area) {
		o.persons[toNotified+" "+person.ID]++
	}
	for _, r := range p.notified.Registrations(area) {
		o.seats[seat{r.Person.ID, r.Show, r.PackageKey}]++
		for _, k := range r.AddOns {
			o.addOns[addOn{r.Person.ID, r.Show, k}] = max(1, o.addOns[addOn{r.Person.ID, r.Show, k}])
		}
	}
	added := map[addOn]int{}
	for _, c := range p.notified.Journal() {
		at := toNotified + " " + c.Key
		o.calls[at] = append(o.calls[at], call{c.Time, c.Fault})
		o.violations = append(o.violations, c.Violations...)
		for _, k := range c.Added {
			added[addOn{c.User, c.Show, k}]++
		}
	}
	for a, n := range added {
		if o.addOns[a] > 0 {
			o.addOns[a] = n
		}
	}
}

// allStates are those in which a message can be.
var allStates = []outbox.State{
	outbox.StatePending, outbox.StateParked, outbox.StateHeld, outbox.StateDelivered, outbox.StateAlreadyDone,
	outbox.StateDiscarded, outbox.StateMarkedDone, outbox.StateReplaced, outbox.StateWithdrawn,
}

func (o *observed) readOutbox(ctx context.Context, store *sqlstore.Store) error {
	for after := outbox.ID(0); ; {
		records, err := store.Find(ctx, outbox.Query{States: allStates, AfterID: after, Limit: 5000})
		if err != nil || len(records) == 0 {
			return err
		}
		for _, r := range records {
			at, err := about(r)
			if err != nil {
				return err
			}
			o.rows[at] = append(o.rows[at], row{r.Key, r.State, r.Reason})
		}
		after = records[len(records)-1].ID
	}
}

// about reads from a message's facts, without the library, which push it is.
func about(r outbox.Record) (push, error) {
	var facts struct {
		Product string `json:"remote_product_id"`
		Show    int64  `json:"show_key"`
		AddOns  []struct {
			Keys []int64 `json:"keys"`
		} `json:"add_ons"`
	}
	if err := json.Unmarshal(r.Facts, &facts); err != nil {
		return push{}, err
	}
	at := push{platform: r.Destination, order: r.Subject, person: r.Person, what: facts.Product}
	switch {
	case facts.Show != 0:
		var keys []int64
		for _, l := range facts.AddOns {
			keys = append(keys, l.Keys...)
		}
		at.what = showAndKeys(facts.Show, slices.Compact(keys))
	case facts.Product == "" && len(r.Items) > 0:
		at.what = r.Items[0]
	}
	return at, nil
}
