package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// A single message beside its entry is what most reports of an order come to, and plain parameters cost
// half of what a batch does.

// appendOneText inserts the entry e of parameters ?2 to ?8 and, if that was new, the message m of those after. It
// returns more of m, looks at more with that, and puts more into the queue.
func appendOneText(returning, looks, columns, values string) string {
	return `WITH e AS (
	INSERT INTO amsbridge_entry (` + entryColumns + `)
	VALUES (?2::bytea, ?3::integer, ?4::bytea, ?5::bytea, ?6::bytea, ?7::text, ?8::smallint, {now})
	ON CONFLICT (key, n) DO NOTHING RETURNING created_at),
m AS (
	INSERT INTO amsbridge_message (` + stored + `, created_at)
	SELECT ?9::bigint, ?10::bytea, ?11::bytea, ?12::bytea, ?13::text, ?14::text, ?15::integer, ?16::bytea, ?17::bytea, ?18::text,
		?19::bytea, ?20::text, ?21::text, e.created_at
	FROM e
	ON CONFLICT (key, destination) DO NOTHING RETURNING id` + returning + `),
` + looks + `q AS (
	INSERT INTO amsbridge_queue (` + queueColumns + columns + `)
	SELECT m.id, ?9::bigint, ` + shardOf("?9::bigint") + `, ?11::bytea, ?22::bytea` + values + ` FROM m)`
}

func appendOne(ctx context.Context, s *Store, tx Conn, e entryRow, b insertion) (bool, error) {
	if h := s.handover(tx, b.rows[0].OrderingKey); h != nil {
		return appendHanded(ctx, s, tx, e, b, h)
	}
	var n int
	args := append(e.args(s), b.only()...)
	_, err := one(ctx, tx, []any{&n}, s.sql["append one"], append(args, b.msgs[0].Profile)...)
	return n > 0, err
}

// only are the columns of the only message, as they are stored.
func (b insertion) only() []any {
	r, m := b.rows[0], b.msgs[0]
	return []any{
		r.OrderingKey, []byte(m.Scope), []byte(m.Destination), []byte(m.Key), r.KeyParts, m.Kind, m.Version,
		[]byte(m.Person), []byte(m.Subject), r.Items, m.Facts, m.Sequel, m.TraceContext,
	}
}

// insertOne does so by a statement a table.
func (s *Store) insertOne(ctx context.Context, tx Conn, b insertion) error {
	var id outbox.ID
	found, err := one(ctx, tx, []any{&id}, s.sql["message one"], append([]any{s.now()}, b.only()...)...)
	if err != nil || !found {
		return err
	}
	m := b.msgs[0]
	key := b.rows[0].OrderingKey
	_, err = tx.Exec(ctx, s.sql["queue one"], id, key, outbox.ShardOf(key), []byte(m.Destination), m.Profile)
	return err
}
