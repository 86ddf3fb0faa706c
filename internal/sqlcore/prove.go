package sqlcore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// errProven ends the transaction of a proof, so that nothing of it stays.
var errProven = errors.New("proven")

// Start is what every store does when it is made, whatever its role: it returns the store's error of the
// schema where there are no tables, names what no program of ours can work with, and proves that what is
// written is stored, unless the role or the server takes no writes.
func (s *Store) Start(ctx context.Context) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	err := s.environment(ctx)
	if err == nil {
		err = s.probe(ctx)
	}
	if denied(err) || readOnly(err) {
		return nil
	}
	return s.failed("start", err)
}

// ProveWriter proves that a hook can work: see the stores' methods.
func (s *Store) ProveWriter(ctx context.Context) error {
	return s.failed("prove the writer", s.prove(ctx, writerGrants))
}

func (s *Store) prove(ctx context.Context, grants []grant) error {
	if err := s.look(ctx); err != nil {
		return err
	}
	if err := s.environment(ctx); err != nil {
		return err
	}
	if err := s.missingGrants(ctx, grants); err != nil {
		return err
	}
	return s.probe(ctx)
}

// probe takes an entry and a message through a transaction of our own, which is rolled back: it inserts them
// and reads them.
func (s *Store) probe(ctx context.Context) error {
	message := probeMessage()
	name := message.Subject
	entry := outbox.Entry{Subject: name, N: 1, Body: message.Facts}
	err := s.inTx(ctx, "", func(q Conn) error {
		q, err := s.d.hurried(ctx, q, false)
		if err != nil {
			return err
		}
		var last outbox.ID
		if _, err := one(ctx, q, []any{&last}, "SELECT COALESCE(MAX(id), 0) FROM amsbridge_message"); err != nil {
			return err
		}
		if ok, err := s.AppendIn(ctx, q, entry, message); err != nil || !ok {
			return s.behind(last, fmt.Errorf("insert a probe (%t): %w", ok, err))
		}
		kept, err := s.LastEntryIn(ctx, q, "", name, 1)
		if err != nil {
			return fmt.Errorf("read the probe's entry: %w", err)
		}
		found, err := s.FindIn(ctx, q, outbox.Query{Subject: name})
		if err != nil {
			return fmt.Errorf("read the probe: %w", err)
		}
		if len(found) != 1 || string(kept.Body) != string(entry.Body) || string(found[0].Facts) != string(message.Facts) ||
			found[0].Person != message.Person {
			return errors.New("what is written is not what is read: the driver or the connection's settings change it")
		}
		if found[0].ID <= last {
			return s.behind(last, nil)
		}
		return errProven
	})
	if errors.Is(err, errProven) || s.held(err) {
		return nil
	}
	return explained(err)
}

// probeMessage is of a kind that the driver and the connection's settings may change.
func probeMessage() outbox.Message {
	name := "amsbridge probe " + rand.Text()
	return outbox.Message{
		Destination: "amsbridgeprobe", Key: name, Kind: "probe", Version: 1, Person: "\u00e9 \U0001f600", Subject: name,
		Facts: []byte("\x00\xff'\\ probe"),
	}
}

// behind is the error of an identity that gives out IDs which exist, or cause where that was something else.
func (s *Store) behind(last outbox.ID, cause error) error {
	if cause != nil && sqlState(cause) != "23505" {
		return cause
	}
	mend := "ALTER TABLE amsbridge_message AUTO_INCREMENT = 1" // which takes the next one
	if s.d.folder == PostgreSQL {
		mend = "SELECT setval(pg_get_serial_sequence('amsbridge_message', 'id'), (SELECT max(id) FROM amsbridge_message))"
	}
	text := fmt.Sprintf("the next ID of amsbridge_message is not above %d, which exists, as after a restore of the rows alone; run: %s",
		last, mend)
	if cause == nil {
		return errors.New(text)
	}
	return fmt.Errorf("%s: %w", text, cause)
}

// explained says what to do about errors of settings.
func explained(err error) error {
	switch {
	case err == nil:
		return nil
	case mysqlNumber(err) == 1665:
		return fmt.Errorf("the server logs statements (binlog_format = STATEMENT), and transactions of a sender are READ COMMITTED: "+
			"set binlog_format to ROW or MIXED: %w", err)
	case mysqlNumber(err) == 1046:
		return fmt.Errorf("the DSN names no database: %w", err)
	case denied(err):
		return fmt.Errorf("a right is missing (docs/operations.md has the grants of each role): %w", err)
	}
	return err
}

// denied tells whether the role lacks a right.
func denied(err error) bool {
	switch mysqlNumber(err) {
	case 1044, 1142, 1143, 1370:
		return true
	}
	return sqlState(err) == "42501"
}

// readOnly tells whether the server or the session takes no writes.
func readOnly(err error) bool {
	switch mysqlNumber(err) {
	case 1290, 1792, 1836:
		return true
	}
	return sqlState(err) == "25006" || err != nil && strings.Contains(err.Error(), "attempt to write a readonly database")
}
