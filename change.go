package amsbridge

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// change is what one call of the hook makes of an order: its next entry, and the messages of it.
type change struct {
	cfg   HookConfig
	order Order
	last  outbox.Entry
	st    *orderState // becomes the next entry's
	look  func(productID string) (mapping, error)
	find  func(keys []string) (map[string]outbox.Record, error)
	trace string

	// rising is set where the report is surely newer than the last.
	rising bool
	// reversal is the refund that the call reverses, and reversed are its lines.
	reversal string
	reversed map[string]bool
	erased   map[string]bool // keys of messages

	msgs   []outbox.Message
	tasks  []outbox.Task
	report *Report

	earlier map[string]string        // IDs of the last entry's tasks by their names
	of      map[string][]outbox.Task // the last entry's tasks by their lines
	listed  map[string]bool          // names of tasks
}

// The kinds of an order's tasks. Kept ones, and those that others listed, stay until a person marks them
// done; the rest as long as the reports give reason to them.
const (
	taskOpen    = "open"
	taskWhose   = "whose"
	taskMapping = "mapping"
	taskProfile = "profile"
	taskGone    = "gone"
	taskKept    = "kept"
	taskOdd     = "odd"
)

// maxOdd is how many tasks an order has at most of reports that are no sound ones of it: those under an
// ID that is no order's own can go on for ever. They are all told; the first are listed.
const maxOdd = 50

// task lists a task. It is that of an earlier entry if its words are the same, and what it is about: texts
// do not name people, so about says which. One that was gone meanwhile is another one.
func (c *change) task(kind, line, text string, about ...string) {
	t := outbox.Task{Text: outbox.CutText(text, outbox.MaxReason)}
	if line != "" {
		t.Items = []string{outbox.CutText(line, 255)}
	}
	sum := hashOf(append([]string{line, t.Text}, about...)...)
	name := kind + "-" + base64.RawURLEncoding.EncodeToString(sum[:12])
	if c.earlier == nil {
		c.earlier = make(map[string]string, len(c.last.Tasks))
		for _, o := range c.last.Tasks {
			c.earlier[nameOf(o)] = o.ID
		}
	}
	if id, ok := c.earlier[name]; ok {
		t.ID = id
	} else {
		t.ID, t.New = name+"."+strconv.Itoa(c.last.N), true
	}
	c.list(t)
}

// list lists a task once.
func (c *change) list(t outbox.Task) {
	if c.listed == nil {
		c.listed = map[string]bool{}
	}
	if name := nameOf(t); !c.listed[name] {
		c.listed[name] = true
		c.tasks = append(c.tasks, t)
	}
}

// unlist takes tasks off the list.
func (c *change) unlist(which func(outbox.Task) bool) {
	c.tasks = slices.DeleteFunc(c.tasks, func(t outbox.Task) bool {
		gone := which(t)
		if gone {
			delete(c.listed, nameOf(t))
		}
		return gone
	})
}

// nameOf is a task's ID without the number of the entry that listed it first.
func nameOf(t outbox.Task) string {
	name, _, _ := strings.Cut(t.ID, ".")
	return name
}

func kindOf(t outbox.Task) string {
	switch kind, _, _ := strings.Cut(t.ID, "-"); kind {
	case taskOpen, taskWhose, taskMapping, taskProfile, taskGone, taskOdd:
		return kind
	}
	return taskKept
}

// keep carries tasks of the last entry over for which the function is true.
func (c *change) keep(carry func(kind, line string) bool) {
	for _, t := range c.last.Tasks {
		if carry(kindOf(t), lineOf(t)) {
			t.New = false
			c.list(t)
		}
	}
}

// keepOf carries tasks of a line over that this report says nothing about.
func (c *change) keepOf(line string, kinds ...string) {
	if c.of == nil {
		c.of = make(map[string][]outbox.Task, len(c.last.Tasks))
		for _, t := range c.last.Tasks {
			c.of[lineOf(t)] = append(c.of[lineOf(t)], t)
		}
	}
	for _, t := range c.of[line] {
		if slices.Contains(kinds, kindOf(t)) {
			t.New = false
			c.list(t)
		}
	}
}

// lineOf is the line that a task is about, empty for none.
func lineOf(t outbox.Task) string {
	if len(t.Items) == 0 {
		return ""
	}
	return t.Items[0]
}

// staff lists a task that stays until it is done, and tells it.
func (c *change) staff(line, text string, about ...string) {
	c.needsStaff(taskKept, line, text, about...)
}

// odd tells of a report that is no sound one of this order, and lists its task.
func (c *change) odd(text string, about ...string) {
	c.say(Entry{Did: DidNeedsStaff, Text: text})
	odd := 0
	for _, t := range c.tasks {
		if kindOf(t) == taskOdd {
			odd++
		}
	}
	if odd < maxOdd {
		c.task(taskOdd, "", text, about...)
	}
}

func (c *change) say(e Entry) { c.report.Entries = append(c.report.Entries, e) }

