package sqlcore

// The statements of PostgreSQL that record flights and settle. They are kept on their paths by what the planner
// cannot take apart: LATERAL with a lock or OFFSET 0, CTIDs, conditions that no index serves ("state + 0"), and
// an order that the primary key alone has: the other indexes that hold an ID seem as good while the queue is empty.
// A row that is found by its CTID was locked before, by the same transaction.

// rowPostgres is the condition of a row w of the queue that it is that of s.
const rowPostgres = "w.id >= s.id AND w.id <= s.id"

// freeRowPostgres finds the queue's row of s that may be sent now, and locks it; now is the time, and closed the
// condition of a row w that its destination is closed.
func freeRowPostgres(now, closed string) string {
	return `LATERAL (SELECT w.id, w.ordering_key, w.attempts, w.lost, w.doubt, w.due_at, w.not_ready_since
			FROM amsbridge_queue w
			WHERE ` + rowPostgres + ` AND w.state + 0 = 0 AND (w.due_at IS NULL OR w.due_at + 0 <= ` + now + `)
				AND w.stamp + 0 IN (0, ?2) AND NOT ` + closed + `
			ORDER BY w.id LIMIT 1 FOR KEY SHARE SKIP LOCKED) AS q`
}

func sendingPostgresText(d *dialect) map[string]string {
	return map[string]string{
		"hold session": `SELECT id FROM amsbridge_session WHERE id = ?1 FOR KEY SHARE`,

		// ?2 the session, ?3 the flight's number, ?4 the destinations, ?5 the messages.
		"record": `WITH me AS MATERIALIZED (SELECT {now} AS now FROM amsbridge_session WHERE id = ?2 FOR KEY SHARE),
			closed AS MATERIALIZED (SELECT d.name FROM ` + d.list(4, kindBytes) + ` AS n(name) CROSS JOIN LATERAL (
				SELECT g.name FROM amsbridge_destination g CROSS JOIN me
				WHERE g.name = n.name AND ` + closedIf("me.now", "0") + ` OFFSET 0) AS d),
			q AS MATERIALIZED (SELECT q.* FROM ` + d.list(5, kindInt) + ` AS s(id) CROSS JOIN ` +
			freeRowPostgres("(SELECT now FROM me)", "w.destination = ANY (ARRAY(SELECT name FROM closed))") + `
				WHERE EXISTS (SELECT 1 FROM me) AND NOT ` + everythingPaused + `),
			flight AS (INSERT INTO amsbridge_flight (session, n, recorded_at, ids)
				SELECT ?2::bigint, ?3::bigint, (SELECT now FROM me), ids FROM (SELECT json_agg(id)::text AS ids FROM q) AS j WHERE ids IS NOT NULL)
			SELECT COALESCE(q.id, 0), ` + begunColumns("me.now", "") + ` FROM me LEFT JOIN q ON true`,
		// ?2 the session, ?3 whether it is a probe, ?4 the messages.
		"take": `SELECT q.id, ` + begunColumns("{now}", "") + ` FROM ` + d.list(4, kindInt) + ` AS s(id) CROSS JOIN ` +
			freeRowPostgres("{now}", `EXISTS (
				SELECT 1 FROM amsbridge_destination g WHERE g.name = w.destination AND `+closedIf("{now}", "?3")+`)`) +
			` WHERE NOT ` + everythingPaused,

		"rates": `SELECT g.name, g.rate_window, {now} FROM ` + d.list(2, kindBytes) + ` AS n(name) CROSS JOIN LATERAL (
			SELECT * FROM amsbridge_destination w WHERE w.name = n.name FOR UPDATE) AS g`,
		"new destinations": `INSERT INTO amsbridge_destination (name) SELECT name FROM ` + d.list(1, kindBytes) + ` AS n(name)
			ON CONFLICT (name) DO NOTHING`,

		"settle": settlePostgresText(d),
		"still queued": `SELECT q.id FROM ` + d.list(1, kindInt) + ` AS s(id) CROSS JOIN LATERAL (
			SELECT w.id FROM amsbridge_queue w WHERE ` + rowPostgres + ` ORDER BY w.id LIMIT 1) AS q`,
		"lock free": `SELECT q.id, q.ordering_key, q.entries, q.doubt, q.seq FROM ` + d.rows(1, endingColumns) + ` CROSS JOIN LATERAL (
			SELECT w.id, w.ordering_key, w.entries, w.doubt, w.seq FROM amsbridge_queue w
			WHERE ` + rowPostgres + ` AND w.ordering_key + 0 = s.ordering_key ORDER BY w.id LIMIT 1 FOR UPDATE SKIP LOCKED) AS q`,
		"end delete": `DELETE FROM amsbridge_queue WHERE ctid = ANY (ARRAY(
			SELECT q.ctid FROM ` + d.rows(1, endingColumns) + ` CROSS JOIN LATERAL (
				SELECT w.ctid FROM amsbridge_queue w WHERE ` + rowPostgres + ` ORDER BY w.id LIMIT 1) AS q))`,
	}
}

