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
	{"duplicate", kindInt},
	{"unlogged", kindInt},
	{"code", kindText},
	{"reason", kindText},
	{"detail", kindText},
	{"receipt", kindBytes},
	{"sender", kindText},
}

// settlePostgresText records a batch in one statement and returns the places of
// those acknowledged: each row's own UPDATE or DELETE compares the token, so a
// lease that was taken over is found so even by a statement that had to wait for
// the one who did it. RETURNING shows the new doubt only; the one before is the
// sender's to tell where this settlement adds to it.
func settlePostgresText(d *dialect) string {
	const logged = "s.unlogged, s.took_us, s.outcome, s.state, s.code, s.reason, s.detail, s.receipt, s.sender"
	return `WITH s AS MATERIALIZED (SELECT * FROM ` + d.rows(2, outcomeColumns) + `),
		kept AS (UPDATE amsbridge_queue AS q
			SET state = s.state, waits = 0, due_at = {now} + s.delay, token = NULL, lease_until = NULL, lost = 0,
				attempts = q.attempts - s.given_back, doubt = q.doubt | s.doubt, reason = s.reason,
				not_ready_since = CASE WHEN s.not_ready = 1 THEN COALESCE(q.not_ready_since, {now}) ELSE q.not_ready_since END
			FROM s WHERE s.state < 3 AND q.lane = s.lane AND q.id = s.id AND q.token = s.token
			RETURNING s.i, q.id, q.entries, CASE WHEN s.doubt = 0 THEN q.doubt ELSE s.duplicate END AS doubt, ` + logged + `),
		gone AS (DELETE FROM amsbridge_queue AS q
			USING s WHERE s.state >= 3 AND q.lane = s.lane AND q.id = s.id AND q.token = s.token
			RETURNING s.i, q.id, q.entries, q.doubt, ` + logged + `),
		ended AS MATERIALIZED (SELECT * FROM kept UNION ALL SELECT * FROM gone),
		log AS (INSERT INTO amsbridge_attempt
				(message_id, n, at, took_us, outcome, state, duplicate, code, reason, detail, receipt, sender)
			SELECT id, entries, {now}, took_us, outcome, state, CASE WHEN doubt = 0 THEN 0 ELSE 1 END, code, reason, detail, receipt, sender
			FROM ended WHERE unlogged = 0)
		SELECT i, EXISTS (SELECT 1 FROM amsbridge_queue WHERE after_key IS NOT NULL) FROM ended`
}

// settlePostgres returns which of a batch were acknowledged, and whether there
// may be followers to look after.
func settlePostgres(ctx context.Context, s *Store, q Conn, batch []outbox.Settlement) (held []bool, followers bool, err error) {
	all := make([]settling, len(batch))
	for i, st := range batch {
		all[i] = newSettling(st)
		all[i].I, all[i].Duplicate, all[i].Unlogged = i, asInt(st.Message.Doubt != 0), asInt(st.Unlogged)
		if st.Outcome == outbox.OutcomeUnknown {
			all[i].Doubt = uint8(outbox.DoubtUnknown)
		}
	}
	args, err := s.d.withRowsLast(outcomeColumns, all, s.now())
	if err != nil {
		return nil, false, err
	}
	held = make([]bool, len(batch))
	err = each(ctx, q, func(r Rows) error {
		var i int
		err := r.Scan(&i, &followers)
		held[i] = true
		return err
	}, s.sql["settle"], args...)
	return held, followers, err
}
