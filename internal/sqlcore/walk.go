package sqlcore

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// walk is a query that names no messages: it reads the queue, the attempts of some time, or kept messages
// in the order of their IDs, and nothing of what else is kept.
type walk struct {
	q        outbox.Query
	d        *dialect
	from, to outbox.ID // what was created in the query's time lies between them
	args     []any
}

// walks tells whether a query names no messages.
func walks(q outbox.Query) bool {
	return len(q.IDs) == 0 && q.Subject == "" && q.Person == "" && len(q.Keys) == 0
}

// walked is the selection of a walk.
func (s *Store) walked(ctx context.Context, db Conn, q outbox.Query, page bool) (string, string, []any, error) {
	w, err := s.newWalk(ctx, db, q)
	if err != nil {
		return "", "", nil, err
	}
	from, where := s.d.byPage(w.text(page))
	return from + `
		` + s.d.standing + where, "m.id", w.args, nil
}

// newWalk prepares the walk of a query.
func (s *Store) newWalk(ctx context.Context, db Conn, q outbox.Query) (*walk, error) {
	w := &walk{q: q, d: s.d, from: q.AfterID, to: q.BeforeID}
	if !w.ofMessages() {
		return w, nil
	}
	first, end, err := s.ofTime(ctx, db, "amsbridge_message", "created_at", q.CreatedFrom, q.CreatedTo)
	if err != nil {
		return nil, err
	}
	w.from = max(w.from, outbox.ID(first-1))
	if end > 0 && (w.to == 0 || outbox.ID(end) < w.to) {
		w.to = outbox.ID(end)
	}
	return w, nil
}

// ofQueue tells whether it reads the queue alone.
func (w *walk) ofQueue() bool { return w.q.FailedFrom.IsZero() && queued(w.q.States) }

// ofMessages tells whether it reads kept messages in the order of their IDs.
func (w *walk) ofMessages() bool { return w.q.FailedFrom.IsZero() && !queued(w.q.States) }

// queued tells whether messages in these states are in the queue, all of them.
func queued(states []outbox.State) bool {
	for _, s := range states {
		if s.Final() {
			return false
		}
	}
	return len(states) > 0
}

func (w *walk) arg(v any) string {
	w.args = append(w.args, v)
	return fmt.Sprintf("?%d", len(w.args))
}

// text selects the IDs of what the walk meets, and of a walk of the queue also destination, state and
// reason. A page has an order and a limit. Both ends are always given: without statistics PostgreSQL
// takes a range for short only if it has two.
func (w *walk) text(page bool) string {
	columns, table, id, group := "w.id, w.destination, w.state, w.reason", "amsbridge_queue w", "w.id", ""
	var where []string
	switch {
	case w.ofQueue():
		where = append(where, w.d.statesIn("w.state", w.q.States)...)
		where = append(where, w.equal("w.destination", w.q.Destination)...)
		if w.q.Reason != "" {
			where = append(where, "w.reason = "+w.arg(w.q.Reason))
		}
		where = append(where, w.message("w.id", false)...)
	case w.ofMessages():
		columns, table, id = "x.id", "amsbridge_message x", "x.id"
		where = w.conditions(true)
	default:
		columns, table, id = "f.message_id"+w.d.offIndex+" AS id", "amsbridge_attempt f"+w.d.byAttemptTime, "f.message_id"+w.d.offIndex
		where = append(where, w.failed("f")...)
		where = append(where, w.message("f.message_id", true)...)
		group = " GROUP BY " + id
	}
	where = append(where, id+" > "+w.arg(w.from), id+" < "+w.arg(cmp.Or(w.to, math.MaxInt64)))
	text := "SELECT " + columns + " FROM " + table + " WHERE " + strings.Join(where, " AND ") + group
	if page {
		text += " ORDER BY " + id + direction(w.q) + " LIMIT " + w.arg(cmp.Or(w.q.Limit, 1000))
	}
	return text
}

func direction(q outbox.Query) string {
	if q.Newest {
		return " DESC"
	}
	return ""
}

// message is the condition on the message with that ID. It is asked for each row: a planner that could
// join would rather read all messages.
func (w *walk) message(id string, state bool) []string {
	conditions := w.conditions(state)
	if len(conditions) == 0 {
		return nil
	}
	return []string{"(SELECT CASE WHEN " + strings.Join(conditions, " AND ") + " THEN 1 ELSE 0 END FROM amsbridge_message x WHERE x.id = " + id + ") = 1"}
}

