package sqlcore

// On MySQL, rows come first and STRAIGHT_JOIN leads from them to whole keys, so
// that a statement locks what it names and nothing else, whatever the statistics
// say of a queue that grows and empties all day.

// keepColumns are those of settleColumns that a row in the queue keeps.
var keepColumns = []column{
	{"id", kindInt},
	{"lane", kindInt},
	{"token", kindBytes},
	{"state", kindInt},
	{"delay", kindInt},
	{"given_back", kindInt},
	{"not_ready", kindInt},
	{"doubt", kindInt},
	{"reason", kindText},
}

// mysqlText are the statements that MySQL needs in another form. UPDATE has no
// RETURNING there: "X locked" selects and locks what "X" then updates.
func mysqlText(d *dialect) map[string]string {
	existing := `SELECT s.i, m.id, m.fingerprint FROM ` + d.rows(1, placeColumns) + `
		STRAIGHT_JOIN amsbridge_message m FORCE INDEX (amsbridge_message_key) ON m.key = s.key AND m.destination = s.destination`
	return map[string]string{
		"existing":     existing,
		"existing now": existing + ` LOCK IN SHARE MODE`,
		"unless": `SELECT m.id, m.destination, m.key FROM ` + d.list(1, kindBytes) + ` AS s
			STRAIGHT_JOIN amsbridge_message m FORCE INDEX (amsbridge_message_key) ON m.key = s.value`,

		"queued": `SELECT q.id, q.lane, m.destination, m.key FROM ` + d.list(1, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_message m FORCE INDEX (PRIMARY) ON m.id = s.value
			STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.lane = m.lane AND q.id = m.id`,
		"lock queued": `SELECT q.id, q.lane, s.destination, s.key, q.state, q.entries, q.doubt, q.lease_until,
				COALESCE(q.lease_until > {now}, 1 = 0)
			FROM ` + d.rows(2, queuedColumns) + ` STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id
			ORDER BY q.id FOR UPDATE`,
		"end delete": `DELETE q FROM ` + d.rows(1, endingColumns) + `
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id`,
		"ended followers": `SELECT q.id, q.lane FROM ` + d.rows(2, endingColumns) + `
			STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (amsbridge_queue_after)
				ON q.after_key = s.key AND q.destination = s.destination
			WHERE q.state = 1 AND q.waits = 1`,
		"release ended": `UPDATE ` + d.rows(2, gripColumns) + `
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id
			SET q.state = 0, q.waits = 0, q.reason = '', q.due_at = {now}
			WHERE q.state = 1 AND q.waits = 1`,
		"park followers": `UPDATE (SELECT DISTINCT f.lane, f.id FROM amsbridge_queue f FORCE INDEX (amsbridge_queue_after)
				WHERE f.after_key IS NOT NULL AND f.state = 0 AND f.lease_until IS NULL AND ` + predecessorParked + `) AS s
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id
			SET q.state = 1, q.waits = 1, q.reason = CONCAT('waits for ', ` + d.asText("q.after_key") + `)
			WHERE q.state = 0 AND q.lease_until IS NULL`,
		"release followers": `UPDATE (SELECT DISTINCT f.lane, f.id FROM amsbridge_queue f FORCE INDEX (amsbridge_queue_after)
				WHERE f.after_key IS NOT NULL AND f.state = 1 AND f.waits = 1 AND NOT ` + predecessorParked + `) AS s
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id
			SET q.state = 0, q.waits = 0, q.reason = '', q.due_at = {now}
			WHERE q.state = 1 AND q.waits = 1`,

		"lock leased": `SELECT q.id, q.entries, q.doubt FROM ` + d.rows(1, gripColumns) + `
			STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id
			WHERE q.token = s.token ORDER BY q.id FOR UPDATE`,
		"settle keep": `UPDATE ` + d.rows(2, keepColumns) + `
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id
			SET q.state = s.state, q.waits = 0, q.due_at = {now} + s.delay, q.token = NULL, q.lease_until = NULL, q.lost = 0,
				q.attempts = q.attempts - s.given_back, q.doubt = s.doubt, q.reason = s.reason,
				q.not_ready_since = CASE WHEN s.not_ready = 1 THEN COALESCE(q.not_ready_since, {now}) ELSE q.not_ready_since END
			WHERE q.token = s.token`,
		"settle delete": `DELETE q FROM ` + d.rows(1, gripColumns) + `
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id`,

		"lease locked": `SELECT q.id FROM ` + d.rows(4, leaseColumns) + `
			STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id
			WHERE q.state = 0 AND q.due_at <= {at} AND q.token <=> s.token AND (q.lease_until IS NULL OR q.lease_until <= {at}) FOR UPDATE`,
		"lease": `UPDATE ` + d.rows(4, leaseColumns) + `
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id
			SET q.token = ?2, q.lease_until = {at} + ?3, q.attempts = q.attempts + 1, q.lost = s.lost, q.doubt = s.doubt, q.entries = s.n
			WHERE q.state = 0 AND q.due_at <= {at} AND q.token <=> s.token AND (q.lease_until IS NULL OR q.lease_until <= {at})`,

		"probe locked": `SELECT name FROM amsbridge_destination WHERE ` + mayProbe + ` FOR UPDATE`,
		"spend": `INSERT INTO amsbridge_destination (name, rate_window) SELECT s.name, s.spent FROM ` + d.rows(1, spendingColumns) + `
			ON DUPLICATE KEY UPDATE rate_window = VALUES(rate_window)`,

		"hold": `INSERT INTO amsbridge_destination (name, held_until) VALUES (?2, {now} + ?3)
			ON DUPLICATE KEY UPDATE held_until = GREATEST(held_until, VALUES(held_until))`,
		// Assignments take effect from left to right.
		"pause itself": `INSERT INTO amsbridge_destination (name, pausing, reason, probe_at) VALUES (?2, 1, ?3, {now} + ?4)
			ON DUPLICATE KEY UPDATE reason = IF(pausing = 2, reason, VALUES(reason)),
				probe_at = IF(pausing = 2, probe_at, VALUES(probe_at)), pausing = IF(pausing = 2, 2, 1)`,
		"break": `INSERT INTO amsbridge_destination (name, breaker, breaker_until) VALUES (?2, 1, {now} + ?3)
			ON DUPLICATE KEY UPDATE breaker_until = IF(breaker = 0, VALUES(breaker_until), GREATEST(breaker_until, VALUES(breaker_until))),
				breaker = 1`,
		"pause": `INSERT INTO amsbridge_destination (name, pausing, reason) VALUES (?1, 2, ?2)
			ON DUPLICATE KEY UPDATE pausing = 2, reason = VALUES(reason), probe_at = 0`,

		"tour":  tourText,
		"lanes": lanesText(d),
	}
}
