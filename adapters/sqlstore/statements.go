package sqlstore

import "maps"

// blocked tells whether the queue row named by alias waits for its
// predecessor: the message of that key has not left the queue.
func blocked(alias string) string {
	return `(` + alias + `.after_key IS NOT NULL AND EXISTS (SELECT 1 FROM amsbridge_message pm
		JOIN amsbridge_queue p ON p.lane = pm.lane AND p.id = pm.id
		WHERE pm.key = ` + alias + `.after_key AND pm.destination = ` + alias + `.destination))`
}

// predecessorParked tells the same of a predecessor that is parked.
const predecessorParked = `EXISTS (SELECT 1 FROM amsbridge_message pm
		JOIN amsbridge_queue p ON p.lane = pm.lane AND p.id = pm.id
		WHERE pm.key = f.after_key AND pm.destination = f.destination AND p.state = 1)`

// messageColumns are read into a message by messageScan.
const messageColumns = `m.id, m.destination, m.key, m.key_parts, m.kind, m.version, m.person, m.subject, m.items,
	m.facts, m.fingerprint, m.after_key, m.trace_context, m.created_at`

// fixed are the statements whose text does not depend on the call.
func fixed(d *dialect) map[string]string {
	out := map[string]string{
		"existing": `SELECT s.i, m.id, m.fingerprint FROM ` + d.rows(1, rowColumns) + `
			JOIN amsbridge_message m ON m.key = s.key AND m.destination = s.destination`,
		"lock queued": `SELECT q.id, q.lane, m.destination, m.key, q.state, q.entries, q.doubt, q.lease_until,
				COALESCE(q.lease_until > {now}, 1 = 0)
			FROM amsbridge_message m JOIN amsbridge_queue q ON q.lane = m.lane AND q.id = m.id
			WHERE m.id IN ` + d.list(2, kindInt) + ` ORDER BY q.id` + d.forUpdate,
		"end log": `INSERT INTO amsbridge_attempt
				(message_id, n, at, took_us, outcome, state, duplicate, code, reason, detail, receipt, sender)
			SELECT s.id, s.n, {now}, 0, 0, s.state, s.duplicate, '', s.reason, '', NULL, s.sender
			FROM ` + d.rows(2, endingColumns),
		"end delete": `DELETE FROM amsbridge_queue WHERE (lane, id) IN (SELECT lane, id FROM ` + d.rows(1, endingColumns) + `)`,
		"release ended": `UPDATE amsbridge_queue SET state = 0, waits = 0, reason = '', due_at = {now}
			WHERE after_key IS NOT NULL AND state = 1 AND waits = 1
				AND (destination, after_key) IN (SELECT s.destination, s.key FROM ` + d.rows(2, endingColumns) + `)`,
		"followers": `SELECT EXISTS (SELECT 1 FROM amsbridge_queue WHERE after_key IS NOT NULL)`,
		"park followers": `UPDATE amsbridge_queue AS f
			SET state = 1, waits = 1, reason = 'waits for ' || ` + d.asText("f.after_key") + `
			WHERE f.after_key IS NOT NULL AND f.state = 0 AND f.lease_until IS NULL AND ` + predecessorParked,
		"release followers": `UPDATE amsbridge_queue AS f SET state = 0, waits = 0, reason = '', due_at = {now}
			WHERE f.after_key IS NOT NULL AND f.state = 1 AND f.waits = 1 AND NOT ` + predecessorParked,

		"peek": `WITH RECURSIVE names(name) AS (
				SELECT (SELECT destination FROM amsbridge_queue WHERE state = 0 ORDER BY destination LIMIT 1)
				UNION ALL
				SELECT (SELECT q.destination FROM amsbridge_queue q WHERE q.state = 0 AND q.destination > names.name
					ORDER BY q.destination LIMIT 1)
				FROM names WHERE names.name IS NOT NULL),
			clock(now) AS (SELECT {now})
			SELECT names.name, clock.now,
				EXISTS (SELECT 1 FROM amsbridge_queue q WHERE q.destination = names.name AND q.state = 0
					AND q.due_at <= clock.now AND (q.lease_until IS NULL OR q.lease_until <= clock.now)),
				(SELECT q.due_at FROM amsbridge_queue q WHERE q.destination = names.name AND q.state = 0
					AND q.due_at > clock.now ORDER BY q.due_at LIMIT 1),
				COALESCE(d.pausing, 0), COALESCE(d.held_until, 0), COALESCE(d.probe_at, 0),
				EXISTS (SELECT 1 FROM amsbridge_queue q WHERE q.after_key IS NOT NULL)
			FROM clock LEFT JOIN names ON names.name IS NOT NULL
			LEFT JOIN amsbridge_destination d ON d.name = names.name`,
		"probe": `UPDATE amsbridge_destination SET probe_at = {at} + ?3
			WHERE name = ?2 AND pausing = 1 AND (?4 = 1 OR probe_at <= {at})`,
		// The CASE keeps the order of the checks: the first is one probe of the
		// lane's index even where a person has thousands waiting. "state + 0"
		// keeps that probe off the index of due rows, and IS NULL in place of NOT
		// EXISTS keeps PostgreSQL from hashing the whole queue.
		"candidates": `SELECT ` + messageColumns + `, q.lane, q.due_at, q.attempts, q.lost, q.doubt, q.entries, q.token,
				q.lease_until IS NOT NULL, q.not_ready_since, q.profile
			FROM (SELECT * FROM amsbridge_queue c
				WHERE c.destination = ?2 AND c.state = 0 AND c.due_at <= {at}
					AND (c.lease_until IS NULL OR c.lease_until <= {at})
					AND (?4 = 0 OR c.lost + CASE WHEN c.lease_until IS NULL THEN 0 ELSE 1 END >= ?5)
					AND CASE WHEN c.id = (SELECT e.id FROM amsbridge_queue e
							WHERE e.lane = c.lane AND e.state + 0 = 0 AND e.due_at <= {at} AND NOT ` + blocked("e") + `
							ORDER BY e.id LIMIT 1)
						THEN (SELECT 1 FROM amsbridge_queue b WHERE b.lane = c.lane AND b.lease_until > {at} LIMIT 1) IS NULL
						ELSE 1 = 0 END
				ORDER BY c.due_at, c.id LIMIT ?3) AS q
			JOIN amsbridge_message m ON m.id = q.id
			ORDER BY q.due_at, q.id`,
		"lease": `UPDATE amsbridge_queue
			SET token = ?3, lease_until = {at} + ?4, attempts = amsbridge_queue.attempts + 1, lost = s.lost, doubt = s.doubt, entries = s.n
			FROM ` + d.rows(2, leaseColumns) + `
			WHERE amsbridge_queue.lane = s.lane AND amsbridge_queue.id = s.id AND amsbridge_queue.state = 0 AND amsbridge_queue.token IS NOT DISTINCT FROM s.token
				AND (amsbridge_queue.lease_until IS NULL OR amsbridge_queue.lease_until <= {at})
			RETURNING amsbridge_queue.id`,
		"poison": `UPDATE amsbridge_queue SET state = 1, waits = 0, token = NULL, lease_until = NULL, lost = ?3, reason = ?4, entries = entries + 1
			WHERE lane = ?1 AND id = ?2`,

		"lock leased": `SELECT q.id, q.entries, q.doubt FROM ` + d.rows(1, gripColumns) + `
			JOIN amsbridge_queue q ON q.lane = s.lane AND q.id = s.id
			WHERE q.token = s.token ORDER BY q.id` + d.forUpdate,
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
			ON CONFLICT (name) DO UPDATE SET held_until =
				CASE WHEN excluded.held_until > amsbridge_destination.held_until
					THEN excluded.held_until ELSE amsbridge_destination.held_until END`,
		"pause itself": `INSERT INTO amsbridge_destination (name, pausing, reason, probe_at) VALUES (?2, 1, ?3, {now} + ?4)
			ON CONFLICT (name) DO UPDATE SET pausing = 1, reason = excluded.reason, probe_at = excluded.probe_at
			WHERE amsbridge_destination.pausing <> 2`,
		"resume itself": `UPDATE amsbridge_destination SET pausing = 0, reason = '' WHERE name = ?1 AND pausing = 1`,
		"pause": `INSERT INTO amsbridge_destination (name, pausing, reason) VALUES (?1, 2, ?2)
			ON CONFLICT (name) DO UPDATE SET pausing = 2, reason = excluded.reason`,
		"resume": `UPDATE amsbridge_destination SET pausing = 0, reason = '', held_until = 0 WHERE name = ?1`,
		"send again": `UPDATE amsbridge_queue SET state = 0, waits = 0, due_at = {now}, attempts = 0, lost = 0,
				token = NULL, lease_until = NULL, not_ready_since = NULL, reason = ''
			WHERE lane = ?2 AND id = ?3`,
		"audit": `INSERT INTO amsbridge_audit (at, actor, role, verb, reason, message_id, key, was, destination)
			VALUES ({now}, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`,

		"attempts": `SELECT n, at, took_us, outcome, state, code, reason, detail, receipt, duplicate, sender
			FROM amsbridge_attempt WHERE message_id = ?1 ORDER BY n`,
		"counts": `SELECT q.destination, SUM(CASE WHEN q.state = 0 THEN 1 ELSE 0 END),
				SUM(CASE WHEN q.state = 0 AND q.lease_until > {now} THEN 1 ELSE 0 END),
				SUM(CASE WHEN q.state = 1 THEN 1 ELSE 0 END), SUM(CASE WHEN q.state = 2 THEN 1 ELSE 0 END),
				COALESCE(MIN(CASE WHEN q.state = 0 THEN m.created_at END), 0)
			FROM amsbridge_queue q JOIN amsbridge_message m ON m.id = q.id
			GROUP BY q.destination ORDER BY q.destination`,
		"destinations": `SELECT name, pausing, reason, held_until, probe_at FROM amsbridge_destination ORDER BY name`,
		"audit list": `SELECT at, actor, role, verb, reason, COALESCE(message_id, 0), key, COALESCE(was, 0), destination
			FROM amsbridge_audit ORDER BY id DESC LIMIT ?1`,
	}
	maps.Copy(out, insertOneText(d))
	if d == postgres {
		out["insert"] = insertPostgresText()
	} else {
		out["unless"] = `SELECT id, destination, key FROM amsbridge_message WHERE key IN ` + d.list(1, kindBytes)
		out["insert message"] = `INSERT INTO amsbridge_message (lane, destination, key, key_parts, kind, version, person,
				subject, items, facts, fingerprint, after_key, trace_context, created_at)
			SELECT s.lane, s.destination, s.key, s.key_parts, s.kind, s.version, s.person,
				s.subject, s.items, s.facts, s.fingerprint, s.after_key, s.trace_context, {now}
			FROM ` + d.rows(2, rowColumns) + ` ORDER BY s.i`
		out["insert queue"] = `INSERT INTO amsbridge_queue (lane, id, destination, state, due_at, after_key, reason, profile)
			SELECT m.lane, m.id, m.destination, s.state, m.created_at, s.after_key, s.reason, s.profile
			FROM ` + d.rows(1, rowColumns) + ` JOIN amsbridge_message m ON m.key = s.key AND m.destination = s.destination`
	}
	return out
}
