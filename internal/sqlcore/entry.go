package sqlcore

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// Whether somebody is to be told of an entry's tasks.
const (
	toldSome = iota // of some, as far as is known
	toldAll
	toldNone // it has no tasks
)

const entryColumns = "key, n, association, subject, body, tasks, told, created_at"

// entryRow is an entry as a statement takes it.
type entryRow struct {
	outbox.Entry
	tasks string
	told  int
}

func newEntryRow(e outbox.Entry) (entryRow, error) {
	tasks, err := jsonText(append([]outbox.Task{}, e.Tasks...))
	return entryRow{Entry: e, tasks: tasks, told: toldOf(e.Tasks)}, err
}

func toldOf(tasks []outbox.Task) int {
	switch {
	case len(tasks) == 0:
		return toldNone
	case slices.ContainsFunc(tasks, func(t outbox.Task) bool { return t.New }):
		return toldSome
	}
	return toldAll
}

// args are the parameters ?1 to ?8 of its insertion.
func (e entryRow) args(s *Store) []any {
	return []any{
		s.now(), outbox.EntryKey(e.Association, e.Subject), e.N, []byte(e.Association), []byte(e.Subject),
		append([]byte{}, e.Body...), e.tasks, e.told,
	}
}

// AppendIn stores an entry and messages in the caller's transaction, or returns
// false.
func (s *Store) AppendIn(ctx context.Context, tx Conn, e outbox.Entry, msgs ...outbox.Message) (bool, error) {
	if err := outbox.CheckEntry(e); err != nil {
		return false, err
	}
	if err := outbox.CheckMessages(msgs); err != nil {
		return false, err
	}
	r, err := newEntryRow(e)
	if err != nil {
		return false, err
	}
	b, err := newInsertion(msgs)
	if err != nil {
		return false, err
	}
	ok, err := s.d.append(ctx, s, s.d.withLiterals(tx), r, b)
	return ok, s.failed("append", err)
}

// LastEntryIn returns the last entry of a subject as the transaction sees it. On
// MySQL one that was met, and that the transaction's snapshot is too old to show,
// is read by its whole key, locked for sharing.
func (s *Store) LastEntryIn(ctx context.Context, tx Conn, association, subject string, met int) (outbox.Entry, error) {
	e, err := s.lastEntry(ctx, s.d.withLiterals(tx), association, subject, met)
	return e, s.failed("last entry", err)
}

func (s *Store) lastEntry(ctx context.Context, tx Conn, association, subject string, met int) (e outbox.Entry, err error) {
	key := outbox.EntryKey(association, subject)
	var erased []string
	read := func(r Rows) error {
		var n int
		var a, b, tasks text
		var body []byte
		var created int64
		if err := r.Scan(&n, &a, &b, &body, &tasks, &created); err != nil {
			return err
		}
		if n == 0 {
			erased = append(erased, string(a))
			return nil
		}
		e = outbox.Entry{Association: string(a), Subject: string(b), N: n, Body: body, Created: fromMicro(created)}
		return json.Unmarshal([]byte(tasks), &e.Tasks)
	}
	err = each(ctx, tx, read, s.sql["last entry"], key, []byte(subject), suffix(association))
	if err == nil && e.N < met && s.d.oldSnapshots {
		err = each(ctx, tx, read, s.sql["entry met"], key, met)
	}
	switch {
	case err != nil:
		return outbox.Entry{}, err
	case e.N < met:
		return outbox.Entry{}, errors.New("an entry was met that is not there: roll back and try again")
	case e.N == 0:
		return outbox.Entry{}, nil
	case e.Association != association || e.Subject != subject:
		return outbox.Entry{}, errors.New("two subjects have one hash")
	}
	e.Erased = erased
	return e, nil
}

// suffix ends the names of an association's destinations. It is empty for none.
func suffix(association string) []byte {
	if association == "" {
		return []byte{}
	}
	return []byte("/" + association)
}

// ofAssociation is the condition that a destination's name ends with the suffix
// in parameter n, or has none where that is empty.
func ofAssociation(d *dialect, destination string, n string) string {
	p := "CAST(" + n + " AS {bytes})"
	return `CASE WHEN length(` + p + `) = 0 THEN ` + d.asText(destination) + ` NOT LIKE '%/%'
		ELSE substr(` + destination + `, length(` + destination + `) - length(` + p + `) + 1) = ` + p + ` END`
}

// entryRead reads what is scanned by lastEntry.
const entryRead = "SELECT n, association, subject, body, tasks, created_at FROM amsbridge_entry WHERE key = ?1"

// lastEntryText reads the last entry: ?1 its key, ?2 the subject, ?3 the suffix of
// its association. Rows with the number zero are the keys of messages of erased
// persons.
func lastEntryText(d *dialect) string {
	return `SELECT * FROM (` + entryRead + ` ORDER BY n DESC LIMIT 1) AS r
		UNION ALL SELECT 0, m.key, CAST('' AS {bytes}), CAST('' AS {bytes}), '', 0 FROM amsbridge_message m
		WHERE m.subject = ?2 AND m.facts = CAST('' AS {bytes}) AND ` + ofAssociation(d, "m.destination", "?3")
}
