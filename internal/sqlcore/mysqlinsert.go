package sqlcore

import (
	"context"
	"encoding/base64"
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
func insertMySQL(ctx context.Context, s *Store, tx Conn, b insertion) (written, error) {
	in := newMySQLInsertion(s, tx, b)
	if len(b.rows) > 1 {
		if err := in.look(ctx, "existing"); err != nil {
			return in.written, err
		}
	}
	return in.written, in.run(ctx)
}

// appendMySQL looks first whether there is an entry, since most that exist are
// met by a first report that came twice: a failed INSERT locks the row that it
// met. Messages are not looked for: an entry's keys are new.
func appendMySQL(ctx context.Context, s *Store, tx Conn, e entryRow, b insertion) (bool, error) {
	args := e.args(s)
	if e.N == 1 {
		exists, err := one(ctx, tx, []any{new(int)}, s.sql["entry exists"], args[1])
		if err != nil || exists {
			return false, err
		}
	}
	args[5] = base64.StdEncoding.EncodeToString(e.Body) // a third longer, not twice as long
	_, err := tx.Exec(ctx, s.sql["append"], args...)
	if mysqlNumber(err) == mysqlDuplicate {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, newMySQLInsertion(s, tx, b).run(ctx)
}

// mysqlInsertion is an insertion at work.
type mysqlInsertion struct {
	s  *Store
	tx Conn
	// first is the first message of each row.
	first []outbox.Message
	written
	// fresh are the rows to insert.
	fresh []row
}

func newMySQLInsertion(s *Store, tx Conn, b insertion) *mysqlInsertion {
	in := &mysqlInsertion{s: s, tx: tx, fresh: b.rows, first: make([]outbox.Message, len(b.rows)), written: b.written()}
	for i, r := range slices.Backward(b.rowOf) {
		in.first[r] = b.msgs[i]
	}
	return in
}

func (in *mysqlInsertion) run(ctx context.Context) error {
	for len(in.fresh) > 0 {
		err := in.insertSome(ctx)
		if mysqlNumber(err) == mysqlDuplicate {
			err = in.look(ctx, "existing now")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// look takes those that exist out of the fresh rows.
func (in *mysqlInsertion) look(ctx context.Context, statement string) error {
	found, err := in.s.existing(ctx, in.tx, statement, in.fresh)
	if err != nil {
		return err
	}
	if statement == "existing now" && len(found) == 0 {
		return errors.New("a key was met that is not there: roll back and try again")
	}
	var fresh []row
	for _, r := range in.fresh {
		id, ok := found[r.I]
		if !ok {
			fresh = append(fresh, r)
			continue
		}
		in.ids[r.I], in.duplicate[r.I] = id, true
	}
	in.fresh = fresh
	return nil
}

// insertSome inserts as many of the fresh rows as one statement takes.
func (in *mysqlInsertion) insertSome(ctx context.Context) error {
	var text strings.Builder
	text.WriteString("INSERT INTO amsbridge_message (" + quoteKey(stored) + ", created_at) VALUES ")
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
	some := in.fresh[:n]
	in.fresh = in.fresh[n:]
	if n == 1 {
		in.ids[some[0].I] = outbox.ID(id)
	} else { // whether their IDs follow each other is the server's affair
		found, err := in.s.existing(ctx, in.tx, "existing", some)
		if err != nil {
			return err
		}
		for i, id := range found {
			in.ids[i] = id
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
	return writeRow(text, r.OrderingKey, []byte(m.Scope), []byte(m.Destination), []byte(m.Key), r.KeyParts, m.Kind, m.Version,
		[]byte(m.Person), []byte(m.Subject), r.Items, m.Facts, m.Sequel, m.TraceContext, in.s.clockValue())
}

// insertQueue queues inserted rows.
func (in *mysqlInsertion) insertQueue(ctx context.Context, rows []row) error {
	for len(rows) > 0 {
		var text strings.Builder
		text.WriteString("INSERT INTO amsbridge_queue (" + queueColumns + ") VALUES ")
		n := 0
		for n < len(rows) && (n == 0 || text.Len() < maxStatement) {
			if n > 0 {
				text.WriteByte(',')
			}
			r := rows[n]
			m := in.first[r.I]
			err := writeRow(&text, in.ids[r.I], r.OrderingKey, outbox.ShardOf(r.OrderingKey), []byte(m.Destination), m.Profile)
			if err != nil {
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
