package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

var outcomeColumns = []column{
	{"i", kindInt},
	{"id", kindInt},
	{"lane", kindInt},
	{"token", kindBytes},
	{"state", kindInt},
	{"outcome", kindInt},
	{"delay", kindInt},
	{"took_us", kindInt},
	{"given_back", kindInt},
	{"not_ready", kindInt},
	{"doubt", kindInt},
	{"doubted", kindInt},
	{"seq", kindInt},
	{"unlogged", kindInt},
	{"code", kindText},
	{"reason", kindText},
	{"detail", kindText},
	{"receipt", kindBytes},
	{"releases", kindText},
	{"sender", kindText},
}

// settlePostgresText records a batch in one statement and returns the places of
// those acknowledged: each row's own UPDATE or DELETE compares the token, so a
// lease that was taken over is found so even by a statement that had to wait for
// the one who did it. RETURNING shows the new doubt only; the one before is the
// sender's to tell where this settlement adds to it.
func settlePostgresText(d *dialect) string {
	const logged = "s.unlogged, s.took_us, s.outcome, s.state, s.code, s.reason, s.detail, s.receipt, s.releases, s.sender"
	return `WITH s AS MATERIALIZED (SELECT * FROM ` + d.rows(2, outcomeColumns) + `),
		kept AS (UPDATE amsbridge_queue AS q
			SET state = s.state, due_at = {now} + s.delay, token = NULL, lease_until = NULL, lost = 0,
				attempts = q.attempts - s.given_back, doubt = q.doubt | s.doubt, seq = GREATEST(q.seq, s.seq),
				reason = s.reason,
				not_ready_since = CASE WHEN s.not_ready = 1 THEN COALESCE(q.not_ready_since, {now}) ELSE q.not_ready_since END
			FROM s WHERE s.state < 3 AND q.lane = s.lane AND q.id = s.id AND q.token = s.token
			RETURNING s.i, q.id, q.entries, (q.doubt & ~s.doubt) | (s.doubted & s.doubt) AS doubted, q.doubt, q.seq,
				` + logged + `),
		gone AS (DELETE FROM amsbridge_queue AS q
			USING s WHERE s.state >= 3 AND q.lane = s.lane AND q.id = s.id AND q.token = s.token
			RETURNING s.i, q.id, q.entries, q.doubt AS doubted, q.doubt | s.doubt AS doubt,
				GREATEST(q.seq, s.seq) AS seq, ` + logged + `),
		ended AS MATERIALIZED (SELECT * FROM kept UNION ALL SELECT * FROM gone),
		log AS (INSERT INTO amsbridge_attempt (` + attemptColumns + `)
			SELECT id, entries, {now}, took_us, outcome, state, CASE WHEN doubted = 0 THEN 0 ELSE 1 END, doubt, seq,
				code, reason, detail, receipt, releases, sender
			FROM ended WHERE unlogged = 0)
		SELECT i FROM ended`
}

// settlePostgres returns which of a batch were acknowledged.
func settlePostgres(ctx context.Context, s *Store, q Conn, batch []outbox.Settlement) (held []bool, err error) {
	all, err := newSettlings(batch)
	if err != nil {
		return nil, err
	}
	args, err := s.d.withRowsLast(outcomeColumns, all, s.now())
	if err != nil {
		return nil, err
	}
	held = make([]bool, len(batch))
	err = each(ctx, q, func(r Rows) error {
		var i int
		err := r.Scan(&i)
		held[i] = true
		return err
	}, s.sql["settle"], args...)
	return held, err
}
