package sqlcore

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/amsbridge/amsbridge/outbox"
)

// What a row of the inserting statement reports.
const (
	tookInserted = iota
	tookDuplicate
	tookConflict
	tookBarred
)

// insertPostgresText looks for barred keys and conflicts and inserts, in one
// statement: all of it sees one snapshot, so when something is in the way
// nothing is written. OFFSET 0 and LIMIT 1 keep the look-ups on the index of
// keys, whatever the statistics say of a young table.
func insertPostgresText(d *dialect) string {
	return `
WITH n AS MATERIALIZED (SELECT * FROM ` + d.rows(3, rowColumns) + `),
barred AS MATERIALIZED (
	SELECT m.id, m.destination, m.key
	FROM ` + d.list(2, kindBytes) + ` AS u(k)
	CROSS JOIN LATERAL (SELECT id, destination, key FROM amsbridge_message WHERE key = u.k OFFSET 0) AS m),
found AS MATERIALIZED (
	SELECT n.i, m.id, (m.fingerprint = n.fingerprint OR m.fingerprint = '') AS same
	FROM n CROSS JOIN LATERAL
		(SELECT id, fingerprint FROM amsbridge_message WHERE key = n.key AND destination = n.destination LIMIT 1) AS m),
ins AS (
	INSERT INTO amsbridge_message (lane, destination, key, key_parts, kind, version, person, subject, items, facts,
		fingerprint, after_key, trace_context, created_at)
	SELECT lane, destination, key, key_parts, kind, version, person, subject, items, facts,
		fingerprint, after_key, trace_context, {now}
	FROM n
	WHERE i NOT IN (SELECT i FROM found)
		AND NOT EXISTS (SELECT 1 FROM barred)
		AND NOT EXISTS (SELECT 1 FROM found WHERE NOT same)
	ORDER BY i
	ON CONFLICT (key, destination) DO NOTHING
	RETURNING id, destination, key, created_at),
took AS MATERIALIZED (
	SELECT n.i, ins.id, ins.created_at FROM ins JOIN n ON n.key = ins.key AND n.destination = ins.destination),
queued AS (
	INSERT INTO amsbridge_queue (lane, id, destination, state, due_at, after_key, reason, profile)
	SELECT n.lane, took.id, n.destination, n.state, took.created_at, n.after_key, n.reason, n.profile
	FROM took JOIN n ON n.i = took.i)
SELECT 0, i, id, NULL::bytea, NULL::bytea FROM took
UNION ALL SELECT CASE WHEN same THEN 1 ELSE 2 END, i, id, NULL, NULL FROM found
UNION ALL SELECT 3, 0, id, destination, key FROM barred`
}

func insertPostgres(ctx context.Context, s *Store, tx Conn, b insertion) ([]outbox.Inserted, error) {
	unless, err := s.d.listArg(kindBytes, append([]string{}, b.unless...))
	if err != nil {
		return nil, err
	}
	args, err := s.d.withRowsLast(rowColumns, b.rows, s.now(), unless)
	if err != nil {
		return nil, err
	}
	ids := make([]outbox.ID, len(b.rows))
	duplicate := make([]bool, len(b.rows))
	conflict := -1
	var barred []outbox.Found
	err = each(ctx, tx, func(r Rows) error {
		var what, i int
		var id outbox.ID
		var destination, key []byte
		if err := r.Scan(&what, &i, &id, &destination, &key); err != nil {
			return err
		}
		switch what {
		case tookBarred:
			barred = append(barred, outbox.Found{ID: id, Destination: string(destination), Key: string(key)})
			return nil
		case tookConflict:
			conflict = i
		case tookDuplicate:
			duplicate[i] = true
		}
		ids[i] = id
		return nil
	}, s.sql["insert"], args...)
	switch {
	case err != nil:
		return nil, err
	case len(barred) > 0:
		return nil, &outbox.ExistsError{Found: barred}
	case conflict >= 0:
		m := b.first(conflict)
		return nil, &outbox.ConflictError{Destination: m.Destination, Key: m.Key, ID: ids[conflict]}
	}
	if err := s.meanwhile(ctx, tx, b, ids, duplicate); err != nil {
		return nil, err
	}
	return b.inserted(ids, duplicate), nil
}

// meanwhile looks up rows that were neither inserted nor seen: another
// transaction committed their keys while the statement ran.
func (s *Store) meanwhile(ctx context.Context, tx Conn, b insertion, ids []outbox.ID, duplicate []bool) error {
	var missing []row
	for i, id := range ids {
		if id == 0 {
			missing = append(missing, b.rows[i])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found, err := s.existing(ctx, tx, missing)
	if err != nil {
		return err
	}
	for _, r := range missing {
		f, ok := found[r.I]
		m := b.first(r.I)
		switch {
		case !ok:
			return fmt.Errorf("message %s was neither stored nor found: roll back and try again", m.Key)
		case !f.same:
			return &outbox.ConflictError{Destination: m.Destination, Key: m.Key, ID: f.id, MustRollBack: true}
		}
		ids[r.I], duplicate[r.I] = f.id, true
	}
	return nil
}

type existing struct {
	id   outbox.ID
	same bool
}

// place is what finds a row.
type place struct {
	I           int    `json:"i"`
	Destination string `json:"destination"`
	Key         string `json:"key"`
}

var placeColumns = []column{
	{"i", kindInt},
	{"destination", kindBytes},
	{"key", kindBytes},
}

// existing looks rows up by their keys.
func (s *Store) existing(ctx context.Context, q Conn, rows []row) (map[int]existing, error) {
	return s.existingBy(ctx, q, "existing", rows)
}

func (s *Store) existingBy(ctx context.Context, q Conn, statement string, rows []row) (map[int]existing, error) {
	places := make([]place, len(rows))
	fingerprints := map[int]string{}
	for i, r := range rows {
		places[i] = place{r.I, r.Destination, r.Key}
		fingerprints[r.I] = r.Fingerprint
	}
	args, err := s.d.withRowsLast(placeColumns, places)
	if err != nil {
		return nil, err
	}
	found := map[int]existing{}
	err = each(ctx, q, func(r Rows) error {
		var i int
		var f existing
		var fingerprint []byte
		if err := r.Scan(&i, &f.id, &fingerprint); err != nil {
			return err
		}
		f.same = len(fingerprint) == 0 || hex.EncodeToString(fingerprint) == fingerprints[i]
		found[i] = f
		return nil
	}, s.sql[statement], args...)
	return found, err
}
