package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// Join begins a session, once it is proven that its sender can work.
func (s *Store) Join(ctx context.Context, j outbox.Joining) (id outbox.SessionID, err error) {
	if err := s.proveSender(ctx); err != nil {
		return 0, s.failed("prove the sender", err)
	}
	by := outbox.CutText(j.By, maxBy)
	err = s.inTx(ctx, "", func(q Conn) error {
		identity, err := s.identity(ctx, q, j.Installation)
		if err != nil {
			return err
		}
		if err := s.meet(ctx, q, by, identity); err != nil {
			return err
		}
		id, err = s.d.join(ctx, s, q, s.now(), by, j.Length.Microseconds(), []byte(identity))
		return err
	})
	return id, s.failed("join", err)
}

// Beat counts a session's beat and tells of the others. One that changes nothing else is no transaction of
// several statements: on PostgreSQL it is one round trip.
//
// The count's row is what a beat and its reaping exclude each other by. It is locked first, and a reaper
// passes over one that is locked.
func (s *Store) Beat(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
	p, err := s.beat(ctx, b)
	if err != nil {
		return outbox.Pulse{}, s.failed("beat", err)
	}
	return p.Pulse, nil
}

func (s *Store) beat(ctx context.Context, b outbox.Beat) (p pulse, err error) {
	if len(b.Give) == 0 && b.Take == 0 && len(b.Dead) == 0 && !b.Mend {
		p, err = s.d.idleBeat(ctx, s, b.Session)
		if err != nil || len(p.deadStamps) == 0 {
			return p, err
		}
		err = s.inTx(ctx, "", func(q Conn) error {
			p.lost = lost{}
			return s.loseStamped(ctx, q, p.deadStamps, &p.lost)
		})
		return p.with(p.lost), err
	}
	err = s.inTx(ctx, "", func(q Conn) (err error) {
		p, err = s.changingBeat(ctx, q, b)
		return err
	})
	return p, err
}

// changingBeat is a beat in a transaction.
func (s *Store) changingBeat(ctx context.Context, q Conn, b outbox.Beat) (pulse, error) {
	if err := s.countBeat(ctx, q, b.Session); err != nil {
		return pulse{}, err
	}
	var l lost
	for _, dead := range b.Dead {
		if err := s.reap(ctx, q, dead, &l); err != nil {
			return pulse{}, err
		}
	}
	if err := s.give(ctx, q, b.Session, b.Give); err != nil {
		return pulse{}, err
	}
	if err := s.take(ctx, q, b.Session, b.Take); err != nil {
		return pulse{}, err
	}
	mended, err := s.mend(ctx, q, b.Mend)
	if err != nil {
		return pulse{}, err
	}
	p, err := s.pulse(ctx, q, s.sql["pulse"], b.Session)
	if err != nil {
		return pulse{}, err
	}
	l.by = ""
	if err := s.loseStamped(ctx, q, p.deadStamps, &l); err != nil {
		return pulse{}, err
	}
	p.Mended = mended
	return p.with(l), nil
}

// countBeat locks and counts, or returns outbox.ErrNoSession.
func (s *Store) countBeat(ctx context.Context, q Conn, id outbox.SessionID) error {
	n, err := q.Exec(ctx, s.sql["beat"], id)
	if err == nil && n == 0 {
		err = outbox.ErrNoSession
	}
	return err
}

// idleBeatPlain is a beat of two statements.
func idleBeatPlain(ctx context.Context, s *Store, id outbox.SessionID) (pulse, error) {
	if err := s.countBeat(ctx, s.db, id); err != nil {
		return pulse{}, err
	}
	return s.pulse(ctx, s.db, s.sql["pulse"], id)
}

// give frees shards of the session.
func (s *Store) give(ctx context.Context, q Conn, id outbox.SessionID, shards []int) error {
	if len(shards) == 0 {
		return nil
	}
	list, err := s.d.listArg(kindInt, shards)
	if err != nil {
		return err
	}
	return later(ctx, q, s.sql["give shards"], id, list)
}

// take locks free shards, passing over those that another session is about to take, and looks at them once
// more in a new statement. A shard whose owner joined since the first statement began would seem to have
// none.
func (s *Store) take(ctx context.Context, q Conn, id outbox.SessionID, most int) error {
	if most <= 0 {
		return nil
	}
	var shards []int
	err := each(ctx, q, func(r Rows) error {
		var shard int
		err := r.Scan(&shard)
		shards = append(shards, shard)
		return err
	}, s.sql["lock free shards"], most)
	if err != nil || len(shards) == 0 {
		return err
	}
	list, err := s.d.listArg(kindInt, shards)
	if err != nil {
		return err
	}
	return later(ctx, q, s.sql["take shards"], id, list)
}

