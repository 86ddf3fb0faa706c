package sqlcore

import "fmt"

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
	{"seq", kindInt},
	{"reason", kindText},
}

// mysqlText are the statements that MySQL needs in another form. UPDATE has no
// RETURNING there: "X locked" selects and locks what "X" then updates.
func mysqlText(d *dialect) map[string]string {
	existing := `SELECT s.i, m.id FROM ` + d.rows(1, placeColumns) + `
		STRAIGHT_JOIN amsbridge_message m FORCE INDEX (amsbridge_message_key) ON m.key = s.key AND m.destination = s.destination`
	return map[string]string{
		"existing":     existing,
		"existing now": existing + ` LOCK IN SHARE MODE`,
		"entry exists": `SELECT n FROM amsbridge_entry WHERE key = ?1 LIMIT 1`,
		"append":       `INSERT INTO amsbridge_entry (` + entryColumns + `) VALUES (?2, ?3, ?4, ?5, FROM_BASE64(?6), ?7, ?8, {now})`,
		"entry met":    entryRead + ` AND n = ?2 LOCK IN SHARE MODE`,
		"task done":    fmt.Sprintf(`INSERT INTO amsbridge_task (at, entry_key, task, mark) VALUES ({now}, ?2, ?3, %d)`, markDone),
		"told": fmt.Sprintf(`INSERT INTO amsbridge_task (at, entry_key, task, mark) SELECT {now}, s.entry_key, s.task, %d FROM %s
			ON DUPLICATE KEY UPDATE mark = VALUES(mark)`, markTold, d.rows(2, taskColumns)),
		"void locked": `SELECT n FROM amsbridge_entry WHERE key = ?1 AND n = ?2 FOR UPDATE SKIP LOCKED`,

		"lock queued": `SELECT q.id, q.lane, q.entries, q.doubt, q.seq, q.lease_until IS NOT NULL, COALESCE(q.lease_until > {now}, 1 = 0)
			FROM ` + d.list(2, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_message m FORCE INDEX (PRIMARY) ON m.id = s.value
			STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.lane = m.lane AND q.id = m.id
			ORDER BY q.id FOR UPDATE`,
		"lock free": `SELECT q.id, q.lane, q.entries, q.doubt, q.seq FROM ` + d.rows(1, endingColumns) + `
			STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id
			WHERE q.lease_until IS NULL ORDER BY q.id FOR UPDATE SKIP LOCKED`,
		"end delete": `DELETE q FROM ` + d.rows(1, endingColumns) + `
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id`,

		"lock leased": `SELECT q.id, q.entries, q.doubt, q.seq FROM ` + d.rows(1, gripColumns) + `
			STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id
			WHERE q.token = s.token ORDER BY q.id FOR UPDATE`,
		"settle keep": `UPDATE ` + d.rows(2, keepColumns) + `
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.lane = s.lane AND q.id = s.id
			SET q.state = s.state, q.due_at = {now} + s.delay, q.token = NULL, q.lease_until = NULL, q.lost = 0,
				q.attempts = q.attempts - s.given_back, q.doubt = s.doubt, q.seq = s.seq, q.reason = s.reason,
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
