package sqlcore

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/amsbridge/amsbridge/outbox"
)

// row is a message as a statement takes it: bytes in hexadecimal.
type row struct {
	I           int     `json:"i"`
	OrderingKey int64   `json:"ordering_key"`
	Scope       string  `json:"scope"`
	Destination string  `json:"destination"`
	Key         string  `json:"key"`
	KeyParts    string  `json:"key_parts"`
	Kind        string  `json:"kind"`
	Version     int     `json:"version"`
	Person      string  `json:"person"`
	Subject     string  `json:"subject"`
	Items       string  `json:"items"`
	Facts       string  `json:"facts"`
	Sequel      string  `json:"sequel"`
	Trace       string  `json:"trace_context"`
	Profile     *string `json:"profile"`
}

var rowColumns = []column{
	{"i", kindInt},
	{"ordering_key", kindInt},
	{"scope", kindBytes},
	{"destination", kindBytes},
	{"key", kindBytes},
	{"key_parts", kindText},
	{"kind", kindText},
	{"version", kindInt},
	{"person", kindBytes},
	{"subject", kindBytes},
	{"items", kindText},
	{"facts", kindBytes},
	{"sequel", kindText},
	{"trace_context", kindText},
	{"profile", kindBytes},
}

// stored are the columns of a message that a row gives as they are.
const stored = "ordering_key, scope, destination, key, key_parts, kind, version, person, " +
	"subject, items, facts, sequel, trace_context"

// queueColumns are those of a new row in the queue.
const queueColumns = "id, ordering_key, shard, destination, profile"

// shardOf is outbox.ShardOf of an ordering key.
func shardOf(key string) string { return fmt.Sprintf("(%s & %d)", key, outbox.Shards-1) }

// insertion is a batch of checked messages: rows holds each key once.
type insertion struct {
	msgs []outbox.Message
	rows []row
	// rowOf is the row of each message.
	rowOf []int
}

func newInsertion(msgs []outbox.Message) (insertion, error) {
	b := insertion{msgs: msgs, rows: []row{}, rowOf: make([]int, len(msgs))}
	seen := make(map[place]int, len(msgs))
	for i, m := range msgs {
		r, err := newRow(len(b.rows), m)
		if err != nil {
			return b, err
		}
		if first, ok := seen[r.place()]; ok {
			b.rowOf[i] = first
			continue
		}
		seen[r.place()] = r.I
		b.rowOf[i] = r.I
		b.rows = append(b.rows, r)
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
		I: i, OrderingKey: m.OrderingKey(), Scope: hexed(m.Scope), Destination: hexed(m.Destination), Key: hexed(m.Key),
		KeyParts: parts, Kind: m.Kind, Version: m.Version, Person: hexed(m.Person), Subject: hexed(m.Subject),
		Items: items, Facts: hex.EncodeToString(m.Facts), Sequel: m.Sequel, Trace: m.TraceContext,
	}
	if m.Profile != nil {
		profile := hex.EncodeToString(m.Profile)
		r.Profile = &profile
	}
	return r, nil
}

// written is what became of an insertion's rows.
type written struct {
	ids       []outbox.ID
	duplicate []bool
}

func (b insertion) written() written {
	return written{make([]outbox.ID, len(b.rows)), make([]bool, len(b.rows))}
}

// missing are the rows that were not inserted.
func (b insertion) missing(w written) []row {
	var out []row
	for i, id := range w.ids {
		if id == 0 {
			out = append(out, b.rows[i])
		}
	}
	return out
}

// inserted gives each message what its row got; a message whose row another
// one of this call wrote is a duplicate.
func (b insertion) inserted(w written) []outbox.Inserted {
	out := make([]outbox.Inserted, len(b.msgs))
	taken := make([]bool, len(b.rows))
	for i, r := range b.rowOf {
		out[i] = outbox.Inserted{ID: w.ids[r], Duplicate: w.duplicate[r] || taken[r]}
		taken[r] = true
	}
	return out
}

func hexed(s string) string { return hex.EncodeToString([]byte(s)) }

func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// InsertIn stores messages in the caller's transaction: on PostgreSQL in one
// round trip, and in a second one where another transaction committed the key of
// a message while the statement ran.
//
// Under REPEATABLE READ or SERIALIZABLE a concurrent insertion of the same key
// can fail with the database's serialization error, as any insertion of a unique
// key can: the shop retries its transaction.
func (s *Store) InsertIn(ctx context.Context, tx Conn, msgs ...outbox.Message) ([]outbox.Inserted, error) {
	if err := outbox.CheckMessages(msgs); err != nil {
		return nil, err
	}
	out, err := s.insert(ctx, s.d.withLiterals(tx), msgs)
	return out, s.failed("insert", err)
}

// insert stores checked messages, and leaves out those whose key exists.
func (s *Store) insert(ctx context.Context, tx Conn, msgs []outbox.Message) ([]outbox.Inserted, error) {
	if len(msgs) == 0 {
		return nil, s.touch(ctx, tx)
	}
	b, err := newInsertion(msgs)
	if err != nil {
		return nil, err
	}
	w, err := s.d.insert(ctx, s, tx, b)
	if err != nil {
		return nil, err
	}
	return b.inserted(w), nil
}

// touch finds out whether the transaction is open.
func (s *Store) touch(ctx context.Context, tx Conn) error {
	_, err := one(ctx, tx, []any{new(int)}, "SELECT 1")
	return err
}
