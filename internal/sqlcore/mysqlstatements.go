package sqlcore

import (
	"fmt"
	"maps"
)

// On MySQL, rows come first and STRAIGHT_JOIN leads from them to whole keys, so
// that a statement locks what it names and nothing else, whatever the statistics
// say of a queue that grows and empties all day.

// mysqlText are the statements that MySQL needs in another form. UPDATE has no
// RETURNING there: "X locked" selects and locks what "X" then updates.
func mysqlText(d *dialect) map[string]string {
	existing := `SELECT s.i, m.id FROM ` + d.rows(1, placeColumns) + `
		STRAIGHT_JOIN amsbridge_message m FORCE INDEX (amsbridge_message_key) ON m.key = s.key AND m.destination = s.destination`
	out := map[string]string{
		"existing":     existing,
		"existing now": existing + ` LOCK IN SHARE MODE`,
		"entry exists": `SELECT n FROM amsbridge_entry WHERE key = ?1 LIMIT 1`,
		"append":       `INSERT INTO amsbridge_entry (` + entryColumns + `) VALUES (?2, ?3, ?4, ?5, FROM_BASE64(?6), ?7, ?8, {now})`,
		"entry met":    entryRead + ` AND n = ?2 LOCK IN SHARE MODE`,
		"task done":    fmt.Sprintf(`INSERT INTO amsbridge_task (at, entry_key, task, mark) VALUES ({now}, ?2, ?3, %d)`, markDone),
		"told": fmt.Sprintf(`INSERT INTO amsbridge_task (at, entry_key, task, mark) SELECT {now}, s.entry_key, s.task, %d FROM %s
			ON DUPLICATE KEY UPDATE mark = VALUES(mark)`, markTold, d.rows(2, taskColumns)),
		"void locked": `SELECT n FROM amsbridge_entry WHERE key = ?1 AND n = ?2 FOR UPDATE SKIP LOCKED`,

		"lock queued": `SELECT q.id, q.ordering_key, q.entries, q.doubt, q.seq, ` + sendingColumns + `
			FROM ` + d.list(1, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.id = s.value
			ORDER BY q.id FOR UPDATE`,
		"still queued": `SELECT q.id FROM ` + d.list(1, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.id = s.value`,
		"lock free": `SELECT q.id, q.ordering_key, q.entries, q.doubt, q.seq FROM ` + d.rows(1, endingColumns) + `
			STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.id = s.id
			WHERE q.ordering_key = s.ordering_key ORDER BY q.id FOR UPDATE SKIP LOCKED`,
		"end delete": `DELETE q FROM ` + d.rows(1, endingColumns) + `
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.id = s.id`,

		// Assignments take effect from left to right.
		"hold": `INSERT INTO amsbridge_destination (name, held_until, closed_at) VALUES (?2, {now} + ?3, {now})
			ON DUPLICATE KEY UPDATE
				held_until = GREATEST(held_until, VALUES(held_until)), closed_at = GREATEST(closed_at, VALUES(closed_at))`,
		"pause itself": `INSERT INTO amsbridge_destination (name, pausing, reason, probe_at, closed_at) VALUES (?2, 1, ?3, {now} + ?4, {now})
			ON DUPLICATE KEY UPDATE reason = IF(pausing = 2, reason, VALUES(reason)),
				probe_at = IF(pausing = 2, probe_at, VALUES(probe_at)),
				closed_at = IF(pausing = 2, closed_at, GREATEST(closed_at, VALUES(closed_at))),
				pausing = IF(pausing = 2, 2, 1)`,
		"break": `INSERT INTO amsbridge_destination (name, breaker, breaker_until, closed_at) VALUES (?2, 1, {now} + ?3, {now})
			ON DUPLICATE KEY UPDATE breaker_until = VALUES(breaker_until),
				breaker = 1, closed_at = GREATEST(closed_at, VALUES(closed_at))`,
		"pause": `INSERT INTO amsbridge_destination (name, pausing, reason, closed_at) VALUES (?2, 2, ?3, {now})
			ON DUPLICATE KEY UPDATE pausing = 2, reason = VALUES(reason), probe_at = 0,
				closed_at = GREATEST(closed_at, VALUES(closed_at))`,
	}
	maps.Copy(out, mysqlSessionText(d))
	maps.Copy(out, sendingMySQLText(d))
	maps.Copy(out, mysqlKeepText(d))
	return out
}

// mysqlSessionText are those of sessions. Nothing is stamped there, and no index tells of stamps.
func mysqlSessionText(d *dialect) map[string]string {
	named := d.list(2, kindInt) + ` AS s STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.id = s.value`
	shards := d.list(2, kindInt) + ` AS s STRAIGHT_JOIN amsbridge_shard AS q FORCE INDEX (PRIMARY) ON q.shard = s.value`
	return map[string]string{
		// InnoDB does not say which transactions are open, so time must tell: see outbox.Pulse.
		"pulse": pulseText(d, pulseParts{
			begun: "{now}", ended: fmt.Sprintf("{now} - %d", insertionsEnd.Microseconds()), alive: "1", more: "0", who: "z.sender", none: "''",
		}),
		"join": `INSERT INTO amsbridge_session (sender, length_us, installation, joined_at) VALUES (?2, ?3, ?4, {now})`,
		"lock dead": `SELECT z.sender FROM amsbridge_session z FORCE INDEX (PRIMARY)
			STRAIGHT_JOIN amsbridge_beat b FORCE INDEX (PRIMARY) ON b.session = z.id
			WHERE z.id = ?1 AND b.beats = ?2 FOR UPDATE SKIP LOCKED`,
		"give shards": `UPDATE ` + shards + ` SET q.owner = 0 WHERE q.owner = ?1`,
		"take shards": `UPDATE ` + shards + ` SET q.owner = ?1 WHERE ` + vacant,
		"mend queue": `UPDATE amsbridge_queue FORCE INDEX (amsbridge_queue_due) SET due_at = {now}, put_off_at = {now}
			WHERE state = 0 AND due_at > {now} AND put_off_at > {now} + 1000000`,

		"lock named": `SELECT q.id, q.lost, ` + sendingColumns + ` FROM ` + d.list(1, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.id = s.value WHERE q.state = 0 ORDER BY q.id FOR UPDATE`,
		"lose": `UPDATE ` + named + ` SET q.due_at = {now}, q.put_off_at = {now}, q.lost = q.lost + 1, q.doubt = q.doubt | 1`,
		"poison": `UPDATE ` + named + `
			SET q.state = 1, q.reason = ?1, q.lost = q.lost + 1, q.doubt = q.doubt | 1, q.entries = q.entries + 1`,
		"log poisoned": logPoisoned + ` FROM ` + d.list(3, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.id = s.value`,
	}
}
