package sqlcore

// dueFor is the condition of a row of amsbridge_queue that it is due, not
// leased, not in a lane to skip, and one of those wanted.
func dueFor(alias, name, now, wanted, skip string) string {
	return alias + `.destination = ` + name + ` AND ` + alias + `.state = 0 AND ` + alias + `.due_at <= ` + now + `
		AND (` + alias + `.lease_until IS NULL OR ` + alias + `.lease_until <= ` + now + `)
		AND ` + alias + `.lane NOT IN ` + skip + ` AND ` + wanted
}

// suspect tells whether a row that is not leased lost two leases.
func suspect(alias string) string {
	return `(` + alias + `.lost + CASE WHEN ` + alias + `.lease_until IS NULL THEN 0 ELSE 1 END >= 2)`
}

// shutGate tells whether the destination named may not be sent to.
func shutGate(name, now, probing string) string {
	return `EXISTS (SELECT 1 FROM amsbridge_destination g WHERE g.name = ` + name + ` AND (g.pausing = 2 OR g.held_until > ` + now + `
		OR (g.pausing = 1 AND ` + probing + ` = 0 AND g.probe_at > ` + now + `) OR (g.breaker = 1 AND g.breaker_until > ` + now + `)))`
}

// mayProbe is the condition of a destination that its probe is due, or wanted.
const mayProbe = `name = ?2 AND pausing <> 2 AND held_until <= {at} AND (pausing = 1 OR breaker = 1)
	AND (pausing <> 1 OR ?4 = 1 OR probe_at <= {at}) AND (breaker <> 1 OR breaker_until <= {at})`

func claimText(d *dialect) map[string]string {
	out := map[string]string{
		// The tour hops from name to name, and stops where the due rows counted
		// (at most 64 a destination, in the last seven bits of "due"; the other
		// bits are when the first fell due) are enough for the room. Rows of the
		// tour come one hop late: each tells of "done", and names the next.
		//
		// ?2 after this name, ?3 up to that one, ?4 room, ?5 suspects only, ?6
		// probing, ?7 destinations to leave out, ?8 lanes to leave out
		"peek": `WITH RECURSIVE clock(now) AS (SELECT {now}),
			tour(hop, done, due, name, covered) AS (
				SELECT 0, CAST(?2 AS {bytes}), CAST(0 AS BIGINT), (SELECT q.destination FROM amsbridge_queue q
					WHERE q.state = 0 AND q.destination > CAST(?2 AS {bytes}) ORDER BY q.destination LIMIT 1), CAST(0 AS BIGINT)
				UNION ALL
				SELECT t.hop + 1, t.name,
					COALESCE(CASE WHEN t.name IN ` + d.list(7, kindBytes) + ` OR ` + shutGate("t.name", "clock.now", "?6") + ` THEN 0
						ELSE (SELECT MIN(w.due_at) * 128 + COUNT(*) FROM (SELECT q.due_at FROM amsbridge_queue q
							WHERE ` + dueFor("q", "t.name", "clock.now", suspect("q")+" = (?5 = 1)", d.list(8, kindInt)) + `
							ORDER BY q.due_at, q.id LIMIT 64) AS w) END, 0),
					(SELECT q.destination FROM amsbridge_queue q WHERE q.state = 0 AND q.destination > t.name
						ORDER BY q.destination LIMIT 1),
					t.covered + t.due % 128
				FROM tour t CROSS JOIN clock
				WHERE t.name IS NOT NULL AND t.covered + t.due % 128 < ?4
					AND (CAST(?3 AS {bytes}) IS NULL OR t.name <= CAST(?3 AS {bytes})))
			SELECT clock.now, t.done, t.name, COALESCE(t.due / 128, 0), COALESCE(t.due % 128, 0),
				(SELECT q.due_at FROM amsbridge_queue q
					WHERE ` + dueFor("q", "t.done", "clock.now", "1 = 1", d.list(8, kindInt)) + `
					ORDER BY q.due_at, q.id LIMIT 1),
				(SELECT q.due_at FROM amsbridge_queue q WHERE q.destination = t.done AND q.state = 0 AND q.due_at > clock.now
					ORDER BY q.due_at, q.id LIMIT 1),
				COALESCE(d.pausing, 0), COALESCE(d.held_until, 0), COALESCE(d.probe_at, 0), COALESCE(d.breaker, 0) <> 0,
				COALESCE(d.breaker_until, 0), COALESCE(d.rate_window, 0)
			FROM clock LEFT JOIN tour t ON t.hop > 0
			LEFT JOIN amsbridge_destination d ON d.name = t.done
			ORDER BY t.hop`,
		"probe": `UPDATE amsbridge_destination
			SET probe_at = CASE WHEN pausing = 1 THEN {at} + ?3 ELSE probe_at END,
				breaker_until = CASE WHEN breaker = 1 THEN {at} + ?5 ELSE breaker_until END
			WHERE ` + mayProbe,
		"rates": `SELECT name, rate_window FROM amsbridge_destination WHERE name IN ` + d.list(1, kindBytes),
		"spend": `INSERT INTO amsbridge_destination (name, rate_window)
			SELECT s.name, s.spent FROM ` + d.rows(1, spendingColumns) + ` WHERE 1 = 1
			ON CONFLICT (name) DO UPDATE SET rate_window = excluded.rate_window`,
		"lease": `UPDATE amsbridge_queue
			SET token = ?2, lease_until = {at} + ?3, attempts = amsbridge_queue.attempts + 1, lost = s.lost, doubt = s.doubt, entries = s.n
			FROM ` + d.rows(4, leaseColumns) + `
			WHERE amsbridge_queue.lane = s.lane AND amsbridge_queue.id = s.id AND amsbridge_queue.state` + d.offIndex + ` = 0
				AND amsbridge_queue.due_at <= {at} AND amsbridge_queue.token IS NOT DISTINCT FROM s.token
				AND (amsbridge_queue.lease_until IS NULL OR amsbridge_queue.lease_until <= {at})
			RETURNING amsbridge_queue.id`,
	}
	if d.folder == PostgreSQL {
		out["candidates"] = candidatesLateral(d)
		out["busy lanes"] = `SELECT s.lane FROM ` + d.list(2, kindInt) + ` AS s(lane) WHERE ` + liveIn("s.lane")
	} else {
		out["candidates"] = candidatesByWindows(d)
	}
	return out
}

