package sqlcore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// erased is a message of a person who becomes unknown.
type erased struct {
	ID       outbox.ID `json:"id"`
	Lane     int64     `json:"lane"`
	KeyParts string    `json:"key_parts"`
}

var erasedColumns = []column{
	{"id", kindInt},
	{"lane", kindInt},
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
			if end.underWay {
				return 0, outbox.ErrInFlight
			}
			end.State, end.Reason, end.By = uint8(outbox.StateDiscarded), reasonErased, outbox.CutText(e.Actor.Name, maxBy)
			ends = append(ends, end)
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
		if err := s.followIfAny(ctx, q); err != nil {
			return 0, err
		}
	}
	return len(rows), s.audit(ctx, q, outbox.Action{
		Verb: outbox.VerbErase, Actor: e.Actor, Reason: outbox.CutText(e.Pseudonym+": "+e.Reason, outbox.MaxReason),
	}, nil)
}

// messagesOf locks a person's messages, and returns what they become.
func (s *Store) messagesOf(ctx context.Context, q Conn, e outbox.Erasure) ([]erased, error) {
	var rows []erased
	err := each(ctx, q, func(r Rows) error {
		var row erased
		var destination []byte
		if err := r.Scan(&row.ID, &destination, &row.KeyParts); err != nil {
			return err
		}
		var parts []string
		if err := json.Unmarshal([]byte(row.KeyParts), &parts); err != nil {
			return fmt.Errorf("key parts of message %d: %w", row.ID, err)
		}
		for i, part := range parts {
			if part == e.Person {
				parts[i] = e.Pseudonym
			}
		}
		row.Lane = outbox.Message{Destination: string(destination), Person: e.Pseudonym}.OrderingKey()
		var err error
		row.KeyParts, err = jsonText(parts)
		rows = append(rows, row)
		return err
	}, s.sql["messages of"], []byte(e.Person))
	return rows, err
}

func eraseText(d *dialect) map[string]string {
	return map[string]string{
		"messages of": `SELECT q.id, q.destination, q.key_parts FROM amsbridge_message q WHERE q.person = ?1 ORDER BY q.id` + d.forUpdate,
		"erase logs": `UPDATE amsbridge_attempt SET reason = '', detail = '', receipt = NULL
			WHERE message_id IN ` + d.list(1, kindInt),
		"erase messages": `UPDATE amsbridge_message SET person = ?1, lane = s.lane, key_parts = s.key_parts,
				facts = CAST('' AS {bytes}), fingerprint = CAST('' AS {bytes})
			FROM ` + d.rows(2, erasedColumns) + ` WHERE amsbridge_message.id = s.id`,
	}
}
