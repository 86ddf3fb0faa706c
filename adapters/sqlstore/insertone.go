package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// One message is what most orders come to, and plain parameters cost half of
// what a batch does. Nothing is written when its key exists or a barred one
// does; the statement for batches then says which.

// oneMessage inserts the message unless something is in the way. The parameters
// are those of oneArgs; barred is a condition on parameter ?15.
func oneMessage(barred string) string {
	return `INSERT INTO amsbridge_message (lane, destination, key, key_parts, kind, version, person, subject, items, facts,
			fingerprint, after_key, trace_context, created_at)
		SELECT CAST(?2 AS BIGINT), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, {now}
		WHERE NOT EXISTS (` + barred + `)
		ON CONFLICT (key, destination) DO NOTHING
		RETURNING id, created_at`
}

func insertOneText(d *dialect) map[string]string {
	if d == postgres {
		typed := strings.NewReplacer(
			"?3,", "?3::bytea,", "?4,", "?4::bytea,", "?5,", "?5::text,", "?6,", "?6::text,", "?7,", "?7::integer,", "?8,", "?8::bytea,",
			"?9,", "?9::bytea,", "?10,", "?10::text,", "?11,", "?11::bytea,", "?12,", "?12::bytea,", "?13,", "?13::bytea,", "?14,", "?14::text,",
		)
		return map[string]string{"insert one": `WITH m AS (` + typed.Replace(oneMessage(`SELECT 1
				FROM unnest(?15::text::bytea[]) AS u(k)
				CROSS JOIN LATERAL (SELECT 1 FROM amsbridge_message WHERE key = u.k LIMIT 1) AS b`)) + `)
			INSERT INTO amsbridge_queue (lane, id, destination, state, due_at, after_key, reason, profile)
			SELECT ?2, m.id, ?3, ?16::smallint, m.created_at, ?13, ?17::text, ?18::bytea FROM m
			RETURNING id`}
	}
	return map[string]string{
		"insert one": oneMessage(`SELECT 1 FROM json_each(?15) AS u JOIN amsbridge_message b ON b.key = unhex(u.value)`),
		"queue one": `INSERT INTO amsbridge_queue (lane, id, destination, state, due_at, after_key, reason, profile)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
	}
}

// insertOne stores a single message; it returns zero when nothing was written
// because something is in the way.
func (s *Store) insertOne(ctx context.Context, tx querier, b insertion) (outbox.ID, error) {
	m, r := b.msgs[0], b.rows[0]
	var after, profile []byte
	if m.After != "" {
		after = []byte(m.After)
	}
	if m.Profile != nil {
		profile = m.Profile
	}
	args := []any{
		s.now(), r.Lane, []byte(m.Destination), []byte(m.Key), r.KeyParts, m.Kind, m.Version, []byte(m.Person), []byte(m.Subject),
		r.Items, m.Facts, m.FactsFingerprint(), after, m.TraceContext,
	}
	var id outbox.ID
	var err error
	if s.d == postgres {
		args = append(args, byteaArray(b.unless), r.State, m.Reason, profile)
		err = s.in(ctx, tx, "insert one").row(ctx, args...).Scan(&id)
	} else {
		var unless string
		if unless, err = jsonText(append([]string{}, b.unless...)); err != nil {
			return 0, err
		}
		var created int64
		err = s.in(ctx, tx, "insert one").row(ctx, append(args, unless)...).Scan(&id, &created)
		if err == nil {
			err = s.in(ctx, tx, "queue one").exec(ctx, r.Lane, id, []byte(m.Destination), r.State, created, after, m.Reason, profile)
		}
	}
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("sqlstore: insert: %w", err)
	}
	return id, nil
}

// byteaArray writes an array literal of values in hexadecimal.
func byteaArray(hexed []string) string {
	var out strings.Builder
	out.WriteByte('{')
	for i, h := range hexed {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(`"\\x` + h + `"`)
	}
	out.WriteByte('}')
	return out.String()
}
