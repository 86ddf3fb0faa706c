package sqlcore

// sendingSQLiteText are the statements of SQLite that record flights and settle. Its transactions write one
// at a time: nothing is locked.
func sendingSQLiteText(d *dialect) map[string]string {
	return map[string]string{
		"hold session": `SELECT id FROM amsbridge_session WHERE id = ?1`,
		"take": `SELECT q.id, ` + begunColumns("{now}", "") + `
			FROM amsbridge_queue q WHERE q.id IN ` + d.list(4, kindInt) + ` AND ` + freePlain,
		"rates": `SELECT name, rate_window, {now} FROM amsbridge_destination WHERE name IN ` + d.list(2, kindBytes),
		"new destinations": `INSERT INTO amsbridge_destination (name) SELECT * FROM ` + d.list(1, kindBytes) + ` WHERE 1 = 1
			ON CONFLICT (name) DO NOTHING`,

		"lock settled": `SELECT q.id, q.entries, q.doubt, q.seq 
			FROM amsbridge_queue q WHERE q.id IN ` + d.list(1, kindInt),
		"settle keep": `UPDATE amsbridge_queue AS q
			SET state = s.state, due_at = {now} + s.delay, put_off_at = {now}, stamp = 0, lost = 0, attempts = q.attempts + s.counted,
				entries = q.entries + 1 - s.unlogged, doubt = s.doubt, seq = s.seq, reason = s.reason,
				not_ready_since = CASE WHEN s.not_ready = 1 THEN COALESCE(q.not_ready_since, {now}) ELSE q.not_ready_since END
			FROM ` + d.rows(2, settleColumns) + ` WHERE q.id = s.id`,
		"settle delete": `DELETE FROM amsbridge_queue WHERE id IN ` + d.list(1, kindInt),
		"over":          `DELETE FROM amsbridge_flight WHERE session = ?1 AND n IN ` + d.list(2, kindInt),
	}
}
