package sqlcore

// sendingMySQLText are the statements of MySQL that record flights and settle. STRAIGHT_JOIN leads from the
// rows of a call to whole keys, as in mysqlText.
func sendingMySQLText(d *dialect) map[string]string {
	return map[string]string{
		"hold session": `SELECT id FROM amsbridge_session WHERE id = ?1 LOCK IN SHARE MODE`,
		"take": `SELECT q.id, ` + begunColumns("{now}", d.byPerson) + `
			FROM ` + d.list(4, kindInt) + ` AS s STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.id = s.value
			WHERE ` + freePlain + ` FOR UPDATE SKIP LOCKED`,
		"rates": `SELECT g.name, g.rate_window, {now} FROM ` + d.list(2, kindBytes) + ` AS n
			STRAIGHT_JOIN amsbridge_destination g FORCE INDEX (PRIMARY) ON g.name = n.value ORDER BY g.name FOR UPDATE`,
		"new destinations": `INSERT INTO amsbridge_destination (name) SELECT n.value FROM ` + d.list(1, kindBytes) + ` AS n
			ON DUPLICATE KEY UPDATE name = VALUES(name)`,

		"lock settled": `SELECT q.id, q.entries, q.doubt, q.seq FROM ` + d.list(1, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_queue q FORCE INDEX (PRIMARY) ON q.id = s.value FOR UPDATE SKIP LOCKED`,
		"settle keep": `UPDATE ` + d.rows(2, keepColumns) + `
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.id = s.id
			SET q.state = s.state, q.due_at = {now} + s.delay, q.put_off_at = {now}, q.stamp = 0, q.lost = 0,
				q.attempts = q.attempts + s.counted, q.entries = q.entries + 1 - s.unlogged, q.doubt = s.doubt, q.seq = s.seq,
				q.reason = s.reason,
				q.not_ready_since = CASE WHEN s.not_ready = 1 THEN COALESCE(q.not_ready_since, {now}) ELSE q.not_ready_since END`,
		"settle delete": `DELETE q FROM ` + d.list(1, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_queue AS q FORCE INDEX (PRIMARY) ON q.id = s.value`,
		"over": `DELETE f FROM ` + d.list(2, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_flight AS f FORCE INDEX (PRIMARY) ON f.session = ?1 AND f.n = s.value`,
	}
}

// keepColumns are those of settleColumns that a row in the queue keeps.
var keepColumns = []column{
	{"id", kindInt},
	{"state", kindInt},
	{"delay", kindInt},
	{"counted", kindInt},
	{"unlogged", kindInt},
	{"not_ready", kindInt},
	{"doubt", kindInt},
	{"seq", kindInt},
	{"reason", kindText},
}
