package sqlcore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// Find returns the messages that match, in the order of their IDs, or the newest first.
func (s *Store) Find(ctx context.Context, q outbox.Query) ([]outbox.Record, error) {
	return s.FindIn(ctx, s.db, q)
}

// FindIn does so as the transaction sees them.
func (s *Store) FindIn(ctx context.Context, db Conn, q outbox.Query) ([]outbox.Record, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	out, err := s.find(ctx, s.d.withLiterals(db), q)
	return out, s.failed("find", err)
}

func (s *Store) find(ctx context.Context, db Conn, q outbox.Query) ([]outbox.Record, error) {
	text, args, err := s.findText(ctx, db, q)
	if err != nil {
		return nil, err
	}
	var out []outbox.Record
	var rows []sending
	err = each(ctx, db, func(r Rows) error {
		rec, row, err := scanRecord(r)
		out, rows = append(out, rec), append(rows, row)
		return err
	}, text, args...)
	if err != nil || !q.InFlight || len(out) == 0 {
		return out, err
	}
	flying, err := s.flying(ctx, db, "flights")
	for i := range out {
		out[i].InFlight = flying.has(out[i].ID, rows[i])
	}
	return out, err
}

// findText builds the statement for the fields that are set.
func (s *Store) findText(ctx context.Context, db Conn, q outbox.Query) (string, []any, error) {
	from, id, args, err := s.selection(ctx, db, q, true)
	if err != nil {
		return "", nil, err
	}
	args = append(args, cmp.Or(q.Limit, 1000))
	return s.d.render(`SELECT ` + messageColumns + `,
			q.id IS NOT NULL, COALESCE(q.state, a.state, 0), COALESCE(q.due_at, 0), COALESCE(q.stamp, 0),
			COALESCE(q.put_off_at, 0), COALESCE(q.attempts, 0), COALESCE(q.lost, 0),
			COALESCE(q.doubt, a.doubt, 0), COALESCE(q.seq, a.seq, 0), COALESCE(q.reason, a.reason, ''), q.profile,
			COALESCE(a.at, 0), COALESCE(a.outcome, 0), a.receipt
		` + from + fmt.Sprintf(` ORDER BY %s%s LIMIT ?%d`, id, direction(q), len(args))), args, nil
}

// selection is the FROM and WHERE of the messages m that match, where they stand, by what they are in the
// order of their IDs, and the parameters. A page need not hold more than the query's limit.
func (s *Store) selection(ctx context.Context, db Conn, q outbox.Query, page bool) (string, string, []any, error) {
	if walks(q) {
		return s.walked(ctx, db, q, page)
	}
	var args []any
	var where []string
	add := func(arg any, condition func(n int) string) {
		args = append(args, arg)
		where = append(where, condition(len(args)))
	}
	equals := func(name, value string) {
		if value != "" {
			add([]byte(value), func(n int) string { return fmt.Sprintf("m.%s = ?%d", name, n) })
		}
	}
	in := func(condition string, kind columnKind, list any) error {
		values, err := s.d.in(s.d, &args, kind, list)
		where = append(where, fmt.Sprintf(condition, values))
		return err
	}
	hint, id := "", "m.id"
	switch {
	case len(q.IDs) > 0 || q.Subject != "":
	case q.Person != "":
		hint, id = s.d.byPerson, "m.id + 0" // not in the order of all messages
	case len(q.Keys) > 0:
		hint = s.d.byKeys
	}
	equals("destination", q.Destination)
	equals("subject", q.Subject)
	equals("person", q.Person)
	equals("scope", q.Scope)
	if q.Person != "" {
		first, last := outbox.OrderingKeys(q.Association, q.Person)
		if q.Destination != "" {
			first = outbox.Message{Destination: q.Destination, Person: q.Person}.OrderingKey()
			last = first
		}
		args = append(args, first, last)
		where = append(where, fmt.Sprintf("m.ordering_key BETWEEN ?%d AND ?%d", len(args)-1, len(args)))
		add(suffix(q.Association), func(n int) string { return ofAssociation(s.d, "m.destination", fmt.Sprintf("?%d", n)) })
	}
	if len(q.IDs) > 0 {
		if err := in("m.id IN %s", kindInt, q.IDs); err != nil {
			return "", "", nil, err
		}
	}
	if len(q.Keys) > 0 {
		keys := make([]string, len(q.Keys))
		for i, k := range q.Keys {
			keys[i] = hexed(k)
		}
		if err := in("m.key IN %s", kindBytes, keys); err != nil {
			return "", "", nil, err
		}
	}
	if len(q.States) > 0 {
		states, queued := make([]int, len(q.States)), true
		for i, st := range q.States {
			states[i], queued = int(st), queued && !st.Final()
		}
		condition := "COALESCE(q.state, a.state) IN %s"
		if queued {
			condition = "m.id IN (SELECT id FROM amsbridge_queue WHERE state IN %s)"
			if !slices.Contains(states, int(outbox.StatePending)) {
				condition = "m.id IN (SELECT id FROM amsbridge_queue WHERE state <> 0 AND state IN %s)" // the index of the rest
			}
		}
		if err := in(condition, kindInt, states); err != nil {
			return "", "", nil, err
		}
	}
	add(q.AfterID, func(n int) string { return fmt.Sprintf("%s > ?%d", id, n) })
	more := &walk{q: q, d: s.d, args: args}
	where = append(where, more.ofLookup(id)...)
	return `FROM amsbridge_message m` + hint + `
		` + s.d.standing + `
		WHERE ` + strings.Join(where, " AND "), id, more.args, nil
}

// Where messages stand: the queue's row, and the last attempt. PostgreSQL is held
// to the primary keys, for it would read all of a table that it believes small;
// and no column is read that a role may not see.
const (
	standingPlain = `LEFT JOIN amsbridge_queue q ON q.id = m.id
		LEFT JOIN amsbridge_attempt a ON a.message_id = m.id
			AND a.n = (SELECT n FROM amsbridge_attempt l WHERE l.message_id = m.id ORDER BY n DESC LIMIT 1)`
	standingLateral = `LEFT JOIN LATERAL (SELECT id, state, due_at, put_off_at, stamp, attempts, lost, doubt, seq, reason, profile
			FROM amsbridge_queue w WHERE w.id = m.id LIMIT 1) AS q ON true
		LEFT JOIN LATERAL (SELECT state, at, outcome, doubt, seq, reason, receipt
			FROM amsbridge_attempt l WHERE l.message_id = m.id ORDER BY l.n DESC LIMIT 1) AS a ON true`
)

// scanRecord reads a row. What of it is not readable does not hide the others.
func scanRecord(r Rows) (outbox.Record, sending, error) {
	var rec outbox.Record
	var row sending
	var queued bool
	var due, settled int64
	scan := messageScan{into: &rec.Message}
	err := r.Scan(append(scan.targets(), &queued, &rec.State, &due, &row.stamp, &row.putOff, &rec.Attempt, &rec.Lost,
		&rec.Doubt, &rec.Seq, &rec.Reason, &rec.Profile, &settled, &rec.Outcome, &rec.Receipt)...)
	if err != nil {
		return rec, row, err
	}
	row.state = rec.State
	if queued {
		rec.Due = fromMicro(due)
	} else {
		rec.Settled = fromMicro(settled)
	}
	if err := scan.finish(); err != nil {
		rec.Reason = "the stored message cannot be read: " + err.Error()
	}
	return rec, row, nil
}