// settlePostgresText records a batch: ?2 the session, ?3 the flights that are over if all are recorded, ?4 their
// number, ?5 and after the settlements. It returns the places of those recorded, or one row with null, or no row where the session is
// over. A row that another transaction changed after the statement began is not found by its CTID: the caller
// looks whether it is still there.
func settlePostgresText(d *dialect) string {
	const logged = "q.unlogged, q.took_us, q.outcome, q.state, q.code, q.reason, q.detail, q.receipt, q.releases, q.sender"
	return `WITH me AS MATERIALIZED (SELECT {now} AS now FROM amsbridge_session WHERE id = ?2 FOR KEY SHARE),
		q AS MATERIALIZED (SELECT s.*, w.place, w.entries, w.doubt AS doubted, w.seq AS reached
			FROM ` + d.rows(5, settleColumns) + ` CROSS JOIN LATERAL (
				SELECT w.ctid AS place, w.entries, w.doubt, w.seq FROM amsbridge_queue w
				WHERE ` + rowPostgres + ` ORDER BY w.id LIMIT 1 FOR UPDATE SKIP LOCKED) AS w
			WHERE EXISTS (SELECT 1 FROM me)),
		kept AS (UPDATE amsbridge_queue AS t
			SET state = q.state, due_at = me.now + q.delay, put_off_at = me.now, stamp = 0, lost = 0, attempts = t.attempts + q.counted,
				entries = t.entries + 1 - q.unlogged, doubt = t.doubt | q.doubt, seq = GREATEST(t.seq, q.seq), reason = q.reason,
				not_ready_since = CASE WHEN q.not_ready = 1 THEN COALESCE(t.not_ready_since, me.now) ELSE t.not_ready_since END
			FROM q CROSS JOIN me WHERE q.state < 3 AND t.ctid = q.place
			RETURNING q.i, q.id, q.entries, q.doubted, q.doubt, q.seq, q.reached, ` + logged + `),
		gone AS (DELETE FROM amsbridge_queue AS t USING q WHERE q.state >= 3 AND t.ctid = q.place
			RETURNING q.i, q.id, q.entries, q.doubted, q.doubt, q.seq, q.reached, ` + logged + `),
		ended AS MATERIALIZED (SELECT * FROM kept UNION ALL SELECT * FROM gone),
		over AS (DELETE FROM amsbridge_flight WHERE ctid = ANY (ARRAY(
			SELECT f.ctid FROM me CROSS JOIN ` + d.list(3, kindInt) + ` AS n(n) CROSS JOIN LATERAL (
				SELECT w.ctid FROM amsbridge_flight w WHERE w.session = ?2 AND w.n = n.n OFFSET 0) AS f
			WHERE (SELECT count(*) FROM ended) = ?4))),
		log AS (INSERT INTO amsbridge_attempt (` + attemptColumns + `)
			SELECT q.id, q.entries + 1, me.now, q.took_us, q.outcome, q.state, CASE WHEN q.doubted = 0 THEN 0 ELSE 1 END,
				q.doubted | q.doubt, GREATEST(q.reached, q.seq), q.code, q.reason, q.detail, q.receipt, q.releases, q.sender
			FROM ended AS q CROSS JOIN me WHERE q.unlogged = 0)
		SELECT ended.i FROM me LEFT JOIN ended ON true`
}
