package sqlcore

import (
	"context"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// One message is what most orders come to, and plain parameters cost half of
// what a batch does. Nothing is written when its key exists or a barred one
// does; the statement for batches then says which.

// oneMessage inserts the message of parameters ?1 to ?14 where the condition
// holds that nothing is in the way.
func oneMessage(free string) string {
	return `INSERT INTO amsbridge_message (lane, destination, key, key_parts, kind, version, person, subject, items, facts,
			fingerprint, after_key, trace_context, created_at)
		SELECT CAST(?2 AS BIGINT), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, {now}
		WHERE ` + free + `
		ON CONFLICT (key, destination) DO NOTHING
		RETURNING id, created_at`
}

func insertOneText(d *dialect) map[string]string {
	if d.folder == MySQL {
		return nil
	}
	if d.folder == PostgreSQL {
		typed := strings.NewReplacer(
			"?3,", "?3::bytea,", "?4,", "?4::bytea,", "?5,", "?5::text,", "?6,", "?6::text,", "?7,", "?7::integer,", "?8,", "?8::bytea,",
			"?9,", "?9::bytea,", "?10,", "?10::text,", "?11,", "?11::bytea,", "?12,", "?12::bytea,", "?13,", "?13::bytea,", "?14,", "?14::text,",
		)
		one := func(free string, state int) string {
			return `WITH m AS (` + typed.Replace(oneMessage(free)) + `)
			INSERT INTO amsbridge_queue (lane, id, destination, state, due_at, after_key, reason, profile)
			SELECT ?2, m.id, ?3, ` + fmt.Sprintf("?%d::smallint, m.created_at, ?13, ?%d::text, ?%d::bytea", state, state+1, state+2) + ` FROM m
			RETURNING id`
		}
		return map[string]string{
			"insert one": one("1 = 1", 15),
			"insert one unless": one(`NOT EXISTS (SELECT 1 FROM unnest(?18::text::bytea[]) AS u(k)
				CROSS JOIN LATERAL (SELECT 1 FROM amsbridge_message WHERE key = u.k LIMIT 1) AS b)`, 15),
		}
	}
	return map[string]string{
		"insert one": oneMessage("1 = 1"),
		"insert one unless": oneMessage(
			`NOT EXISTS (SELECT 1 FROM json_each(?15) AS u CROSS JOIN amsbridge_message b WHERE b.key = unhex(u.value))`),
		"queue one": `INSERT INTO amsbridge_queue (lane, id, destination, state, due_at, after_key, reason, profile)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
	}
}

// Prepared are the statements of a checkout that orders one thing, where
// preparing them once pays: they take SQLite longer to read than to run.
func (s *Store) Prepared() []string {
	if s.d.folder != SQLite {
		return nil
	}
	return []string{s.sql["insert one"], s.sql["insert one unless"], s.sql["queue one"]}
}

// insertOne stores a single message; it returns zero when nothing was written
// because something is in the way.
func (s *Store) insertOne(ctx context.Context, tx Conn, m outbox.Message) (outbox.ID, error) {
	parts, err := jsonText(m.KeyParts)
	if err != nil {
		return 0, err
	}
	items, err := jsonText(m.Items)
	if err != nil {
		return 0, err
	}
	unless := make([]string, len(m.Unless))
	for i, k := range m.Unless {
		unless[i] = hexed(k)
	}
	lane, state := m.OrderingKey(), uint8(m.Born)
	var after, profile []byte
	if m.After != "" {
		after = []byte(m.After)
	}
	if m.Profile != nil {
		profile = m.Profile
	}
	args := []any{
		s.now(), lane, []byte(m.Destination), []byte(m.Key), parts, m.Kind, m.Version, []byte(m.Person), []byte(m.Subject),
		items, m.Facts, m.FactsFingerprint(), after, m.TraceContext,
	}
	var id outbox.ID
	text := s.sql["insert one"]
	if len(unless) > 0 {
		text = s.sql["insert one unless"]
	}
	if s.d.folder == PostgreSQL {
		args = append(args, state, m.Reason, profile)
		if len(unless) > 0 {
			args = append(args, byteaArray(unless))
		}
		_, err = one(ctx, tx, []any{&id}, text, args...)
	} else {
		if len(unless) > 0 {
			list, err := jsonText(unless)
			if err != nil {
				return 0, err
			}
			args = append(args, list)
		}
		var created int64
		var found bool
		found, err = one(ctx, tx, []any{&id, &created}, text, args...)
		if found && err == nil {
			_, err = tx.Exec(ctx, s.sql["queue one"], lane, id, []byte(m.Destination), state, created, after, m.Reason, profile)
		}
	}
	return id, err
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
