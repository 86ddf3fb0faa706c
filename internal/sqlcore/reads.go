package sqlcore

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// Groups counts the messages that match, by destination, state and reason.
func (s *Store) Groups(ctx context.Context, q outbox.Query) ([]outbox.Group, error) {
	if err := q.CheckGroups(); err != nil {
		return nil, err
	}
	if q.Check() != nil { // it selects nothing
		q.States = []outbox.State{outbox.StatePending, outbox.StateParked}
	}
	statement, args, err := s.groupsText(ctx, q)
	if err != nil {
		return nil, s.failed("groups", err)
	}
	var out []outbox.Group
	err = each(ctx, s.db, func(r Rows) error {
		var g outbox.Group
		var destination, reason text
		err := r.Scan(&destination, &g.State, &reason, &g.Count, &g.First, &g.Last)
		g.Destination, g.Reason = string(destination), string(reason)
		out = append(out, g)
		return err
	}, statement, args...)
	return out, s.failed("groups", err)
}

// groupsText builds the statement. What the queue alone can tell is read from no other table.
func (s *Store) groupsText(ctx context.Context, q outbox.Query) (string, []any, error) {
	var columns, from string
	var args []any
	if w := (&walk{q: q, d: s.d, from: q.AfterID, to: q.BeforeID}); walks(q) && w.ofQueue() {
		columns, from = "g.destination, g.state, g.reason, COUNT(*), MIN(g.id), MAX(g.id)", "FROM ("+w.text(false)+") AS g"
		args = w.args
	} else {
		var err error
		if from, _, args, err = s.selection(ctx, s.db, q, false); err != nil {
			return "", nil, err
		}
		columns = "m.destination, COALESCE(q.state, a.state, 0), COALESCE(q.reason, ''), COUNT(*), MIN(m.id), MAX(m.id)"
	}
	args = append(args, cmp.Or(q.Limit, 1000))
	return s.d.render(fmt.Sprintf("SELECT %s %s GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT ?%d", columns, from, len(args))), args, nil
}

// Attempts returns entries of messages' logs.
func (s *Store) Attempts(ctx context.Context, q outbox.AttemptQuery) ([]outbox.Attempt, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	statement, args, err := s.attemptsText(q)
	if err != nil {
		return nil, s.failed("attempts", err)
	}
	var out []outbox.Attempt
	err = each(ctx, s.db, func(r Rows) error {
		var a outbox.Attempt
		var at, took int64
		err := r.Scan(&a.ID, &a.N, &at, &took, &a.Outcome, &a.State, &a.Code, &a.Reason, &a.Detail, &a.Receipt, &a.PossibleDuplicate, &a.By)
		a.At, a.Took = fromMicro(at), micros(took)
		out = append(out, a)
		return err
	}, statement, args...)
	return out, s.failed("attempts", err)
}

func (s *Store) attemptsText(q outbox.AttemptQuery) (string, []any, error) {
	args := []any{q.AfterID, q.AfterN, cmp.Or(q.Limit, 1000)}
	which := "message_id = ?4"
	if len(q.IDs) == 1 {
		args = append(args, q.IDs[0])
	} else {
		list, err := s.d.in(s.d, &args, kindInt, q.IDs)
		if err != nil {
			return "", nil, err
		}
		which = "message_id " + s.d.anyOf(list)
	}
	return s.d.render(`SELECT message_id, n, at, took_us, outcome, state, code, reason, detail, receipt, duplicate <> 0, sender
		FROM amsbridge_attempt WHERE ` + which + ` AND (message_id > ?1 OR (message_id = ?1 AND n > ?2))
		ORDER BY message_id, n LIMIT ?3`), args, nil
}

// anyOf compares with a list, by look-ups.
func (d *dialect) anyOf(list string) string {
	if d.folder == PostgreSQL {
		return "= ANY(ARRAY" + list + ")"
	}
	return "IN " + list
}

// Audit returns operators' actions, newest first.
func (s *Store) Audit(ctx context.Context, q outbox.AuditQuery) ([]outbox.AuditEntry, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	statement, args, err := s.auditText(ctx, q)
	if err != nil {
		return nil, s.failed("audit", err)
	}
	var out []outbox.AuditEntry
	err = each(ctx, s.db, func(r Rows) error {
		var e outbox.AuditEntry
		var at int64
		var key, destination, association, subject, task text
		err := r.Scan(&e.N, &at, &e.Actor.Name, &e.Actor.Role, &e.Verb, &e.Action.Reason, &e.ID, &key, &e.Was, &destination,
			&association, &subject, &task)
		e.At, e.Key, e.Destination = fromMicro(at), string(key), string(destination)
		e.Association, e.Subject, e.Task = string(association), string(subject), string(task)
		out = append(out, e)
		return err
	}, statement, args...)
	return out, s.failed("audit", err)
}

func (s *Store) auditText(ctx context.Context, q outbox.AuditQuery) (string, []any, error) {
	first, end, err := s.ofTime(ctx, s.db, "amsbridge_audit", "at", q.From, q.To)
	if err != nil {
		return "", nil, err
	}
	if q.BeforeN > 0 && (end == 0 || q.BeforeN < end) {
		end = q.BeforeN
	}
	w, id := &walk{d: s.d}, "id"
	if q.ID != 0 || q.Subject != "" || q.Destination != "" && len(q.Verbs) > 0 {
		id += s.d.offIndex // so few that they are sorted, where a planner might rather walk over all actions
	}
	where := append([]string{id + " >= " + w.arg(first)}, w.between("at", q.From, q.To)...)
	if end > 0 {
		where = append(where, id+" < "+w.arg(end))
	}
	if q.ID != 0 {
		where = append(where, "message_id = "+w.arg(q.ID))
	}
	if q.Destination != "" { // and what was done to everything
		where = append(where, "destination IN ("+w.arg([]byte(q.Destination))+", CAST('' AS {bytes}))",
			fmt.Sprintf("(destination <> CAST('' AS {bytes}) OR verb IN ('%s', '%s', '%s'))", outbox.VerbPause, outbox.VerbResume, outbox.VerbAdopt))
	}
	where = append(where, w.equal("subject", q.Subject)...)
	where = append(where, w.equal("association", q.Association)...)
	if q.Actor != "" {
		where = append(where, "actor = "+w.arg(q.Actor))
	}
	if len(q.Verbs) > 0 {
		verbs := make([]string, len(q.Verbs))
		for i, v := range q.Verbs {
			verbs[i] = w.arg(string(v))
		}
		where = append(where, "verb IN ("+strings.Join(verbs, ", ")+")")
	}
	return s.d.render(`SELECT id, at, actor, role, verb, reason, COALESCE(message_id, 0), key, COALESCE(was, 0), destination, association, subject, task
		FROM amsbridge_audit WHERE ` + strings.Join(where, " AND ") + ` ORDER BY ` + id + ` DESC LIMIT ` + w.arg(cmp.Or(q.Limit, 1000))), w.args, nil
}
