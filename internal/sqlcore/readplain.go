package sqlcore

import "github.com/amsbridge/amsbridge/outbox"

// readPaths are a database's words that keep a reading on one index: by ID, by ordering key, and for fresh
// and due messages of all destinations, and of one.
type readPaths struct{ byID, byKey, fresh, freshOf, due, dueOf string }

// readPlain is a reading's statement where a sub-select cannot see what stands before it. The rows are
// chosen by their IDs alone, so that no temporary table holds a profile.
func readPlain(s *Store, r outbox.Reading, paths readPaths) (reading, error) {
	t := newReadText(s, r)
	if err := t.common(); err != nil {
		return reading{}, err
	}
	last, next, now, order, path := "0", "0", "0", "q.id", paths.fresh
	if r.Destination != "" {
		t.when(`q.destination = ` + t.arg([]byte(r.Destination)))
	}
	t.when(`q.state = 0`)
	switch {
	case r.HasKey:
		path = paths.byKey
		t.when(`q.ordering_key = `+t.arg(r.Key), `(q.due_at IS NULL OR q.due_at <= {now})`, `q.id > `+t.after(), `q.id <= `+t.upTo())
	case r.Due:
		now, order, path = "{now}", "q.due_at, q.id", paths.due
		if r.Destination != "" {
			path = paths.dueOf
		}
		t.when(`q.due_at IS NOT NULL`)
		next = t.next(path, `q.due_at > {now} AND q.due_at <= {now} + `+maxNextDue, order)
		at := t.afterDue()
		t.when(`q.due_at <= {now}`, `q.due_at >= `+at, `(q.due_at > `+at+` OR q.id > `+t.after()+`)`)
	default:
		last = t.greatest()
		if r.Destination != "" {
			path = paths.freshOf
		}
		t.when(`q.due_at IS NULL`, `q.id > `+t.after(), `q.id <= `+t.upTo())
	}
	return t.finish(`SELECT ` + headColumns + readColumns + `
		FROM (SELECT ` + t.alive() + ` AS alive, ` + last + ` AS last, ` + next + ` AS next, ` + now + ` AS now) AS l
		LEFT JOIN (SELECT q.id FROM amsbridge_queue q` + path + ` WHERE ` + t.conditions() + `
			ORDER BY ` + order + ` LIMIT ` + t.arg(r.Limit) + `) AS i ON 1 = 1
		LEFT JOIN amsbridge_queue x` + paths.byID + ` ON x.id = i.id
		LEFT JOIN amsbridge_message m ON m.id = i.id`), nil
}