// The look for candidates: ?1 the claim's time, ?2 most rows of a lane, ?3
// suspects only, ?4 lanes to leave out, ?5 the greatest number of rows to look
// at, ?6 and after the destinations asked for.
//
// Of each destination the first due rows give lanes, in the order in which they
// fell due; each lane gives its first due rows in the order of their IDs, leased
// ones included, for they tell that the lane is busy. Where a lane may have more
// of them, the last one tells whether any row has a live lease. A few more rows
// than wanted are returned, so that no lane is cut short.

// stillOpen is the condition that no operator or settlement shut the gate since
// the claim's tour.
const stillOpen = `NOT EXISTS (SELECT 1 FROM amsbridge_destination g WHERE g.name = s.name
	AND (g.pausing = 2 OR g.held_until > {at} OR (s.probe = 0 AND (g.pausing = 1 OR g.breaker = 1))))`

const candidateColumns = messageColumns + `, x.i, x.looked, x.first_due, x.first_id, x.live, x.lane, x.attempts, x.lost, x.doubt,
	x.seq, x.entries, x.token, x.lease_until IS NOT NULL, x.not_ready_since, x.profile`

// inLane is the condition of a row e that it may be claimed with those of lane
// l. "state + 0" keeps the look on the lane's own index.
func inLane(lane, destination string) string {
	return `e.lane = ` + lane + ` AND e.destination = ` + destination + ` AND e.state + 0 = 0 AND e.due_at <= {at}`
}

func liveIn(lane string) string {
	return `EXISTS (SELECT 1 FROM amsbridge_queue b WHERE b.lane = ` + lane + ` AND b.lease_until > {at})`
}

