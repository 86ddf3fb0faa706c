package sqlcore

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

var postgres = &dialect{
	folder: PostgreSQL,
	now:    "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
	list: func(n int, kind columnKind) string {
		value := map[columnKind]string{kindInt: "value::bigint", kindText: "value", kindBytes: "decode(value, 'hex')"}[kind]
		return fmt.Sprintf("(SELECT %s FROM json_array_elements_text(?%d::text::json))", value, n)
	},
	rows: func(n int, columns []column) string {
		var outer, inner []string
		for _, c := range columns {
			switch c.kind {
			case kindInt:
				outer, inner = append(outer, c.name), append(inner, c.name+" bigint")
			case kindText:
				outer, inner = append(outer, c.name), append(inner, c.name+" text")
			case kindBytes:
				outer, inner = append(outer, fmt.Sprintf("decode(%s, 'hex') AS %s", c.name, c.name)), append(inner, c.name+" text")
			}
		}
		return fmt.Sprintf("(SELECT %s FROM json_to_recordset(?%d::text::json) AS r(%s)) AS s",
			strings.Join(outer, ", "), n, strings.Join(inner, ", "))
	},
	asText:     func(e string) string { return "convert_from(" + e + ", 'UTF8')" },
	forUpdate:  " FOR UPDATE OF q",
	skipLocked: " SKIP LOCKED",
	encoding:   "SHOW server_encoding",
	pin:        postgresPin,
	bytes:      "bytea",
	standing:   standingLateral,
	byPage: func(page string) (from, where string) {
		return "FROM amsbridge_message m", " WHERE m.id = ANY(ARRAY(SELECT id FROM (" + page + ") AS p))"
	},
	offIndex:      " + 0",
	oldEntries:    "n > 1 AND ",
	mostRead:      10_000,
	stamped:       true,
	text:          postgresText,
	in:            inParameter,
	join:          joinPostgres,
	identity:      identityPostgres,
	idleBeat:      idleBeatPostgres,
	read:          readPostgres,
	most:          1000,
	rebind:        func(q string) string { return strings.ReplaceAll(q, "?", "$") },
	again:         givenUp,
	noTable:       noTablePostgres,
	insert:        insertPostgres,
	append:        appendPostgres,
	settle:        settlePostgres,
	recordsAtOnce: true,
	hurried:       hurriedPostgres,
	waited:        waitedPostgres,
}

var postgresPin = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), " +
	"set_config('enable_mergejoin', 'off', true), set_config('enable_bitmapscan', 'off', true), " +
	"set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true), " +
	fmt.Sprintf("set_config('idle_in_transaction_session_timeout', '%d', true)", IdleLimit.Milliseconds())

// postgresText are PostgreSQL's own statements.
func postgresText(d *dialect) map[string]string {
	out := sessionListText(d)
	// A transaction that inserted before this one was given its number has a smaller one; and of those
	// below the oldest that runs none is open any more. The functions are those that version 12 has.
	parts := pulseParts{
		begun: "txid_current()", ended: "txid_snapshot_xmin(txid_current_snapshot())", alive: "1", more: "0",
		who: "z.sender", none: "CAST('' AS text)",
	}
	out["pulse"] = pulseText(d, parts)
	parts.alive, parts.more = "(SELECT count(*) FROM counted)", "1"
	out["idle beat"] = `WITH counted AS (UPDATE amsbridge_beat SET beats = beats + 1 WHERE session = ?2 RETURNING session)
		` + pulseText(d, parts)
	out["join"] = `WITH z AS (INSERT INTO amsbridge_session (sender, length_us, installation, joined_at)
			VALUES (?2, ?3, ?4, {now}) RETURNING id)
		INSERT INTO amsbridge_beat (session, beats) SELECT id, 0 FROM z RETURNING session`
	out["lock dead"] = `SELECT z.sender FROM amsbridge_session z JOIN amsbridge_beat b ON b.session = z.id
		WHERE z.id = ?1 AND b.beats = ?2 FOR UPDATE SKIP LOCKED`
	maps.Copy(out, insertPostgresText(d))
	maps.Copy(out, sendingPostgresText(d))
	return out
}

func joinPostgres(ctx context.Context, s *Store, q Conn, args ...any) (id outbox.SessionID, err error) {
	_, err = one(ctx, q, []any{&id}, s.sql["join"], args...)
	return id, err
}

// idleBeatPostgres is one statement. It sees what was committed before it counted.
func idleBeatPostgres(ctx context.Context, s *Store, id outbox.SessionID) (pulse, error) {
	return s.pulse(ctx, s.db, s.sql["idle beat"], id)
}

// readPostgres is a reading's statement. The order that it asks for, and bounds that compare whole pairs,
// fit one index alone; "state + 0" fits no index of a part of the rows.
func readPostgres(s *Store, r outbox.Reading) (reading, error) {
	t := newReadText(s, r)
	if err := t.common(); err != nil {
		return reading{}, err
	}
	last, next, now, order := "0", "0", "0", ""
	switch {
	case r.HasKey:
		now, order = "{now}", "q.ordering_key, q.id"
		if r.Destination != "" {
			t.when(`q.destination = ` + t.arg([]byte(r.Destination)))
		}
		key := t.arg(r.Key)
		t.when(`q.state + 0 = 0`, `(q.due_at IS NULL OR q.due_at <= l.now)`,
			`(q.ordering_key, q.id) > (`+key+`, `+t.after()+`)`, `(q.ordering_key, q.id) <= (`+key+`, `+t.upTo()+`)`)
	case r.Due:
		now = "{now}"
		of, is := "(", "(" // how what is compared begins
		if r.Destination != "" {
			of, is = "(q.destination, ", "("+t.arg([]byte(r.Destination))+", "
		}
		order = of[1:] + "q.due_at, q.id"
		t.when(`q.state = 0 AND q.due_at IS NOT NULL`)
		next = t.next("", of+`q.due_at) > `+is+`n.now) AND `+of+`q.due_at) <= `+is+`n.now + `+maxNextDue+`)`, order)
		t.when(of+`q.due_at) <= `+is+`l.now)`, of+`q.due_at, q.id) > `+is+t.afterDue()+`, `+t.after()+`)`)
	case r.Destination != "":
		last, order = t.greatest(), "q.destination, q.id"
		destination := t.arg([]byte(r.Destination))
		t.when(`q.state = 0 AND q.due_at IS NULL`,
			`(q.destination, q.id) > (`+destination+`, `+t.after()+`)`, `(q.destination, q.id) <= (`+destination+`, `+t.upTo()+`)`)
	default:
		last, order = t.greatest(), "q.id"
		t.when(`q.state + 0 = 0 AND q.due_at IS NULL`, `q.id > `+t.after(), `q.id <= `+t.upTo())
	}
	return t.finish(`SELECT ` + headColumns + readColumns + `
		FROM (SELECT ` + t.alive() + ` AS alive, ` + last + ` AS last, ` + next + ` AS next, n.now
			FROM (SELECT ` + now + ` AS now OFFSET 0) AS n OFFSET 0) AS l
		LEFT JOIN LATERAL (SELECT q.id, q.ordering_key, q.due_at, q.lost, q.attempts, q.doubt, q.profile FROM amsbridge_queue q
			WHERE ` + t.conditions() + ` ORDER BY ` + order + ` LIMIT ` + t.arg(r.Limit) + `) AS x ON true
		LEFT JOIN LATERAL (SELECT * FROM amsbridge_message w WHERE w.id = x.id LIMIT 1) AS m ON true`), nil
}
