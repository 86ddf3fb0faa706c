package outbox

import (
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// mostAtOnce is how many rows a read returns at most, and how many of one kind a query may name.
const mostAtOnce = 10_000

// Group counts messages of one destination, state and reason.
type Group struct {
	Destination string
	State       State
	// Reason is [Record.Reason] of messages in the queue, and empty for those that left it.
	Reason string
	Count  int
	// First and Last are the lowest and the greatest ID among them.
	First, Last ID
}

// AttemptQuery selects entries of messages' logs: by message, and of each the oldest first.
type AttemptQuery struct {
	// IDs are the messages, at most 10,000. Required. One that does not exist has no entries.
	IDs []ID
	// AfterID and AfterN return what follows this entry, for paging: ID and N of the last one of the page
	// before.
	AfterID ID
	AfterN  int
	// Limit is the most entries that are returned: 1 to 10,000. Defaults to 1,000.
	Limit int
}

// Check returns an *amsbridge.InputError unless the query names messages and its limit is in range.
func (q AttemptQuery) Check() error {
	if len(q.IDs) == 0 || len(q.IDs) > mostAtOnce {
		return check.Bad("outbox", "AttemptQuery.IDs", "are not 1 to 10,000")
	}
	return checkLimit("AttemptQuery", q.Limit)
}

// AuditQuery selects operators' actions that match all fields that are set. None need be.
type AuditQuery struct {
	// ID selects actions on this message.
	ID ID
	// Destination selects actions on it and on its messages, and those on everything.
	Destination string
	// Subject selects actions on its tasks and its messages; of one Association alone, where that is set.
	Subject, Association string
	// Actor selects by [Actor].Name, byte for byte.
	Actor string
	Verbs []Verb
	// From and To select by time: from From on, and before To. A day's actions are found without reading
	// older ones. Where the database's clock was set back, some of that time may be missing.
	From, To time.Time
	// BeforeN returns only actions with a lower [AuditEntry].N, for paging.
	BeforeN int64
	// Limit is the most actions that are returned: 1 to 10,000. Defaults to 1,000.
	Limit int
}

// Check returns an *amsbridge.InputError unless the limit is in range and an association has its subject.
func (q AuditQuery) Check() error {
	if q.Association != "" && q.Subject == "" {
		return check.Bad("outbox", "AuditQuery.Association", "is set without a Subject")
	}
	if err := checkTimes("AuditQuery", "", q.From, q.To); err != nil {
		return err
	}
	return checkLimit("AuditQuery", q.Limit)
}

// TaskQuery selects open tasks that match all fields that are set. None need be.
type TaskQuery struct {
	// Subject selects tasks of this subject of Association, which is empty for none. Without a Subject an
	// Association selects those of all its subjects.
	Association, Subject string
	// From and To select by [OpenTask].Since: from From on, and before To.
	From, To time.Time
	// After returns what follows this task, for paging: the last one of the page before. An order that
	// is reported in between may move its tasks to a later page.
	After OpenTask
	// Limit is the most tasks that are returned: 1 to 10,000. Defaults to 1,000.
	Limit int
}

// Check returns an *amsbridge.InputError unless the limit is in range.
func (q TaskQuery) Check() error {
	if err := checkTimes("TaskQuery", "", q.From, q.To); err != nil {
		return err
	}
	return checkLimit("TaskQuery", q.Limit)
}

// Check returns an *amsbridge.InputError unless the query selects something and its limits are in range.
func (q Query) Check() error {
	if !q.selects() {
		return check.Bad("outbox", "Query", "selects by none of IDs, Subject, Person, Keys, States, CreatedFrom and FailedFrom")
	}
	return q.CheckGroups()
}

// CheckGroups is Check for [Inspector.Groups], where a query need not select anything.
func (q Query) CheckGroups() error {
	switch {
	case q.Person == "" && q.Subject == "" && q.Association != "":
		return check.Bad("outbox", "Query.Association", "is set without a Person or a Subject")
	case len(q.IDs) > mostAtOnce:
		return check.Bad("outbox", "Query.IDs", "has more than 10,000 entries")
	case len(q.Keys) > mostAtOnce:
		return check.Bad("outbox", "Query.Keys", "has more than 10,000 entries")
	}
	for _, s := range q.States {
		if s > StateWithdrawn {
			return check.Bad("outbox", "Query.States", "has one that does not exist")
		}
	}
	if err := checkTimes("Query", "Created", q.CreatedFrom, q.CreatedTo); err != nil {
		return err
	}
	if q.FailedFrom.IsZero() && !q.FailedTo.IsZero() {
		return check.Bad("outbox", "Query.FailedTo", "is set without FailedFrom")
	}
	if err := checkTimes("Query", "Failed", q.FailedFrom, q.FailedTo); err != nil {
		return err
	}
	return checkLimit("Query", q.Limit)
}

func (q Query) selects() bool {
	return len(q.IDs) > 0 || q.Subject != "" || q.Person != "" || len(q.Keys) > 0 || len(q.States) > 0 ||
		!q.CreatedFrom.IsZero() || !q.FailedFrom.IsZero()
}

func checkTimes(of, prefix string, from, to time.Time) error {
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		return check.Bad("outbox", fmt.Sprintf("%s.%sTo", of, prefix), fmt.Sprintf("is before %sFrom", prefix))
	}
	return nil
}

func checkLimit(of string, limit int) error {
	if limit < 0 || limit > mostAtOnce {
		return check.Bad("outbox", of+".Limit", "is not from 1 to 10,000")
	}
	return nil
}
