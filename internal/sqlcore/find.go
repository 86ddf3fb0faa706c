package sqlcore

import (
	"context"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// Find returns the messages that match, in the order of their IDs.
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
	text, args, err := s.findText(q)
	if err != nil {
		return nil, err
	}
	var out []outbox.Record
	err = each(ctx, db, func(r Rows) error {
		rec, err := scanRecord(r)
		out = append(out, rec)
		return err
	}, text, args...)
	return out, err
}

// findText builds the statement for the fields that are set.
func (s *Store) findText(q outbox.Query) (string, []any, error) {
	args := []any{s.now()}
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
		if s.d.folder == MySQL {
			where = append(where, fmt.Sprintf(condition, eachOf(list, kind, &args)))
			return nil
		}
		arg, err := s.d.listArg(kind, list)
		add(arg, func(n int) string { return fmt.Sprintf(condition, s.d.list(n, kind)) })
		return err
	}
	hint, id := "", "m.id"
	switch {
	case len(q.IDs) > 0 || q.Subject != "":
	case q.Person != "":
		hint, id = s.d.byLane, "m.id + 0" // not in the order of all messages
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
		where = append(where, fmt.Sprintf("m.lane BETWEEN ?%d AND ?%d", len(args)-1, len(args)))
		add(suffix(q.Association), func(n int) string { return ofAssociation(s.d, "m.destination", fmt.Sprintf("?%d", n)) })
	}
	if len(q.IDs) > 0 {
		if err := in("m.id IN %s", kindInt, q.IDs); err != nil {
			return "", nil, err
		}
	}
	if len(q.Keys) > 0 {
		keys := make([]string, len(q.Keys))
		for i, k := range q.Keys {
			keys[i] = hexed(k)
		}
		if err := in("m.key IN %s", kindBytes, keys); err != nil {
			return "", nil, err
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
			return "", nil, err
		}
	}
	add(q.AfterID, func(n int) string { return fmt.Sprintf("%s > ?%d", id, n) })
	limit := q.Limit
	if limit == 0 {
		limit = 1000
	}
	args = append(args, limit)
	return s.d.render(`SELECT ` + messageColumns + `,
			q.id IS NOT NULL, COALESCE(q.state, a.state, 0), COALESCE(q.due_at, 0), COALESCE(q.lease_until > {now}, 1 = 0),
			q.lease_until IS NOT NULL, COALESCE(q.attempts, 0), COALESCE(q.lost, 0),
			COALESCE(q.doubt, a.doubt, 0), COALESCE(q.seq, a.seq, 0), COALESCE(q.reason, a.reason, ''), q.profile,
			COALESCE(a.at, 0), COALESCE(a.outcome, 0), a.receipt
		FROM amsbridge_message m` + hint + `
		` + s.d.standing + `
		WHERE ` + strings.Join(where, " AND ") + fmt.Sprintf(` ORDER BY %s LIMIT ?%d`, id, len(args))), args, nil
}

// eachOf gives each value of a list a parameter of its own: beside a JSON text
// MariaDB sometimes reads all messages, for it cannot know how few the list has.
func eachOf(list any, kind columnKind, args *[]any) string {
	v := reflect.ValueOf(list)
	marks := make([]string, v.Len())
	for i := range marks {
		value := v.Index(i).Interface()
		if text, ok := value.(string); ok && kind == kindBytes {
			value, _ = hex.DecodeString(text) // this package wrote it
		}
		*args = append(*args, value)
		marks[i] = fmt.Sprintf("?%d", len(*args))
	}
	return "(" + strings.Join(marks, ", ") + ")"
}

// Where messages stand: the queue's row, and the last attempt. PostgreSQL is held
// to the primary keys, for it would read all of a table that it believes small;
// and no column is read that a role may not see.
const (
	standingPlain = `LEFT JOIN amsbridge_queue q ON q.lane = m.lane AND q.id = m.id
		LEFT JOIN amsbridge_attempt a ON a.message_id = m.id
			AND a.n = (SELECT n FROM amsbridge_attempt l WHERE l.message_id = m.id ORDER BY n DESC LIMIT 1)`
	standingLateral = `LEFT JOIN LATERAL (SELECT id, state, due_at, lease_until, attempts, lost, doubt, seq, reason, profile
			FROM amsbridge_queue w WHERE w.lane = m.lane AND w.id = m.id LIMIT 1) AS q ON true
		LEFT JOIN LATERAL (SELECT state, at, outcome, doubt, seq, reason, receipt
			FROM amsbridge_attempt l WHERE l.message_id = m.id ORDER BY l.n DESC LIMIT 1) AS a ON true`
)

func scanRecord(r Rows) (outbox.Record, error) {
	var rec outbox.Record
	var queued bool
	var due, settled int64
	scan := messageScan{into: &rec.Message}
	err := r.Scan(append(scan.targets(), &queued, &rec.State, &due, &rec.InFlight, &rec.Unsettled, &rec.Attempt, &rec.Lost,
		&rec.Doubt, &rec.Seq, &rec.Reason, &rec.Profile, &settled, &rec.Outcome, &rec.Receipt)...)
	if err != nil {
		return rec, err
	}
	if queued {
		rec.Due = fromMicro(due)
	} else {
		rec.Settled = fromMicro(settled)
	}
	return rec, scan.finish()
}

// Attempts returns a message's log, oldest first.
func (s *Store) Attempts(ctx context.Context, id outbox.ID) ([]outbox.Attempt, error) {
	var out []outbox.Attempt
	err := each(ctx, s.db, func(r Rows) error {
		var a outbox.Attempt
		var at, took int64
		err := r.Scan(&a.N, &at, &took, &a.Outcome, &a.State, &a.Code, &a.Reason, &a.Detail, &a.Receipt, &a.PossibleDuplicate, &a.By)
		a.At, a.Took = fromMicro(at), micros(took)
		out = append(out, a)
		return err
	}, s.sql["attempts"], id)
	return out, s.failed("attempts", err)
}