// candidatesLateral leaves to fullLanes what of the lanes with ?2 rows only, for
// numbering the rows of each costs more than all the rest. OFFSET 0 has each
// gate looked at once.
func candidatesLateral(d *dialect) string {
	return `SELECT ` + candidateColumns + `
		FROM (SELECT * FROM ` + d.rows(6, askedColumns) + ` WHERE ` + stillOpen + ` OFFSET 0) AS s
		CROSS JOIN LATERAL (
			SELECT s.i, l.looked, l.due_at AS first_due, l.id AS first_id, p.*,
				CASE WHEN p.lease_until > {at} THEN true WHEN ?2 = 1 THEN ` + liveIn("p.lane") + ` ELSE false END AS live
			FROM (SELECT h.* FROM (
					SELECT c.lane, c.due_at, c.id, count(*) OVER () AS looked,
						row_number() OVER (PARTITION BY c.lane ORDER BY c.due_at, c.id) AS nth
					FROM (SELECT q.lane, q.due_at, q.id FROM amsbridge_queue q
						WHERE ` + dueFor("q", "s.name", "{at}", "(?3 = 0 OR "+suspect("q")+")", d.list(4, kindInt)) + ` AND q.due_at >= s.since
						ORDER BY q.due_at, q.id LIMIT LEAST(s.look, CAST(?5 AS BIGINT))) AS c) AS h
				WHERE h.nth = 1 ORDER BY h.due_at, h.id) AS l
			CROSS JOIN LATERAL (SELECT e.id, e.lane, e.attempts, e.lost, e.doubt, e.seq, e.entries,
				e.token, e.lease_until, e.not_ready_since, e.profile
				FROM amsbridge_queue e
				WHERE ` + inLane("l.lane", "s.name") + ` ORDER BY e.id LIMIT ?2) AS p
			LIMIT s.look + ?2 - 1) AS x
		JOIN amsbridge_message m ON m.id = x.id`
}

func candidatesByWindows(d *dialect) string {
	return `WITH s AS MATERIALIZED (SELECT * FROM ` + d.rows(6, askedColumns) + ` WHERE ` + stillOpen + `),
		h AS MATERIALIZED (
			SELECT s.i, s.name, s.look, c.lane, c.due_at, c.id, count(*) OVER (PARTITION BY s.i) AS looked,
				row_number() OVER (PARTITION BY s.i, c.lane ORDER BY c.due_at, c.id) AS nth
			FROM s CROSS JOIN amsbridge_queue c
			WHERE (c.lane, c.id) IN (SELECT q.lane, q.id FROM amsbridge_queue q
				WHERE ` + dueFor("q", "s.name", "{at}", "(?3 = 0 OR "+suspect("q")+")", d.list(4, kindInt)) + ` AND q.due_at >= s.since
				ORDER BY q.due_at, q.id LIMIT ?5)),
		r AS MATERIALIZED (
			SELECT h.i, h.look, h.looked, h.due_at AS first_due, h.id AS first_id, n.lane, n.id, n.attempts, n.lost,
				n.doubt, n.seq, n.entries, n.token, n.lease_until, n.not_ready_since, n.profile,
				row_number() OVER (PARTITION BY h.i, h.lane ORDER BY n.id) AS nth,
				row_number() OVER (PARTITION BY h.i ORDER BY h.due_at, h.id, n.id) AS place
			FROM h CROSS JOIN amsbridge_queue n
			WHERE h.nth = 1 AND n.lane = h.lane AND n.id IN (SELECT e.id FROM amsbridge_queue e
				WHERE ` + inLane("h.lane", "h.name") + ` ORDER BY e.id LIMIT ?2)),
		x AS (SELECT r.*, CASE WHEN r.nth = ?2 THEN ` + liveIn("r.lane") + ` ELSE COALESCE(r.lease_until > {at}, 1 = 0) END AS live
			FROM r WHERE r.place < r.look + ?2)
		SELECT ` + candidateColumns + ` FROM x CROSS JOIN amsbridge_message m WHERE m.id = x.id`
}
