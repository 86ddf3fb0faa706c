package sqlcore

// mysqlKeepText are the statements of pruning and erasing. A DELETE or UPDATE of
// one table would read all of it to find the rows of a list.
func mysqlKeepText(d *dialect) map[string]string {
	return map[string]string{
		"forget attempts": `DELETE a FROM (SELECT l.message_id, MAX(l.n) AS last FROM ` + d.list(2, kindInt) + ` AS s
				STRAIGHT_JOIN amsbridge_attempt l FORCE INDEX (PRIMARY) ON l.message_id = s.value GROUP BY l.message_id) AS k
			STRAIGHT_JOIN amsbridge_attempt AS a FORCE INDEX (PRIMARY) ON a.message_id = k.message_id AND a.n < k.last
			WHERE a.at <= {at}`,
		"empty replies": `UPDATE ` + d.list(2, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_attempt AS a FORCE INDEX (PRIMARY) ON a.message_id = s.value
			SET a.detail = '' WHERE a.at <= {at} AND a.detail <> ''`,
		"forgettable": `SELECT q.id, q.sequel, a.releases FROM ` + d.list(2, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_message q FORCE INDEX (PRIMARY) ON q.id = s.value
			STRAIGHT_JOIN amsbridge_attempt a FORCE INDEX (PRIMARY) ON a.message_id = q.id
			WHERE NOT EXISTS (SELECT 1 FROM amsbridge_queue w WHERE w.id = q.id)
				AND a.state >= 3 AND a.at <= {at}
				AND a.n = (SELECT MAX(l.n) FROM amsbridge_attempt l WHERE l.message_id = q.id)
			ORDER BY q.id FOR UPDATE`,
		"released": `SELECT q.id, EXISTS (SELECT 1 FROM amsbridge_queue w WHERE w.id = q.id)
			FROM ` + d.list(1, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_message q FORCE INDEX (PRIMARY) ON q.id = s.value
			ORDER BY q.id FOR UPDATE`,
		"forget messages": `DELETE m FROM ` + d.list(1, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_message AS m FORCE INDEX (PRIMARY) ON m.id = s.value
			LEFT JOIN amsbridge_queue AS w FORCE INDEX (PRIMARY) ON w.id = m.id
			WHERE w.id IS NULL`,
		"forget logs": `DELETE a FROM ` + d.list(1, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_attempt AS a FORCE INDEX (PRIMARY) ON a.message_id = s.value
			LEFT JOIN amsbridge_message AS m FORCE INDEX (PRIMARY) ON m.id = a.message_id
			WHERE m.id IS NULL`,

		"forget entries": `DELETE e FROM (SELECT s.key, s.n, MAX(l.n) AS last FROM ` + d.rows(1, entryPlaceColumns) + `
				STRAIGHT_JOIN amsbridge_entry l FORCE INDEX (PRIMARY) ON l.key = s.key GROUP BY s.key, s.n) AS k
			STRAIGHT_JOIN amsbridge_entry AS e FORCE INDEX (PRIMARY) ON e.key = k.key AND e.n > 1 AND e.n <= k.n AND e.n < k.last
			WHERE e.told > 0`,

		"erase logs": `UPDATE ` + d.list(1, kindInt) + ` AS s
			STRAIGHT_JOIN amsbridge_attempt AS a FORCE INDEX (PRIMARY) ON a.message_id = s.value
			SET a.reason = '', a.detail = '', a.receipt = NULL`,
		"erase messages": `UPDATE ` + d.rows(2, erasedColumns) + `
			STRAIGHT_JOIN amsbridge_message AS m FORCE INDEX (PRIMARY) ON m.id = s.id
			SET m.person = ?1, m.ordering_key = s.ordering_key, m.key_parts = s.key_parts, m.facts = '', m.scope = ''`,
	}
}
