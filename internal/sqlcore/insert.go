package sqlcore

import (
	"context"
	"encoding/hex"
	"encoding/json"

	"github.com/amsbridge/amsbridge/outbox"
)

// row is a message as a statement takes it: bytes in hexadecimal.
type row struct {
	I           int     `json:"i"`
	Lane        int64   `json:"lane"`
	Destination string  `json:"destination"`
	Key         string  `json:"key"`
	KeyParts    string  `json:"key_parts"`
	Kind        string  `json:"kind"`
	Version     int     `json:"version"`
	Person      string  `json:"person"`
	Subject     string  `json:"subject"`
	Items       string  `json:"items"`
	Facts       string  `json:"facts"`
	Fingerprint string  `json:"fingerprint"`
	AfterKey    *string `json:"after_key"`
	Trace       string  `json:"trace_context"`
	State       uint8   `json:"state"`
	Reason      string  `json:"reason"`
	Profile     *string `json:"profile"`
}

var rowColumns = []column{
	{"i", kindInt},
	{"lane", kindInt},
	{"destination", kindBytes},
	{"key", kindBytes},
	{"key_parts", kindText},
	{"kind", kindText},
	{"version", kindInt},
	{"person", kindBytes},
	{"subject", kindBytes},
	{"items", kindText},
	{"facts", kindBytes},
	{"fingerprint", kindBytes},
	{"after_key", kindBytes},
	{"trace_context", kindText},
	{"state", kindInt},
	{"reason", kindText},
	{"profile", kindBytes},
}

// insertion is a batch of checked messages: rows holds each key once.
type insertion struct {
	msgs []outbox.Message
	rows []row
	// rowOf is the row of each message.
	rowOf  []int
	unless []string
}

func newInsertion(msgs []outbox.Message) (insertion, error) {
	b := insertion{msgs: msgs, rowOf: make([]int, len(msgs))}
	seen := make(map[string]int, len(msgs))
	for i, m := range msgs {
		place := m.Destination + "\x00" + m.Key
		if first, ok := seen[place]; ok {
			b.rowOf[i] = first
			continue
		}
		seen[place] = len(b.rows)
		b.rowOf[i] = len(b.rows)
		r, err := newRow(len(b.rows), m)
		if err != nil {
			return b, err
		}
		b.rows = append(b.rows, r)
		for _, k := range m.Unless {
			b.unless = append(b.unless, hexed(k))
		}
	}
	return b, nil
}

func newRow(i int, m outbox.Message) (row, error) {
	parts, err := jsonText(m.KeyParts)
	if err != nil {
		return row{}, err
	}
	items, err := jsonText(m.Items)
	if err != nil {
		return row{}, err
	}
	r := row{
		I: i, Lane: m.OrderingKey(), Destination: hexed(m.Destination), Key: hexed(m.Key), KeyParts: parts, Kind: m.Kind,
		Version: m.Version, Person: hexed(m.Person), Subject: hexed(m.Subject), Items: items,
		Facts: hex.EncodeToString(m.Facts), Fingerprint: hex.EncodeToString(m.FactsFingerprint()),
		Trace: m.TraceContext, State: uint8(m.Born), Reason: m.Reason,
	}
	if m.After != "" {
		after := hexed(m.After)
		r.AfterKey = &after
	}
	if m.Profile != nil {
		profile := hex.EncodeToString(m.Profile)
		r.Profile = &profile
	}
	return r, nil
}

// first returns the first message of a row.
func (b insertion) first(r int) outbox.Message {
	for i, at := range b.rowOf {
		if at == r {
			return b.msgs[i]
		}
	}
	return outbox.Message{}
}

// inserted gives each message what its row got; a message whose row another
// one of this call wrote is a duplicate.
func (b insertion) inserted(ids []outbox.ID, duplicate []bool) []outbox.Inserted {
	out := make([]outbox.Inserted, len(b.msgs))
	taken := make([]bool, len(b.rows))
	for i, r := range b.rowOf {
		out[i] = outbox.Inserted{ID: ids[r], Duplicate: duplicate[r] || taken[r]}
		taken[r] = true
	}
	return out
}

func hexed(s string) string { return hex.EncodeToString([]byte(s)) }

func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// InsertIn stores messages in the caller's transaction: in one round trip on
// PostgreSQL, and in a second one where a single message exists already, where
// the key of a message was committed by another transaction while this one ran,
// or where a message replaces another.
//
// Under REPEATABLE READ or SERIALIZABLE a concurrent repeat of the same order
// can fail with the database's serialization error, as any insertion of a
// unique key can: the shop retries its transaction.
func (s *Store) InsertIn(ctx context.Context, tx Conn, msgs ...outbox.Message) ([]outbox.Inserted, error) {
	if err := outbox.CheckMessages(msgs); err != nil {
		return nil, err
	}
	out, err := s.insert(ctx, s.d.withLiterals(tx), msgs)
	return out, s.failed("insert", err)
}

func (s *Store) insert(ctx context.Context, tx Conn, msgs []outbox.Message) ([]outbox.Inserted, error) {
	if len(msgs) == 0 {
		return nil, s.touch(ctx, tx)
	}
	if len(msgs) == 1 && msgs[0].Replaces == 0 && s.d.folder != MySQL {
		if id, err := s.insertOne(ctx, tx, msgs[0]); err != nil || id != 0 {
			return []outbox.Inserted{{ID: id}}, err
		}
	}
	batch, err := newInsertion(msgs)
	if err != nil {
		return nil, err
	}
	for _, m := range msgs {
		if m.Replaces != 0 {
			return s.replace(ctx, tx, batch)
		}
	}
	return s.d.insert(ctx, s, tx, batch)
}

// touch finds out whether the transaction is open.
func (s *Store) touch(ctx context.Context, tx Conn) error {
	_, err := one(ctx, tx, []any{new(int)}, "SELECT 1")
	return err
}