// conditions are those on a message x; with its state, which is read for each, and its destination.
func (w *walk) conditions(state bool) []string {
	where := w.equal("x.scope", w.q.Scope)
	where = append(where, w.created("x")...)
	if !state {
		return where
	}
	where = append(where, w.equal("x.destination", w.q.Destination)...)
	const queue = " FROM amsbridge_queue w WHERE w.id = x.id)"
	if w.q.Reason != "" {
		where = append(where, "(SELECT w.reason"+queue+" = "+w.arg(w.q.Reason))
	}
	if len(w.q.States) > 0 {
		where = append(where, w.d.statesIn("COALESCE((SELECT w.state"+queue+
			", (SELECT l.state FROM amsbridge_attempt l WHERE l.message_id = x.id ORDER BY l.n DESC LIMIT 1))", w.q.States)...)
	}
	return where
}

// ofLookup are conditions on a message m that is looked up, beside those that it is looked up by.
func (w *walk) ofLookup(id string) []string {
	where := w.created("m")
	if w.q.Person == "" && w.q.Association != "" {
		where = append(where, ofAssociation(w.d, "m.destination", w.arg(suffix(w.q.Association))))
	}
	if w.q.Reason != "" {
		where = append(where, "q.reason = "+w.arg(w.q.Reason))
	}
	if !w.q.FailedFrom.IsZero() { // counted, so that it is asked for each message
		where = append(where, "(SELECT COUNT(*) FROM amsbridge_attempt f WHERE f.message_id = m.id AND "+
			strings.Join(w.failed("f"), " AND ")+") > 0")
	}
	if w.q.BeforeID > 0 {
		where = append(where, id+" < "+w.arg(w.q.BeforeID))
	}
	return where
}

func (w *walk) equal(column, value string) []string {
	if value == "" {
		return nil
	}
	return []string{column + " = " + w.arg([]byte(value))}
}

// created and failed are the conditions of time, on a message and on an attempt.
func (w *walk) created(m string) []string {
	return w.between(m+".created_at", w.q.CreatedFrom, w.q.CreatedTo)
}

func (w *walk) failed(f string) []string {
	to := w.q.FailedTo
	if to.IsZero() {
		to = time.UnixMicro(math.MaxInt64)
	}
	return append(w.between(f+".at", w.q.FailedFrom, to), fmt.Sprintf("(%s.outcome > %d OR %s.state = %d)",
		f, outbox.OutcomeAlreadyDone, f, outbox.StateParked))
}

func (w *walk) between(column string, from, to time.Time) (where []string) {
	if !from.IsZero() {
		where = append(where, column+" >= "+w.arg(from.UnixMicro()))
	}
	if !to.IsZero() {
		where = append(where, column+" < "+w.arg(to.UnixMicro()))
	}
	return where
}

// statesIn names states in digits, so that an index of some states is known to hold them.
func (d *dialect) statesIn(column string, states []outbox.State) []string {
	list := make([]string, len(states))
	for i, s := range states {
		list[i] = fmt.Sprint(uint8(s))
	}
	if len(list) == 1 {
		return []string{column + " = " + list[0]}
	}
	return []string{column + " IN (" + strings.Join(list, ", ") + ")"}
}

// slack is how far the order of IDs and that of times may be apart: two that insert at one moment, a clock
// that is put right.
const slack = time.Minute

// ofTime returns the first ID of a time, and the one after its last; zero for no end. IDs and times rise
// together, so that both are found by halving, and no index of times has to be kept.
func (s *Store) ofTime(ctx context.Context, db Conn, table, column string, from, to time.Time) (first, end int64, err error) {
	first = 1
	if !from.IsZero() {
		if first, err = s.idAt(ctx, db, table, column, from.Add(-slack)); err != nil {
			return 0, 0, err
		}
	}
	if !to.IsZero() {
		if end, err = s.idAt(ctx, db, table, column, to.Add(slack)); err != nil {
			return 0, 0, err
		}
	}
	return first, end, nil
}

// idAt returns the first ID from a time on.
func (s *Store) idAt(ctx context.Context, db Conn, table, column string, at time.Time) (int64, error) {
	var low, high int64
	ends := "SELECT COALESCE((SELECT MIN(id) FROM " + table + "), 1), COALESCE((SELECT MAX(id) FROM " + table + "), 0)"
	if _, err := one(ctx, db, []any{&low, &high}, ends); err != nil {
		return 0, err
	}
	next := s.d.render("SELECT id, " + column + " FROM " + table + " WHERE id >= ?1 ORDER BY id LIMIT 1")
	for high++; low < high; {
		middle := low + (high-low)/2
		id, then := high, int64(0)
		if _, err := one(ctx, db, []any{&id, &then}, next, middle); err != nil {
			return 0, err
		}
		if id < high && then < at.UnixMicro() {
			low = id + 1
		} else {
			high = middle
		}
	}
	return low, nil
}
