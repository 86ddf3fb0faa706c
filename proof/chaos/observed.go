package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
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

// row is a message as the outbox keeps it, or a task of an order.
type row struct {
	key    string
	take   bool
	turn   int
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
	// gains are how often each add-on was added anew.
	gains map[addOn]int
	// calls are the journals, by platform and key.
	calls map[string][]call
	// late counts the deliveries that timed out, by platform and key.
	late map[string]int
	// violations are what the sandboxes found wrong with calls.
	violations []string
	// rows are the outbox's, by what they are about; leftovers are takes of a registration
	// for a show alone.
	rows      map[push][]row
	leftovers []leftover
}

// leftover is a take of a person's registration for a show.
type leftover struct {
	person string
	show   int64
	row
}

func newObserved() *observed {
	return &observed{
		persons: map[string]int{}, seats: map[seat]int{}, courses: map[course]int{}, mails: map[course]int{},
		addOns: map[addOn]int{}, gains: map[addOn]int{}, calls: map[string][]call{}, late: map[string]int{}, rows: map[push][]row{},
	}
}

// observe reads the sandboxes and the outbox.
func observe(ctx context.Context, p *platforms, store *sqlstore.Store, late *timeouts) (*observed, error) {
	o := newObserved()
	o.late = late.count
	o.readElevate(p)
	o.readNotified(p)
	return o, errors.Join(o.readOutbox(ctx, store), o.readTasks(ctx, store))
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

func (o *observed) readNotified(p *platforms) {
	for _, person := range p.notified.Persons(area) {
		o.persons[toNotified+" "+person.ID]++
	}
	for _, r := range p.notified.Registrations(area) {
		o.seats[seat{r.Person.ID, r.Show, r.PackageKey}]++
		for _, k := range r.AddOns {
			o.addOns[addOn{r.Person.ID, r.Show, k}]++
		}
	}
	for _, e := range p.notified.Ledger() {
		if e.AddOn != 0 && !e.Lost {
			o.gains[addOn{e.User, e.Show, e.AddOn}]++
		}
	}
	for _, c := range p.notified.Journal() {
		at := toNotified + " " + c.Key
		o.calls[at] = append(o.calls[at], call{c.Time, c.Fault})
		o.violations = append(o.violations, c.Violations...)
	}
}

// allStates are those in which a message can be.
var allStates = []outbox.State{
	outbox.StatePending, outbox.StateParked, outbox.StateDelivered, outbox.StateAlreadyDone,
	outbox.StateDiscarded, outbox.StateMarkedDone, outbox.StateReplaced, outbox.StateWithdrawn,
}

func (o *observed) readOutbox(ctx context.Context, store *sqlstore.Store) error {
	for after := outbox.ID(0); ; {
		records, err := store.Find(ctx, outbox.Query{States: allStates, AfterID: after, Limit: 5000})
		if err != nil || len(records) == 0 {
			return err
		}
		for _, r := range records {
			if err := o.readMessage(r); err != nil {
				return err
			}
		}
		after = records[len(records)-1].ID
	}
}

// readMessage reads from a message's facts, without the library, which push it is about.
func (o *observed) readMessage(r outbox.Record) error {
	var facts struct {
		Turn int `json:"turn"`
		Item struct {
			Product string  `json:"remote_product_id"`
			Show    int64   `json:"show_key"`
			AddOns  []int64 `json:"add_on_keys"`
		} `json:"item"`
	}
	if err := json.Unmarshal(r.Facts, &facts); err != nil {
		return err
	}
	is := row{r.Key, r.Kind != "give", facts.Turn, r.State, r.Reason}
	at := push{
		platform: r.Destination, order: r.Subject, line: strings.Join(r.Items, ","), person: r.Person, what: facts.Item.Product,
	}
	if facts.Item.Show != 0 {
		at.what = showAndKeys(facts.Item.Show, facts.Item.AddOns)
	}
	if facts.Item.Show != 0 && len(facts.Item.AddOns) == 0 {
		o.leftovers = append(o.leftovers, leftover{r.Person, facts.Item.Show, is})
		return nil
	}
	o.rows[at] = append(o.rows[at], is)
	return nil
}

// readTasks reads the open tasks of orders: each is about a line of which no push can be made.
func (o *observed) readTasks(ctx context.Context, store *sqlstore.Store) error {
	tasks, err := store.Tasks(ctx, outbox.TaskQuery{Limit: 10_000})
	for _, t := range tasks {
		at := push{platform: toNowhere, order: t.Subject, line: strings.Join(t.Items, ",")}
		o.rows[at] = append(o.rows[at], row{state: outbox.StateParked, reason: t.Text})
	}
	return err
}
