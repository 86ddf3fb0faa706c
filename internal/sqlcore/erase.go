package sqlcore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// erased is a message of a person who becomes unknown.
type erased struct {
	ID          outbox.ID `json:"id"`
	OrderingKey int64     `json:"ordering_key"`
	KeyParts    string    `json:"key_parts"`

	subject string
	sequel  bool
}

var erasedColumns = []column{
	{"id", kindInt},
	{"ordering_key", kindInt},
	{"key_parts", kindText},
}

const reasonErased = "erased"

// Erase makes a person unknown, in one transaction. A message of theirs that is
// under way is outbox.ErrInFlight, and nothing was changed.
func (s *Store) Erase(ctx context.Context, e outbox.Erasure) (n int, err error) {
	for _, f := range []struct{ name, value string }{{"Erasure.Person", e.Person}, {"Erasure.Pseudonym", e.Pseudonym}} {
		if f.value == "" {
			return 0, check.Bad(s.name, f.name, "is empty")
		}
	}
	err = s.inTx(ctx, "", func(q Conn) (err error) {
		n, err = s.erase(ctx, q, e)
		return err
	})
	return n, s.failed("erase", err)
}

func (s *Store) erase(ctx context.Context, q Conn, e outbox.Erasure) (int, error) {
	rows, err := s.messagesOf(ctx, q, e)
	if err != nil {
		return 0, err
	}
	if len(rows) > 0 {
		ids := make([]outbox.ID, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		queued, err := s.lockQueued(ctx, q, ids)
		if err != nil {
			return 0, err
		}
		var ends []ending
		for _, id := range ids {
			end, ok := queued[id]
			if !ok {
				continue
			}
			if end.inFlight {
				return 0, outbox.ErrInFlight
			}
			end.State, end.Reason, end.By = uint8(outbox.StateDiscarded), reasonErased, outbox.CutText(e.Actor.Name, maxBy)
			ends = append(ends, end)
		}
		if err := s.tellErased(ctx, q, e.Association, rows, ends); err != nil {
			return 0, err
		}
		list, err := s.d.listArg(kindInt, ids)
		if err != nil {
			return 0, err
		}
		if _, err := q.Exec(ctx, s.sql["erase logs"], list); err != nil {
			return 0, err
		}
		if err := s.end(ctx, q, ends); err != nil {
			return 0, err
		}
		args, err := s.d.withRowsLast(erasedColumns, rows, []byte(e.Pseudonym))
		if err != nil {
			return 0, err
		}
		if _, err := q.Exec(ctx, s.sql["erase messages"], args...); err != nil {
			return 0, err
		}
	}
	return len(rows), s.audit(ctx, q, outbox.Action{
		Verb: outbox.VerbErase, Actor: e.Actor, Reason: outbox.CutText(e.Pseudonym+": "+e.Reason, outbox.MaxReason),
	}, nil)
}

// tellErased appends the next entry to all subjects of a person who is erased, with tasks of what waited
// for them: who is about to append one finds its number taken, and looks again.
func (s *Store) tellErased(ctx context.Context, q Conn, association string, rows []erased, ends []ending) error {
	waiting := map[string][]outbox.Message{} // by subject
	for _, r := range rows {
		if r.sequel {
			waiting[r.subject] = nil
		}
	}
	for some := range slices.Chunk(ends, 1000) {
		ids := make([]outbox.ID, len(some))
		for i, e := range some {
			ids[i] = e.ID
		}
		found, err := s.find(ctx, q, outbox.Query{IDs: ids})
		if err != nil {
			return err
		}
		for _, r := range found {
			if r.Sequel != "" {
				waiting[r.Subject] = append(waiting[r.Subject], r.Message)
			}
		}
	}
	for _, subject := range slices.Sorted(maps.Keys(waiting)) {
		last, err := s.lastEntry(ctx, q, association, subject, 0)
		if err != nil {
			return err
		}
		if last.N == 0 { // not an order's
			continue
		}
		row, err := newEntryRow(last.AfterErasing(waiting[subject]))
		if err != nil {
			return err
		}
		none, err := newInsertion(nil)
		if err != nil {
			return err
		}
		ok, err := s.d.append(ctx, s, q, row, none)
		if err != nil {
			return err
		}
		if !ok {
			return errors.New("an order was reported meanwhile: try again")
		}
	}
	return nil
}

// messagesOf locks a person's messages, and returns what they become.
func (s *Store) messagesOf(ctx context.Context, q Conn, e outbox.Erasure) ([]erased, error) {
	var rows []erased
	first, last := outbox.OrderingKeys(e.Association, e.Person)
	err := each(ctx, q, func(r Rows) error {
		var row erased
		var destination, subject []byte
		if err := r.Scan(&row.ID, &destination, &row.KeyParts, &subject, &row.sequel); err != nil {
			return err
		}
		row.subject = string(subject)
		var parts []string
		if err := json.Unmarshal([]byte(row.KeyParts), &parts); err != nil {
			return fmt.Errorf("key parts of message %d: %w", row.ID, err)
		}
		for i, part := range parts {
			if part == e.Person {
				parts[i] = e.Pseudonym
			}
		}
		row.OrderingKey = outbox.Message{Destination: string(destination), Person: e.Pseudonym}.OrderingKey()
		var err error
		row.KeyParts, err = jsonText(parts)
		rows = append(rows, row)
		return err
	}, s.sql["messages of"], []byte(e.Person), first, last, suffix(e.Association))
	return rows, err
}

func eraseText(d *dialect) map[string]string {
	return map[string]string{
		"messages of": `SELECT q.id, q.destination, q.key_parts, q.subject, q.sequel <> '' FROM amsbridge_message q` + d.byPerson + `
			WHERE q.ordering_key BETWEEN ?2 AND ?3 AND q.person = ?1 AND ` + ofAssociation(d, "q.destination", "?4") + ` ORDER BY q.id` + d.forUpdate,
		"erase logs": `UPDATE amsbridge_attempt SET reason = '', detail = '', receipt = NULL
			WHERE message_id IN ` + d.list(1, kindInt),
		"erase messages": `UPDATE amsbridge_message SET person = ?1, ordering_key = s.ordering_key, key_parts = s.key_parts,
				facts = CAST('' AS {bytes}), scope = CAST('' AS {bytes})
			FROM ` + d.rows(2, erasedColumns) + ` WHERE amsbridge_message.id = s.id`,
	}
}