// entry is the next entry, and whether it says anything new.
func (c *change) entry(subject string) (outbox.Entry, bool) {
	e := outbox.Entry{
		Association: c.order.Association, Subject: subject, N: c.last.N + 1, Body: c.st.encode(), Tasks: c.tasks,
	}
	if len(e.Body) > outbox.MaxBody { // no checkout fails for it
		c.msgs, c.report.Entries = nil, nil
		c.unlist(func(outbox.Task) bool { return true })
		c.keepAll()
		c.staff("", "the order is too large: nothing of this report was given or taken")
		if e.Body, e.Tasks = c.last.Body, c.tasks; c.last.N == 0 {
			e.Body = (&orderState{}).encode()
		}
	}
	if most := mostTasks(c.tasks); len(c.tasks) > most {
		c.tasks = c.tasks[:most]
		c.task(taskKept, "", "the order has more tasks than are listed: see the log")
		e.Tasks = c.tasks
	}
	switch {
	case len(c.msgs) > 0, len(c.tasks) != len(c.last.Tasks), slices.ContainsFunc(c.tasks, func(t outbox.Task) bool { return t.New }):
		return e, true
	case c.last.N > 0:
		return e, !bytes.Equal(e.Body, c.last.Body)
	}
	// What brings nothing for any platform is not kept, but for refunds that wait for their order.
	return e, len(c.st.Refunds) > 0 || c.granted()
}

// maxTaskBytes is how long an entry's tasks may be, so that it fits beside [outbox.MaxBody] into the 16 MiB
// that MariaDB takes at once by default, where texts take twice their bytes at worst and the body 4/3.
const maxTaskBytes = 2 << 20

// mostTasks is how many of the tasks are listed.
func mostTasks(tasks []outbox.Task) int {
	bytes := 0
	for i, t := range tasks {
		b, _ := json.Marshal(t) // it always encodes
		if bytes += len(b) + 1; bytes > maxTaskBytes || i == outbox.MaxTasks {
			return min(i, outbox.MaxTasks) - 1
		}
	}
	return len(tasks)
}

func (c *change) granted() bool {
	for _, l := range c.st.Lines {
		for _, s := range l.Seats {
			if len(s.Grants) > 0 {
				return true
			}
		}
	}
	return false
}

func (c *change) seatOf(line string, person UserID) seat {
	return seat{c.order.Association, c.order.ID, line, string(person)}
}

// destination is where an item goes.
func (c *change) destination(item Item) string {
	name := c.cfg.Notified
	if item.RemoteProductID != "" {
		name = c.cfg.Elevate
	}
	return name + suffix(c.order.Association)
}

// give gives an item to the person of a seat, as the grant's next turn. Elevate takes nobody without a
// sound name and address: the grant waits for them, and a task says so.
func (c *change) give(l *lineState, s *seatState, u User, item Item) {
	g := s.grant(c.destination(item), item)
	if field, problem := u.profileProblem(); problem != "" && item.RemoteProductID != "" && !c.cfg.ProfileAtSend {
		g.Waits = g.Taken
		text := "line " + l.ID + ": attendee's " + field + " " + problem
		c.say(Entry{LineID: l.ID, Person: u.ID, Destination: g.To, Item: item.String(), Did: DidNeedsStaff, Text: text})
		c.task(taskProfile, l.ID, text, s.Hash)
		return
	}
	g.Turn, g.Taken, g.Waits, g.Back = g.Turn+1, false, false, false
	m := grantMessage(g.To, c.seatOf(l.ID, u.ID), item, g.Turn, KindGive, c.order.Backfill)
	m.TraceContext = c.trace
	if !c.cfg.ProfileAtSend {
		m.Profile = profileOf(u)
		s.Profile = profileHash(s.Hash, u)
	}
	c.say(entryOf(l.ID, u.ID, m, item, DidQueued))
	c.msgs = append(c.msgs, c.cfg.Seal.Seal(m))
}

// take takes a grant back.
func (c *change) take(l *lineState, g *grantState, person UserID) {
	g.Taken, g.Back = true, false
	m := grantMessage(g.To, c.seatOf(l.ID, person), g.Item, g.Turn, KindTake, false)
	m.TraceContext = c.trace
	c.msgs = append(c.msgs, m)
	c.say(entryOf(l.ID, person, m, g.Item, DidTakingBack))
}

// takeSeat takes all grants of a seat back. Where its person was erased, or its messages were forgotten,
// nobody knows from whom: a person must do it.
func (c *change) takeSeat(l *lineState, s *seatState) error {
	for _, g := range s.Grants {
		g.Waits = false
	}
	granted := s.granted()
	if len(granted) == 0 {
		return nil
	}
	person, err := c.person(s)
	if err != nil {
		return err
	}
	for _, g := range granted {
		if person != "" {
			c.take(l, g, person)
			continue
		}
		g.Taken = true
		c.staff(l.ID, "line "+l.ID+" was given back, and its person was erased or forgotten: end by hand what "+
			g.To+" still has of them ("+g.Item.String()+")", s.Hash)
	}
	return nil
}

// person returns who holds a seat, by a message of theirs; empty where that is not known any more.
func (c *change) person(s *seatState) (UserID, error) {
	if c.isErased(s) {
		return "", nil
	}
	keys := make([]string, len(s.Grants))
	for i, g := range s.Grants {
		keys[i] = g.key(s)
	}
	found, err := c.find(keys)
	if err != nil {
		return "", err
	}
	for _, r := range found {
		if _, _, ok := grantOf(r.Message); ok {
			return UserID(r.Person), nil
		}
	}
	return "", nil
}

func entryOf(line string, person UserID, m outbox.Message, item Item, did Did) Entry {
	return Entry{LineID: line, Person: person, Destination: m.Destination, Item: item.String(), Key: m.Key, Did: did}
}
