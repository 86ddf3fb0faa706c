package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// A single message beside its entry is what most reports of an order come to, and plain parameters cost
// half of what a batch does.

// appendOneText inserts the entry of parameters ?2 to ?8 and, if that was new, the message of those after.
func appendOneText() string {
	return `WITH e AS (
	INSERT INTO amsbridge_entry (` + entryColumns + `)
	VALUES (?2::bytea, ?3::integer, ?4::bytea, ?5::bytea, ?6::bytea, ?7::text, ?8::smallint, {now})
	ON CONFLICT (key, n) DO NOTHING RETURNING created_at),
m AS (
	INSERT INTO amsbridge_message (` + stored + `, created_at)
	SELECT ?9::bigint, ?10::bytea, ?11::bytea, ?12::bytea, ?13::text, ?14::text, ?15::integer, ?16::bytea, ?17::bytea, ?18::text,
		?19::bytea, ?20::text, ?21::text, e.created_at
	FROM e
	ON CONFLICT (key, destination) DO NOTHING RETURNING id, created_at),
q AS (
	INSERT INTO amsbridge_queue (lane, id, destination, due_at, profile)
	SELECT ?9::bigint, m.id, ?11::bytea, m.created_at, ?22::bytea FROM m)
SELECT count(*) FROM e`
}

func appendOne(ctx context.Context, s *Store, tx Conn, e entryRow, b insertion) (bool, error) {
	var n int
	args := append(e.args(s), b.only()...)
	_, err := one(ctx, tx, []any{&n}, s.sql["append one"], append(args, b.msgs[0].Profile)...)
	return n > 0, err
}

// only are the columns of the only message, as they are stored.
func (b insertion) only() []any {
	r, m := b.rows[0], b.msgs[0]
	return []any{
		r.Lane, []byte(m.Scope), []byte(m.Destination), []byte(m.Key), r.KeyParts, m.Kind, m.Version,
		[]byte(m.Person), []byte(m.Subject), r.Items, m.Facts, m.Sequel, m.TraceContext,
	}
}

// insertOne does so by a statement a table.
func (s *Store) insertOne(ctx context.Context, tx Conn, b insertion) error {
	var id outbox.ID
	var created int64
	found, err := one(ctx, tx, []any{&id, &created}, s.sql["message one"], append([]any{s.now()}, b.only()...)...)
	if err != nil || !found {
		return err
	}
	m := b.msgs[0]
	_, err = tx.Exec(ctx, s.sql["queue one"], b.rows[0].Lane, id, []byte(m.Destination), created, m.Profile)
	return err
}
