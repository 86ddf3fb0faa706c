package sqlcore

import "maps"

// messageColumns are read into a message by messageScan.
const messageColumns = `m.id, m.destination, m.key, m.key_parts, m.kind, m.version, m.person, m.subject, m.items,
	m.facts, m.scope, m.sequel, m.trace_context, m.created_at`

// fixed are the statements whose text does not depend on the call.
func fixed(d *dialect) map[string]string {
	out := map[string]string{
		"existing": `SELECT s.i, m.id FROM ` + d.rows(1, placeColumns) + `
			CROSS JOIN amsbridge_message m WHERE m.key = s.key AND m.destination = s.destination`,
		"poison": `UPDATE amsbridge_queue SET state = 1, token = NULL, lease_until = NULL, lost = ?3, reason = ?4, entries = entries + 1
			WHERE lane = ?1 AND id = ?2`,

		"lock leased": `SELECT q.id, q.entries, q.doubt, q.seq FROM ` + d.rows(1, gripColumns) + `
			CROSS JOIN amsbridge_queue q
			WHERE q.lane = s.lane AND q.id = s.id AND q.token = s.token ORDER BY q.id` + d.forUpdate,
		"settle keep": `UPDATE amsbridge_queue AS q
			SET state = s.state, due_at = {now} + s.delay, token = NULL, lease_until = NULL, lost = 0,
				attempts = q.attempts - s.given_back, doubt = s.doubt, seq = s.seq, reason = s.reason,
				not_ready_since = CASE WHEN s.not_ready = 1 THEN COALESCE(q.not_ready_since, {now}) ELSE q.not_ready_since END
			FROM ` + d.rows(2, settleColumns) + `
			WHERE q.lane = s.lane AND q.id = s.id AND q.token = s.token`,
		"settle delete": `DELETE FROM amsbridge_queue WHERE (lane, id) IN (SELECT lane, id FROM ` + d.rows(1, gripColumns) + `)`,
		"log": `INSERT INTO amsbridge_attempt (` + attemptColumns + `)
			SELECT s.id, s.n, {now}, s.took_us, s.outcome, s.state, s.duplicate, s.doubt, s.seq, s.code, s.reason, s.detail, s.receipt,
				s.releases, s.sender
			FROM ` + d.rows(2, settleColumns),

		"hold": `INSERT INTO amsbridge_destination (name, held_until) VALUES (?2, {now} + ?3)
			ON CONFLICT (name) DO UPDATE SET held_until = excluded.held_until
			WHERE amsbridge_destination.held_until < excluded.held_until`,
		"pause itself": `INSERT INTO amsbridge_destination (name, pausing, reason, probe_at) VALUES (?2, 1, ?3, {now} + ?4)
			ON CONFLICT (name) DO UPDATE SET pausing = 1, reason = excluded.reason, probe_at = excluded.probe_at
			WHERE amsbridge_destination.pausing <> 2`,
		"break": `INSERT INTO amsbridge_destination (name, breaker, breaker_until) VALUES (?2, 1, {now} + ?3)
			ON CONFLICT (name) DO UPDATE SET breaker = 1, breaker_until = excluded.breaker_until
			WHERE amsbridge_destination.breaker = 0 OR amsbridge_destination.breaker_until < excluded.breaker_until`,
		"resume itself": `UPDATE amsbridge_destination
			SET reason = CASE WHEN pausing = 1 THEN '' ELSE reason END, probe_at = CASE WHEN pausing = 1 THEN 0 ELSE probe_at END,
				breaker = 0, breaker_until = 0, pausing = CASE WHEN pausing = 1 THEN 0 ELSE pausing END
			WHERE name = ?1 AND (pausing = 1 OR breaker = 1)`,
		"probe again": `UPDATE amsbridge_destination
			SET breaker_until = CASE WHEN breaker_until > {now} THEN {now} ELSE breaker_until END,
				probe_at = CASE WHEN probe_at > {now} THEN {now} ELSE probe_at END
			WHERE name = ?2 AND (pausing = 1 OR breaker = 1)`,
		"pause": `INSERT INTO amsbridge_destination (name, pausing, reason) VALUES (?1, 2, ?2)
			ON CONFLICT (name) DO UPDATE SET pausing = 2, reason = excluded.reason, probe_at = 0`,
		"resume": `UPDATE amsbridge_destination SET pausing = 0, reason = '', probe_at = 0, held_until = 0, breaker = 0, breaker_until = 0
			WHERE name = ?1`,
		// What was pending keeps its counts, and the lease that was lost, which the
		// next claim is to find. The state is set last: MySQL looks at new values.
		"send again": `UPDATE amsbridge_queue SET due_at = {now}, attempts = CASE WHEN state = 0 THEN attempts ELSE 0 END,
				lost = CASE WHEN state = 0 THEN lost ELSE 0 END,
				not_ready_since = CASE WHEN state = 0 THEN not_ready_since END, reason = '', state = 0
			WHERE lane = ?2 AND id = ?3`,
		"lock message": `SELECT q.id FROM amsbridge_message q WHERE q.id = ?1` + d.forUpdate,
		// The platform has it: what is sent is a repeat.
		"put back": `INSERT INTO amsbridge_queue (lane, id, destination, due_at, entries, doubt, seq)
			SELECT m.lane, m.id, m.destination, {now}, a.n, a.doubt | 2, a.seq
			FROM amsbridge_message m CROSS JOIN amsbridge_attempt a
			WHERE m.id = ?2 AND a.message_id = m.id AND a.n = (SELECT MAX(l.n) FROM amsbridge_attempt l WHERE l.message_id = m.id)`,
		"audit": `INSERT INTO amsbridge_audit (at, actor, role, verb, reason, message_id, key, was, destination, association, subject, task)
			VALUES ({now}, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`,

		"attempts": `SELECT n, at, took_us, outcome, state, code, reason, detail, receipt, duplicate <> 0, sender
			FROM amsbridge_attempt WHERE message_id = ?1 ORDER BY n`,
		// The message with the lowest ID is the oldest, but for insertions at the
		// same moment: joining them all would read a message for each row.
		"counts": `SELECT c.destination, c.pending, c.under_way, c.parked, COALESCE(m.created_at, 0)
			FROM (SELECT q.destination, SUM(CASE WHEN q.state = 0 THEN 1 ELSE 0 END) AS pending,
				SUM(CASE WHEN q.state = 0 AND q.lease_until > {now} THEN 1 ELSE 0 END) AS under_way,
				SUM(CASE WHEN q.state = 1 THEN 1 ELSE 0 END) AS parked,
				MIN(CASE WHEN q.state = 0 THEN q.id END) AS first
				FROM amsbridge_queue q GROUP BY q.destination) c
			LEFT JOIN amsbridge_message m ON m.id = c.first ORDER BY c.destination`,
		"destinations": `SELECT name, pausing, reason, held_until, probe_at, CASE WHEN breaker = 0 THEN 0 ELSE breaker_until END
			FROM amsbridge_destination ORDER BY name`,
		"audit list": `SELECT at, actor, role, verb, reason, COALESCE(message_id, 0), key, COALESCE(was, 0), destination, association, subject, task
			FROM amsbridge_audit ORDER BY id DESC LIMIT ?1`,
	}
	maps.Copy(out, claimText(d))
	maps.Copy(out, pruneText(d))
	maps.Copy(out, pruneEntryText(d))
	maps.Copy(out, eraseText(d))
	maps.Copy(out, endingText(d))
	out["last entry"] = lastEntryText(d)
	maps.Copy(out, taskText(d))
	switch d.folder {
	case PostgreSQL:
		maps.Copy(out, insertPostgresText(d))
		out["settle"] = settlePostgresText(d)
	case SQLite:
		maps.Copy(out, insertPlainText(d))
	case MySQL:
		maps.Copy(out, mysqlText(d))
		maps.Copy(out, mysqlKeepText(d))
	}
	return out
}