// mend lets time go on where it was set back.
func (s *Store) mend(ctx context.Context, q Conn, wanted bool) (int, error) {
	if !wanted {
		return 0, nil
	}
	for _, statement := range []string{"mend destinations", "mend rates"} {
		if err := later(ctx, q, s.sql[statement], s.now()); err != nil {
			return 0, err
		}
	}
	n, err := q.Exec(ctx, s.sql["mend queue"], s.now())
	return int(n), err
}

// Leave ends a session.
func (s *Store) Leave(ctx context.Context, id outbox.SessionID) error {
	err := s.inTx(ctx, "", func(q Conn) error {
		var by text
		found, err := one(ctx, q, []any{&by}, s.sql["lock session"], id)
		if err != nil {
			return err
		}
		if !found {
			return outbox.ErrNoSession
		}
		f, err := s.flying(ctx, q, "flights of", id)
		switch {
		case err != nil:
			return err
		case len(f.recorded) > 0:
			return s.endSession(ctx, q, id, f, &lost{by: string(by)})
		case s.d.stamped:
			if err := later(ctx, q, s.sql["unstamp"], id); err != nil {
				return err
			}
		}
		return s.deleteSession(ctx, q, id)
	})
	return s.failed("leave", err)
}

// vacant is the condition of a shard q that nobody owns it.
const vacant = `(q.owner = 0 OR NOT EXISTS (SELECT 1 FROM amsbridge_session z WHERE z.id = q.owner))`

// sessionText are the statements of sessions that are the same everywhere.
func sessionText(d *dialect) map[string]string {
	return map[string]string{
		"beat":             `UPDATE amsbridge_beat SET beats = beats + 1 WHERE session = ?1`,
		"first beat":       `INSERT INTO amsbridge_beat (session, beats) VALUES (?1, 0)`,
		"lock session":     `SELECT q.sender FROM amsbridge_session q WHERE q.id = ?1` + d.forUpdate,
		"lock free shards": `SELECT q.shard FROM amsbridge_shard q WHERE ` + vacant + ` ORDER BY q.shard LIMIT ?1` + d.forUpdate + d.skipLocked,
		"mend destinations": `UPDATE amsbridge_destination
			SET held_until = CASE WHEN held_until > {now} THEN {now} ELSE held_until END,
				probe_at = CASE WHEN probe_at > {now} THEN {now} ELSE probe_at END,
				breaker_until = CASE WHEN breaker_until > {now} THEN {now} ELSE breaker_until END, closed_at = {now}
			WHERE closed_at > {now} + 1000000`,
		"mend rates": `UPDATE amsbridge_destination SET rate_window = 0 WHERE rate_window > {now} + 3600000000`,

		"clock":       `SELECT {now}`,
		"flights":     flights,
		"flights of":  flights + ` WHERE z.id = ?2`,
		"end flights": `DELETE FROM amsbridge_flight WHERE session = ?1`,
		"end beat":    `DELETE FROM amsbridge_beat WHERE session = ?1`,
		"end session": `DELETE FROM amsbridge_session WHERE id = ?1`,
		"free":        `UPDATE amsbridge_shard SET owner = 0 WHERE owner = ?1`,
	}
}

// sessionListText are those with a list, where a list may stand anywhere.
func sessionListText(d *dialect) map[string]string {
	return map[string]string{
		"give shards": `UPDATE amsbridge_shard SET owner = 0 WHERE owner = ?1 AND shard IN ` + d.list(2, kindInt),
		"take shards": `UPDATE amsbridge_shard AS q SET owner = ?1 WHERE ` + vacant + ` AND shard IN ` + d.list(2, kindInt),
		"mend queue": `UPDATE amsbridge_queue SET due_at = {now}, put_off_at = {now}
			WHERE state = 0 AND due_at IS NOT NULL AND due_at > (SELECT {now}) AND put_off_at > (SELECT {now}) + 1000000`,

		"lock named": `SELECT q.id, q.lost, ` + sendingColumns + ` FROM amsbridge_queue q
			WHERE q.id IN ` + d.list(1, kindInt) + ` AND q.state = 0 ORDER BY q.id` + d.forUpdate,
		"lock stamped": `SELECT q.id, q.lost, ` + sendingColumns + ` FROM amsbridge_queue q
			WHERE q.stamp = ?1 AND q.stamp <> 0 AND q.state = 0 ORDER BY q.id` + d.forUpdate,
		"unstamp": `UPDATE amsbridge_queue SET stamp = 0 WHERE stamp = ?1 AND stamp <> 0`,
		"lose": `UPDATE amsbridge_queue SET due_at = {now}, put_off_at = {now}, lost = lost + 1, doubt = doubt | 1, stamp = 0
			WHERE id IN ` + d.list(2, kindInt),
		"poison": `UPDATE amsbridge_queue SET state = 1, reason = ?1, lost = lost + 1, doubt = doubt | 1, stamp = 0, entries = entries + 1
			WHERE id IN ` + d.list(2, kindInt),
		"log poisoned": logPoisoned + ` FROM amsbridge_queue q WHERE q.id IN ` + d.list(3, kindInt),
	}
}
