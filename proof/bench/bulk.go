package bench

import (
	"context"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// copies makes rows of the shape that the store itself writes, on PostgreSQL:
// each is the newest message anew, for a person of its own and with another key,
// and the ordering key and the key's length that follow from that.
// They are the next n numbers after first.
const copies = `
WITH template AS (SELECT * FROM amsbridge_message ORDER BY id DESC LIMIT 1),
numbered AS (
	SELECT t.*, convert_from(t.person, 'UTF8') AS was, 'u-' || lpad(i::text, 9, '0') AS now, 'o-' || lpad(i::text, 9, '0') AS ordered
	FROM template t, generate_series({first}::bigint + 1, {first}::bigint + {n}) AS i),
renamed AS (
	SELECT *, convert_to(replace(convert_from(facts, 'UTF8'), was, now), 'UTF8') AS facts_now FROM numbered),
made AS (
	INSERT INTO amsbridge_message (ordering_key, scope, destination, key, key_parts, kind, version, person, subject, items, facts,
		sequel, trace_context, created_at)
	SELECT ('x' || left(encode(sha256('\x00'::bytea || convert_to(now, 'UTF8')), 'hex'), 8) ||
			left(encode(sha256(destination || '\x00'::bytea || convert_to(now, 'UTF8')), 'hex'), 8))::bit(64)::bigint,
		scope, destination, convert_to(left(encode(sha256(convert_to(now, 'UTF8')), 'hex'), length(key)), 'UTF8'),
		replace(key_parts, was, now), kind, version, convert_to(now, 'UTF8'), convert_to(ordered, 'UTF8'), items, facts_now,
		sequel, trace_context, created_at
	FROM renamed
	RETURNING id, ordering_key, destination, convert_from(person, 'UTF8') AS now)
`

// bulkPending leaves n pending messages in an outbox on PostgreSQL.
func bulkPending(ctx context.Context, o Outbox, n int) error {
	if _, err := fill(ctx, o, 1, distinct); err != nil {
		return err
	}
	before, err := o.Number(ctx, queued)
	if err != nil {
		return err
	}
	if err := bulk(ctx, o, n-1, copies+`, old AS (
	SELECT q.*, convert_from(m.person, 'UTF8') AS was FROM amsbridge_queue q JOIN amsbridge_message m USING (id) ORDER BY id DESC LIMIT 1)
INSERT INTO amsbridge_queue (ordering_key, shard, id, destination, profile)
SELECT made.ordering_key, made.ordering_key & 63, made.id, made.destination,
	convert_to(replace(convert_from(old.profile, 'UTF8'), old.was, made.now), 'UTF8')
FROM made, old`); err != nil {
		return err
	}
	return grewBy(ctx, o, queued, before, n-1)
}

// bulkKept leaves n delivered messages in an outbox on PostgreSQL.
func bulkKept(ctx context.Context, o Outbox, p *Platform, n int) error {
	if _, err := drained(ctx, o, p, 1, 1, distinct); err != nil {
		return err
	}
	before, err := settled(ctx, o)
	if err != nil {
		return err
	}
	if err := bulk(ctx, o, n-1, copies+`, old AS (SELECT * FROM amsbridge_attempt ORDER BY message_id DESC LIMIT 1)
INSERT INTO amsbridge_attempt (message_id, n, at, took_us, outcome, state, duplicate, doubt, seq, code, reason, detail, receipt, releases, sender)
SELECT made.id, old.n, old.at, old.took_us, old.outcome, old.state, old.duplicate, old.doubt, old.seq, old.code, old.reason, old.detail,
	old.receipt, old.releases, old.sender
FROM made, old`); err != nil {
		return err
	}
	return grewBy(ctx, o, fmt.Sprintf("SELECT count(*) FROM amsbridge_attempt WHERE state = %d", outbox.StateDelivered), before, n-1)
}

const queued = "SELECT count(*) FROM amsbridge_queue"

// bulk runs the statement for so many rows, and analyzes the tables, as
// autovacuum would do in time.
func bulk(ctx context.Context, o Outbox, n int, statement string) error {
	first := numbers.Add(int64(n)) - int64(n)
	statement = strings.NewReplacer("{first}", fmt.Sprint(first), "{n}", fmt.Sprint(n)).Replace(statement)
	if err := o.Exec(ctx, statement); err != nil {
		return err
	}
	return o.Exec(ctx, "VACUUM ANALYZE amsbridge_message, amsbridge_queue, amsbridge_attempt")
}

func grewBy(ctx context.Context, o Outbox, count string, before int64, n int) error {
	now, err := o.Number(ctx, count)
	if err == nil && now-before != int64(n) {
		err = fmt.Errorf("bench: %d rows were made, not %d", now-before, n)
	}
	return err
}
