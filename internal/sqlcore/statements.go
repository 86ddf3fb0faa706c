package sqlcore

import "maps"

// blocked tells whether the queue row named by alias waits for its
// predecessor: the message of that key has not left the queue.
func blocked(alias string) string {
	return `(` + alias + `.after_key IS NOT NULL AND EXISTS (SELECT 1 FROM amsbridge_message pm
		CROSS JOIN amsbridge_queue p
		WHERE pm.key = ` + alias + `.after_key AND pm.destination = ` + alias + `.destination AND p.lane = pm.lane AND p.id = pm.id))`
}

// predecessorParked tells the same of a predecessor that is parked. OFFSET and
// "state + 0" keep PostgreSQL from walking over all that is parked instead.
const predecessorParked = `EXISTS (SELECT 1 FROM amsbridge_message pm
		CROSS JOIN amsbridge_queue p
		WHERE pm.key = f.after_key AND pm.destination = f.destination AND p.lane = pm.lane AND p.id = pm.id AND p.state + 0 = 1
		LIMIT 1 OFFSET 0)`

// followersToMove tells whether followers must be parked or released.
const followersToMove = `EXISTS (SELECT 1 FROM amsbridge_queue f{byAfter} WHERE f.after_key IS NOT NULL AND f.state + 0 = 0 AND f.lease_until IS NULL
		AND ` + predecessorParked + `)
	OR EXISTS (SELECT 1 FROM amsbridge_queue f{byAfter} WHERE f.after_key IS NOT NULL AND f.state + 0 = 1 AND f.waits = 1
		AND NOT ` + predecessorParked + `)`

// anyFollowers tells whether there are followers at all. It stays on their index
// outside our own transactions too, where nothing keeps PostgreSQL's planner
// from reading the whole queue for followersToMove.
const anyFollowers = `(SELECT f.after_key FROM amsbridge_queue f WHERE f.after_key IS NOT NULL ORDER BY f.after_key LIMIT 1) IS NOT NULL`

// messageColumns are read into a message by messageScan.
const messageColumns = `m.id, m.destination, m.key, m.key_parts, m.kind, m.version, m.person, m.subject, m.items,
	m.facts, m.fingerprint, m.after_key, m.trace_context, m.created_at`

