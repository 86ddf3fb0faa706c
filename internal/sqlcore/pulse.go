package sqlcore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// pulse is what a beat found.
type pulse struct {
	outbox.Pulse
	// deadStamps are sessions that are no more, and for which messages are stamped that were committed late.
	deadStamps []outbox.SessionID
	lost
}

// with adds what became of lost messages.
func (p pulse) with(l lost) pulse {
	p.Reaped, p.Poisoned = l.due, l.poisoned
	return p
}

// The parts of a pulse's statement.
const (
	pulseClock = iota
	pulseSession
	pulseShard
	pulseDestination
	pulseDeadStamp
	pulseQueue
)

// pulse runs the statement of pulseText, and returns outbox.ErrNoSession where the session is none of those
// found.
func (s *Store) pulse(ctx context.Context, q Conn, statement string, id outbox.SessionID) (pulse, error) {
	var p pulse
	var now int64
	var states []destinationState
	next := int64(0)
	alive, found := true, false
	err := each(ctx, q, func(r Rows) error {
		var part int
		var n [6]int64
		var name, who text
		if err := r.Scan(&part, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &name, &who); err != nil {
			return err
		}
		switch part {
		case pulseClock:
			now, p.Now = n[0], fromMicro(n[0])
			p.Begun, p.Ended, alive = uint64(n[1]), uint64(n[2]), n[3] > 0 //nolint:gosec // counts from 0 on
		case pulseSession:
			other := outbox.SessionBeats{ID: outbox.SessionID(n[0]), Beats: n[1], By: string(who), Length: micros(n[2])}
			p.Sessions = append(p.Sessions, other)
			found = found || other.ID == id
		case pulseShard:
			if n[1] == int64(id) {
				p.Owned = append(p.Owned, int(n[0]))
			} else {
				p.Free++
			}
		case pulseDestination:
			states = append(states, destinationState{
				name: string(name), pausing: outbox.Pausing(n[0]), held: n[1], probe: n[2], //nolint:gosec // 0 to 2
				broken: n[3] != 0, until: n[4], why: string(who),
			})
		case pulseDeadStamp:
			p.deadStamps = append(p.deadStamps, outbox.SessionID(n[0]))
		case pulseQueue:
			p.Newest, next = outbox.ID(n[0]), n[1]
		}
		return nil
	}, statement, s.now(), id)
	if err != nil {
		return p, err
	}
	if !alive || !found {
		return p, outbox.ErrNoSession
	}
	for _, d := range states {
		if c, ok := d.closed(now); ok {
			p.Closed = append(p.Closed, c)
		}
	}
	p.NextDue = outbox.MaxNextDue
	if next != 0 {
		p.NextDue = max(0, min(p.NextDue, micros(next-now)))
	}
	slices.SortFunc(p.Sessions, func(a, b outbox.SessionBeats) int { return cmp.Compare(a.ID, b.ID) })
	slices.Sort(p.Owned)
	slices.SortFunc(p.Closed, func(a, b outbox.Closed) int { return cmp.Compare(a.Destination, b.Destination) })
	slices.Sort(p.deadStamps)
	p.deadStamps = slices.Compact(p.deadStamps)
	return p, nil
}

// insertionsEnd is how long a transaction may last, at most, for what Pulse says of late commits to hold
// where the database cannot tell.
const insertionsEnd = 30 * time.Second

// pulseParts are what differs between databases.
type pulseParts struct {
	begun, ended string
	// alive is 1 where the session's row was found, and more what its count has to be raised by to be shown.
	alive, more string
	// who is the sender's name as a text, none an empty one.
	who, none string
}

// pulseText tells of all in one statement: ?1 is the time, ?2 the session.
func pulseText(d *dialect, p pulseParts) string {
	text := `SELECT 0 AS part, {now} AS a, ` + p.begun + ` AS b, ` + p.ended + ` AS c, ` + p.alive + ` AS d, 0 AS e, 0 AS f,
			CAST('' AS {bytes}) AS name, ` + p.none + ` AS who
		UNION ALL SELECT 1, z.id, b.beats + CASE WHEN z.id = ?2 THEN ` + p.more + ` ELSE 0 END, z.length_us, 0, 0, 0,
				CAST('' AS {bytes}), ` + p.who + `
			FROM amsbridge_session z JOIN amsbridge_beat b ON b.session = z.id
		UNION ALL SELECT 2, q.shard, q.owner, 0, 0, 0, 0, CAST('' AS {bytes}), ` + p.none + `
			FROM amsbridge_shard q WHERE q.owner = ?2 OR ` + vacant + `
		UNION ALL SELECT 5, COALESCE((SELECT MAX(q.id) FROM amsbridge_queue q), 0),
				COALESCE((SELECT q.due_at FROM amsbridge_queue q` + d.byDue + `
					WHERE q.state = 0 AND q.due_at IS NOT NULL ORDER BY q.due_at, q.id LIMIT 1), 0),
				0, 0, 0, 0, CAST('' AS {bytes}), ` + p.none + `
		UNION ALL SELECT 3, g.pausing, g.held_until, g.probe_at, g.breaker, g.breaker_until, 0, g.name,
				CASE WHEN g.name = CAST('' AS {bytes}) AND g.pausing = 1 THEN g.reason ELSE ` + p.none + ` END
			FROM amsbridge_destination g WHERE g.pausing <> 0 OR g.breaker <> 0 OR g.held_until > {now}`
	if d.stamped {
		// Of the first stamps behind each session's own, those that no session has: one at least of those there are.
		text += `
		UNION ALL SELECT 4, o.stamp, 0, 0, 0, 0, 0, CAST('' AS {bytes}), ` + p.none + ` FROM (
				SELECT (SELECT w.stamp FROM amsbridge_queue w WHERE w.stamp <> 0 AND w.stamp > y.id ORDER BY w.stamp LIMIT 1) AS stamp
				FROM (SELECT 0 AS id UNION ALL SELECT id FROM amsbridge_session) AS y) AS o
			WHERE o.stamp IS NOT NULL AND NOT EXISTS (SELECT 1 FROM amsbridge_session z WHERE z.id = o.stamp)`
	}
	return text
}
