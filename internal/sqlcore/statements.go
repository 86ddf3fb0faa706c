package sqlcore

import "maps"

// laterClosed is the later one of two times, of the row g and of what was to be inserted.
const laterClosed = "CASE WHEN g.closed_at > excluded.closed_at THEN g.closed_at ELSE excluded.closed_at END"

// messageColumns are read into a message by messageScan.
const messageColumns = `m.id, m.destination, m.key, m.key_parts, m.kind, m.version, m.person, m.subject, m.items,
	m.facts, m.scope, m.sequel, m.trace_context, m.created_at`

// fixed are the statements whose text does not depend on the call.
func fixed(d *dialect) map[string]string {
	out := map[string]string{
		"existing": `SELECT s.i, m.id FROM ` + d.rows(1, placeColumns) + `
			CROSS JOIN amsbridge_message m WHERE m.key = s.key AND m.destination = s.destination`,
		"log": `INSERT INTO amsbridge_attempt (` + attemptColumns + `)
			SELECT s.id, s.n, {now}, s.took_us, s.outcome, s.state, s.duplicate, s.doubt, s.seq, s.code, s.reason, s.detail, s.receipt,
				s.releases, s.sender
			FROM ` + d.rows(2, logColumns),

		// closed_at keeps the time of a clock that has been set back since, until outbox.Beat.Mend.
		"hold": `INSERT INTO amsbridge_destination AS g (name, held_until, closed_at) VALUES (?2, {now} + ?3, {now})
			ON CONFLICT (name) DO UPDATE SET held_until = excluded.held_until, closed_at = ` + laterClosed + `
			WHERE g.held_until < excluded.held_until`,
		"pause itself": `INSERT INTO amsbridge_destination AS g (name, pausing, reason, probe_at, closed_at)
			VALUES (?2, 1, ?3, {now} + ?4, {now})
			ON CONFLICT (name) DO UPDATE SET pausing = 1, reason = excluded.reason, probe_at = excluded.probe_at,
				closed_at = ` + laterClosed + `
			WHERE g.pausing <> 2`,
		"break": `INSERT INTO amsbridge_destination AS g (name, breaker, breaker_until, closed_at) VALUES (?2, 1, {now} + ?3, {now})
			ON CONFLICT (name) DO UPDATE SET breaker = 1, breaker_until = excluded.breaker_until, closed_at = ` + laterClosed,
		"resume itself": `UPDATE amsbridge_destination
			SET reason = CASE WHEN pausing = 1 THEN '' ELSE reason END, probe_at = CASE WHEN pausing = 1 THEN 0 ELSE probe_at END,
				breaker = 0, breaker_until = 0, pausing = CASE WHEN pausing = 1 THEN 0 ELSE pausing END
			WHERE name = ?1 AND (pausing = 1 OR breaker = 1)`,
		"probe again": `UPDATE amsbridge_destination
			SET breaker_until = CASE WHEN breaker_until > {now} THEN {now} ELSE breaker_until END,
				probe_at = CASE WHEN probe_at > {now} THEN {now} ELSE probe_at END
			WHERE name = ?2 AND (pausing = 1 OR breaker = 1)`,
		"probe": `UPDATE amsbridge_destination
			SET probe_at = CASE WHEN pausing = 1 THEN {now} + ?3 ELSE probe_at END,
				breaker_until = CASE WHEN breaker = 1 THEN {now} + ?3 ELSE breaker_until END, closed_at = {now}
			WHERE ` + probeIf,
		"destination states": `SELECT ` + destinationStateColumns + `, {now} FROM amsbridge_destination WHERE name IN ` + d.list(2, kindBytes),
		"spend":              `UPDATE amsbridge_destination SET rate_window = ?2 WHERE name = ?1`,
		"fly":                `INSERT INTO amsbridge_flight (session, n, recorded_at, ids) VALUES (?2, ?3, {now}, ?4)`,
		"pause": `INSERT INTO amsbridge_destination AS g (name, pausing, reason, closed_at) VALUES (?2, 2, ?3, {now})
			ON CONFLICT (name) DO UPDATE SET pausing = 2, reason = excluded.reason, probe_at = 0, closed_at = ` + laterClosed,
		"resume": `UPDATE amsbridge_destination SET pausing = 0, reason = '', probe_at = 0, held_until = 0, breaker = 0, breaker_until = 0,
				closed_at = {now}
			WHERE name = ?2`,
		// What was pending keeps its counts. The state is set last: MySQL looks at new values.
		"send again": `UPDATE amsbridge_queue SET due_at = {now}, put_off_at = {now}, stamp = 0, doubt = ?3,
				attempts = CASE WHEN state = 0 THEN attempts ELSE 0 END, lost = CASE WHEN state = 0 THEN lost ELSE 0 END,
				not_ready_since = CASE WHEN state = 0 THEN not_ready_since END, reason = '', state = 0
			WHERE id = ?2`,
		"lock message": `SELECT q.id FROM amsbridge_message q WHERE q.id = ?1` + d.forUpdate,
		// The platform has it: what is sent is a repeat.
		"put back": `INSERT INTO amsbridge_queue (id, ordering_key, shard, destination, due_at, put_off_at, entries, doubt, seq)
			SELECT m.id, m.ordering_key, ` + shardOf("m.ordering_key") + `, m.destination, {now}, {now}, a.n, a.doubt | 2, a.seq
			FROM amsbridge_message m CROSS JOIN amsbridge_attempt a
			WHERE m.id = ?2 AND a.message_id = m.id AND a.n = (SELECT MAX(l.n) FROM amsbridge_attempt l WHERE l.message_id = m.id)`,
		"audit": `INSERT INTO amsbridge_audit (at, actor, role, verb, reason, message_id, key, was, destination, association, subject, task)
			VALUES ({now}, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`,

		// The message with the lowest ID is the oldest, but for insertions at the
		// same moment: joining them all would read a message for each row.
		"counts": `SELECT c.destination, c.pending, c.parked, COALESCE(m.created_at, 0)
			FROM (SELECT q.destination, SUM(CASE WHEN q.state = 0 THEN 1 ELSE 0 END) AS pending,
				SUM(CASE WHEN q.state = 1 THEN 1 ELSE 0 END) AS parked,
				MIN(CASE WHEN q.state = 0 THEN q.id END) AS first
				FROM amsbridge_queue q GROUP BY q.destination) c
			LEFT JOIN amsbridge_message m ON m.id = c.first ORDER BY c.destination`,
		"destinations": `SELECT name, pausing, reason, held_until, probe_at, CASE WHEN breaker = 0 THEN 0 ELSE breaker_until END
			FROM amsbridge_destination WHERE name <> CAST('' AS {bytes}) OR pausing <> 0 ORDER BY name`,
	}
	maps.Copy(out, pruneText(d))
	maps.Copy(out, pruneEntryText(d))
	maps.Copy(out, eraseText(d))
	maps.Copy(out, endingText(d))
	out["last entry"] = lastEntryText(d)
	maps.Copy(out, taskText(d))
	maps.Copy(out, sessionText(d))
	maps.Copy(out, installationText(d))
	maps.Copy(out, d.text(d))
	return out
}