// fixed are the statements whose text does not depend on the call.
func fixed(d *dialect) map[string]string {
	out := map[string]string{
		"existing": `SELECT s.i, m.id, m.fingerprint FROM ` + d.rows(1, placeColumns) + `
			CROSS JOIN amsbridge_message m WHERE m.key = s.key AND m.destination = s.destination`,
		"lock queued": `SELECT q.id, q.lane, m.destination, m.key, q.state, q.entries, q.doubt, q.lease_until,
				COALESCE(q.lease_until > {now}, 1 = 0)
			FROM amsbridge_message m CROSS JOIN amsbridge_queue q
			WHERE q.lane = m.lane AND q.id = m.id AND m.id IN ` + d.list(2, kindInt) + ` ORDER BY q.id` + d.forUpdate,
		"end log": `INSERT INTO amsbridge_attempt
				(message_id, n, at, took_us, outcome, state, duplicate, code, reason, detail, receipt, sender)
			SELECT s.id, s.n, {now}, 0, 0, s.state, s.duplicate, '', s.reason, '', NULL, s.sender
			FROM ` + d.rows(2, endingColumns),
		"end delete": `DELETE FROM amsbridge_queue WHERE (lane, id) IN (SELECT lane, id FROM ` + d.rows(1, endingColumns) + `)`,
		"release ended": `UPDATE amsbridge_queue{byAfter} SET state = 0, waits = 0, reason = '', due_at = {now}
			WHERE after_key IS NOT NULL AND state + 0 = 1 AND waits = 1
				AND (destination, after_key) IN (SELECT s.destination, s.key FROM ` + d.rows(2, endingColumns) + `)`,
		"followers": `SELECT EXISTS (SELECT 1 FROM amsbridge_queue{byAfter} WHERE after_key IS NOT NULL)`,
		"park followers": `UPDATE amsbridge_queue AS f{byAfter}
			SET state = 1, waits = 1, reason = 'waits for ' || ` + d.asText("f.after_key") + `
			WHERE f.after_key IS NOT NULL AND f.state + 0 = 0 AND f.lease_until IS NULL AND ` + predecessorParked,
		"release followers": `UPDATE amsbridge_queue AS f{byAfter} SET state = 0, waits = 0, reason = '', due_at = {now}
			WHERE f.after_key IS NOT NULL AND f.state + 0 = 1 AND f.waits = 1 AND NOT ` + predecessorParked,

		"poison": `UPDATE amsbridge_queue SET state = 1, waits = 0, token = NULL, lease_until = NULL, lost = ?3, reason = ?4, entries = entries + 1
			WHERE lane = ?1 AND id = ?2`,

		"lock leased": `SELECT q.id, q.entries, q.doubt FROM ` + d.rows(1, gripColumns) + `
			CROSS JOIN amsbridge_queue q
			WHERE q.lane = s.lane AND q.id = s.id AND q.token = s.token ORDER BY q.id` + d.forUpdate,
		"settle keep": `UPDATE amsbridge_queue AS q
			SET state = s.state, waits = 0, due_at = {now} + s.delay, token = NULL, lease_until = NULL, lost = 0,
				attempts = q.attempts - s.given_back, doubt = s.doubt, reason = s.reason,
				not_ready_since = CASE WHEN s.not_ready = 1 THEN COALESCE(q.not_ready_since, {now}) ELSE q.not_ready_since END
			FROM ` + d.rows(2, settleColumns) + `
			WHERE q.lane = s.lane AND q.id = s.id AND q.token = s.token`,
		"settle delete": `DELETE FROM amsbridge_queue WHERE (lane, id) IN (SELECT lane, id FROM ` + d.rows(1, gripColumns) + `)`,
		"log": `INSERT INTO amsbridge_attempt
				(message_id, n, at, took_us, outcome, state, duplicate, code, reason, detail, receipt, sender)
			SELECT s.id, s.n, {now}, s.took_us, s.outcome, s.state, s.duplicate, s.code, s.reason, s.detail, s.receipt, s.sender
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
		"pause": `INSERT INTO amsbridge_destination (name, pausing, reason) VALUES (?1, 2, ?2)
			ON CONFLICT (name) DO UPDATE SET pausing = 2, reason = excluded.reason, probe_at = 0`,
		"resume": `UPDATE amsbridge_destination SET pausing = 0, reason = '', probe_at = 0, held_until = 0, breaker = 0, breaker_until = 0
			WHERE name = ?1`,
		// What was pending keeps its counts, and the lease that was lost, which the
		// next claim is to find. The state is set last: MySQL looks at new values.
		"send again": `UPDATE amsbridge_queue SET due_at = {now}, attempts = CASE WHEN state = 0 THEN attempts ELSE 0 END,
				lost = CASE WHEN state = 0 THEN lost ELSE 0 END,
				not_ready_since = CASE WHEN state = 0 THEN not_ready_since END, waits = 0, reason = '', state = 0
			WHERE lane = ?2 AND id = ?3`,
		"lock message": `SELECT q.id FROM amsbridge_message q WHERE q.id = ?1` + d.forUpdate,
		// The platform has it: what is sent is a repeat. Whether a lease was lost
		// is read from the log, for the queue's row is gone.
		"put back": `INSERT INTO amsbridge_queue (lane, id, destination, state, due_at, entries, doubt, after_key, reason)
			SELECT m.lane, m.id, m.destination, 0, {now},
				COALESCE((SELECT MAX(a.n) FROM amsbridge_attempt a WHERE a.message_id = m.id), 0),
				2 + CASE WHEN EXISTS (SELECT 1 FROM amsbridge_attempt a WHERE a.message_id = m.id AND a.outcome = 0 AND a.state = 0
					AND a.reason LIKE 'lease lost%') THEN 1 ELSE 0 END,
				m.after_key, ''
			FROM amsbridge_message m WHERE m.id = ?2`,
		"audit": `INSERT INTO amsbridge_audit (at, actor, role, verb, reason, message_id, key, was, destination)
			VALUES ({now}, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,

		"attempts": `SELECT n, at, took_us, outcome, state, code, reason, detail, receipt, duplicate <> 0, sender
			FROM amsbridge_attempt WHERE message_id = ?1 ORDER BY n`,
		// The message with the lowest ID is the oldest, but for insertions at the
		// same moment: joining them all would read a message for each row.
		"counts": `SELECT c.destination, c.pending, c.under_way, c.parked, c.held, COALESCE(m.created_at, 0)
			FROM (SELECT q.destination, SUM(CASE WHEN q.state = 0 THEN 1 ELSE 0 END) AS pending,
				SUM(CASE WHEN q.state = 0 AND q.lease_until > {now} THEN 1 ELSE 0 END) AS under_way,
				SUM(CASE WHEN q.state = 1 THEN 1 ELSE 0 END) AS parked, SUM(CASE WHEN q.state = 2 THEN 1 ELSE 0 END) AS held,
				MIN(CASE WHEN q.state = 0 THEN q.id END) AS first
				FROM amsbridge_queue q GROUP BY q.destination) c
			LEFT JOIN amsbridge_message m ON m.id = c.first ORDER BY c.destination`,
		"destinations": `SELECT name, pausing, reason, held_until, probe_at, CASE WHEN breaker = 0 THEN 0 ELSE breaker_until END
			FROM amsbridge_destination ORDER BY name`,
		"audit list": `SELECT at, actor, role, verb, reason, COALESCE(message_id, 0), key, COALESCE(was, 0), destination
			FROM amsbridge_audit ORDER BY id DESC LIMIT ?1`,
	}
	maps.Copy(out, claimText(d))
	maps.Copy(out, pruneText(d))
	maps.Copy(out, eraseText(d))
	maps.Copy(out, insertOneText(d))
	if d.folder == PostgreSQL {
		out["insert"] = insertPostgresText(d)
		out["settle"] = settlePostgresText(d)
	} else {
		out["unless"] = `SELECT id, destination, key FROM amsbridge_message WHERE key IN ` + d.list(1, kindBytes)
		out["insert message"] = `INSERT INTO amsbridge_message (lane, destination, key, key_parts, kind, version, person,
				subject, items, facts, fingerprint, after_key, trace_context, created_at)
			SELECT s.lane, s.destination, s.key, s.key_parts, s.kind, s.version, s.person,
				s.subject, s.items, s.facts, s.fingerprint, s.after_key, s.trace_context, {now}
			FROM ` + d.rows(2, rowColumns) + ` ORDER BY s.i`
		out["insert queue"] = `INSERT INTO amsbridge_queue (lane, id, destination, state, due_at, after_key, reason, profile)
			SELECT m.lane, m.id, m.destination, s.state, m.created_at, s.after_key, s.reason, s.profile
			FROM ` + d.rows(1, rowColumns) + ` CROSS JOIN amsbridge_message m WHERE m.key = s.key AND m.destination = s.destination`
	}
	if d.folder == MySQL {
		maps.Copy(out, mysqlText(d))
		maps.Copy(out, mysqlKeepText(d))
	}
	return out
}
