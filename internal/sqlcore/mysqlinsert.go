package sqlcore

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// maxStatement bounds the text of an insertion, in bytes, well below what any
// server takes (max_allowed_packet). One message may be larger.
const maxStatement = 2 << 20

// insertMySQL stores a single new message in two round trips, several in four,
// and finds those that exist in one, a single one in two.
//
// It relies on a plain INSERT: a second row of a key fails, and undoes that
// statement alone. ON DUPLICATE KEY UPDATE needs a checkout that may UPDATE, and
// locks the next key as well; INSERT IGNORE hides other errors. A failed INSERT
// locks the row that it met and, under REPEATABLE READ, the gap before it until
// the transaction ends: so several messages are looked for first, which locks
// nothing. For a single one that would be a third of its time, spent for
// repeats.
func insertMySQL(ctx context.Context, s *Store, tx Conn, b insertion) ([]outbox.Inserted, error) {
	if err := s.checkUnless(ctx, tx, b); err != nil {
		return nil, err
	}
	in := &mysqlInsertion{
		s: s, tx: tx, fresh: b.rows,
		first: make([]outbox.Message, len(b.rows)), ids: make([]outbox.ID, len(b.rows)), duplicate: make([]bool, len(b.rows)),
	}
	for i, r := range slices.Backward(b.rowOf) {
		in.first[r] = b.msgs[i]
	}
	if len(b.rows) > 1 {
		if err := in.look(ctx, "existing"); err != nil {
			return nil, err
		}
	}
	for len(in.fresh) > 0 {
		err := in.insertSome(ctx)
		if mysqlNumber(err) == mysqlDuplicate {
			err = in.look(ctx, "existing now")
		}
		if err != nil {
			return nil, err
		}
	}
	return b.inserted(in.ids, in.duplicate), nil
}

// mysqlInsertion is an insertion at work.
type mysqlInsertion struct {
	s  *Store
	tx Conn
	// first is the first message of each row.
	first     []outbox.Message
	ids       []outbox.ID
	duplicate []bool
	// fresh are the rows to insert, and written tells whether others were.
	fresh   []row
	written bool
}

// look takes those that exist out of the fresh rows, or returns the conflict.
// Nothing is written by then, unless another transaction committed the key after
// the first part of a large insertion.
func (in *mysqlInsertion) look(ctx context.Context, statement string) error {
	found, err := in.s.existingBy(ctx, in.tx, statement, in.fresh)
	if err != nil {
		return err
	}
	if statement == "existing now" && len(found) == 0 {
		return errors.New("a key was met that is not there: roll back and try again")
	}
	var fresh []row
	for _, r := range in.fresh {
		f, ok := found[r.I]
		if !ok {
			fresh = append(fresh, r)
			continue
		}
		if !f.same {
			m := in.first[r.I]
			return &outbox.ConflictError{Destination: m.Destination, Key: m.Key, ID: f.id, MustRollBack: in.written}
		}
		in.ids[r.I], in.duplicate[r.I] = f.id, true
	}
	in.fresh = fresh
	return nil
}

// insertSome inserts as many of the fresh rows as one statement takes.
func (in *mysqlInsertion) insertSome(ctx context.Context) error {
	var text strings.Builder
	text.WriteString("INSERT INTO amsbridge_message (lane, destination, `key`, key_parts, kind, version, person, subject, items, facts, fingerprint, after_key, trace_context, created_at) VALUES ")
	n := 0
	for n < len(in.fresh) && (n == 0 || text.Len() < maxStatement) {
		if err := in.messageRow(&text, n); err != nil {
			return err
		}
		n++
	}
	id, err := in.tx.(literals).Insert(ctx, text.String())
	if err != nil {
		return err
	}
	in.written = true
	some := in.fresh[:n]
	in.fresh = in.fresh[n:]
	if n == 1 {
		in.ids[some[0].I] = outbox.ID(id)
	} else { // whether their IDs follow each other is the server's affair
		found, err := in.s.existing(ctx, in.tx, some)
		if err != nil {
			return err
		}
		for i, f := range found {
			in.ids[i] = f.id
		}
	}
	return in.insertQueue(ctx, some)
}

func (in *mysqlInsertion) messageRow(text *strings.Builder, n int) error {
	if n > 0 {
		text.WriteByte(',')
	}
	r := in.fresh[n]
	m := in.first[r.I]
	var after []byte
	if m.After != "" {
		after = []byte(m.After)
	}
	return writeRow(text, r.Lane, []byte(m.Destination), []byte(m.Key), r.KeyParts, m.Kind, m.Version, []byte(m.Person), []byte(m.Subject),
		r.Items, m.Facts, m.FactsFingerprint(), after, m.TraceContext, in.s.clockValue())
}

// insertQueue queues inserted rows, due now.
func (in *mysqlInsertion) insertQueue(ctx context.Context, rows []row) error {
	for len(rows) > 0 {
		var text strings.Builder
		text.WriteString("INSERT INTO amsbridge_queue (lane, id, destination, state, due_at, after_key, reason, profile) VALUES ")
		n := 0
		for n < len(rows) && (n == 0 || text.Len() < maxStatement) {
			if n > 0 {
				text.WriteByte(',')
			}
			r := rows[n]
			m := in.first[r.I]
			var after, profile []byte
			if m.After != "" {
				after = []byte(m.After)
			}
			if m.Profile != nil {
				profile = m.Profile
			}
			if err := writeRow(&text, r.Lane, in.ids[r.I], []byte(m.Destination), r.State, in.s.clockValue(), after, m.Reason, profile); err != nil {
				return err
			}
			n++
		}
		if _, err := in.tx.Exec(ctx, text.String()); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// expression is SQL among values.
type expression string

// clockValue is the time now, as a value.
func (s *Store) clockValue() any {
	if now := s.now(); now != nil {
		return now
	}
	return expression(s.d.now)
}

// writeRow writes a row of a VALUES list.
func writeRow(text *strings.Builder, values ...any) error {
	for i, v := range values {
		text.WriteByte("(,"[min(i, 1)])
		if e, ok := v.(expression); ok {
			text.WriteString(string(e))
		} else if err := writeLiteral(text, v); err != nil {
			return err
		}
	}
	text.WriteByte(')')
	return nil
}
