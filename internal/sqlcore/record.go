package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// Record takes those messages of a flight that may begin, and writes their IDs down. On PostgreSQL that is
// one statement, unless a destination has a rate or is tested.
func (s *Store) Record(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
	r := &recording{s: s, Flight: f}
	err := s.inTx(ctx, "", func(q Conn) error {
		r.q, r.begun, r.limits = q, map[outbox.ID]outbox.Begun{}, nil
		if s.d.recordsAtOnce && !f.Probe && len(f.Rates) == 0 {
			return r.atOnce(ctx)
		}
		return r.bySteps(ctx)
	})
	if err != nil {
		return outbox.Recorded{}, s.failed("record", err)
	}
	out, err := r.result(ctx)
	return out, s.failed("record", err)
}

// recording is a flight that is being recorded.
type recording struct {
	s *Store
	outbox.Flight
	q      Conn
	begun  map[outbox.ID]outbox.Begun
	limits map[string]*limit // of destinations with a rate
}

// atOnce does everything in one statement, and commits with it where the driver can.
func (r *recording) atOnce(ctx context.Context) error {
	names, err := r.s.d.listArg(kindBytes, r.destinations())
	if err != nil {
		return err
	}
	ids, err := r.ids()
	if err != nil {
		return err
	}
	alive := false
	err = eachLast(ctx, r.q, func(rows Rows) error {
		alive = true
		return r.scan(rows)
	}, r.s.sql["record"], r.s.now(), r.Session, r.N, names, ids)
	if err == nil && !alive {
		return outbox.ErrNoSession
	}
	return err
}

// bySteps locks the session, takes the messages, lets through what the destinations' rates and probes allow,
// and writes that down.
func (r *recording) bySteps(ctx context.Context) error {
	if err := r.s.holdSession(ctx, r.q, r.Session); err != nil {
		return err
	}
	all, err := r.ids()
	if err != nil {
		return err
	}
	err = each(ctx, r.q, r.scan, r.s.sql["take"], r.s.now(), r.Session, asInt(r.Probe), all)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{r.applyRates, r.takeProbe, r.spend} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	var ids []outbox.ID
	for _, m := range r.Messages {
		if _, ok := r.begun[m.ID]; ok {
			ids = append(ids, m.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	list, err := jsonText(ids)
	if err != nil {
		return err
	}
	_, err = r.q.Exec(ctx, r.s.sql["fly"], r.s.now(), r.Session, r.N, list)
	return err
}

// takeProbe begins a message that is a probe only if that is due, and nobody else took it; or if its destination
// is closed no more.
func (r *recording) takeProbe(ctx context.Context) error {
	if !r.Probe || len(r.begun) == 0 {
		return nil
	}
	name := r.Messages[0].Destination
	n, err := r.q.Exec(ctx, r.s.sql["probe"], r.s.now(), []byte(name), r.ProbeFor.Microseconds(), asInt(r.Early))
	if err != nil || n > 0 {
		return err
	}
	closed, err := r.s.closed(ctx, r.q, []string{hexed(name)})
	if len(closed) > 0 {
		clear(r.begun)
	}
	return err
}

// holdSession locks the session's row against being reaped, or returns outbox.ErrNoSession.
func (s *Store) holdSession(ctx context.Context, q Conn, id outbox.SessionID) error {
	found, err := one(ctx, q, []any{new(outbox.SessionID)}, s.sql["hold session"], id)
	if err == nil && !found {
		return outbox.ErrNoSession
	}
	return err
}

// scan reads what "record" and "take" return; "record" returns an ID of zero where nothing may begin.
func (r *recording) scan(rows Rows) error {
	var b outbox.Begun
	var since, waited int64
	err := rows.Scan(&b.ID, &b.Attempts, &b.Lost, &b.Doubt, &since, &waited, &b.Alone)
	b.NotReadySince, b.Waited = fromMicro(since), micros(waited)
	if b.ID != 0 {
		r.begun[b.ID] = b
	}
	return err
}

// result puts what may begin in the order of the flight, and says of the destinations of the rest whether
// they are closed, or that everything is.
func (r *recording) result(ctx context.Context) (outbox.Recorded, error) {
	var out outbox.Recorded
	left := map[string]bool{}
	for _, m := range r.Messages {
		if b, ok := r.begun[m.ID]; ok {
			out.Begun = append(out.Begun, b)
		} else {
			left[m.Destination] = true
		}
	}
	if len(left) == 0 {
		return out, nil
	}
	names := []string{""}
	for name := range left {
		names = append(names, hexed(name))
	}
	closed, err := r.s.closed(ctx, r.s.db, names)
	for _, c := range closed {
		if c.Destination == "" {
			out.Closed = []outbox.Closed{c}
			return out, err
		}
		// A probe that is due is kept back by its rate alone.
		if l := r.limits[c.Destination]; r.Probe && l != nil && l.wait > 0 && (c.For == 0 || r.Early) {
			continue
		}
		out.Closed, left[c.Destination] = append(out.Closed, c), false
	}
	for name, l := range r.limits {
		if l.wait > 0 && left[name] {
			out.Closed = append(out.Closed, outbox.Closed{Destination: name, For: l.wait, Limited: true})
		}
	}
	return out, err
}

// closed returns those of the destinations, whose names are in hexadecimal, that are closed.
func (s *Store) closed(ctx context.Context, q Conn, names []string) ([]outbox.Closed, error) {
	list, err := s.d.listArg(kindBytes, names)
	if err != nil {
		return nil, err
	}
	var out []outbox.Closed
	err = each(ctx, q, func(rows Rows) error {
		var d destinationState
		var now int64
		err := d.scan(rows, &now)
		if c, ok := d.closed(now); ok {
			out = append(out, c)
		}
		return err
	}, s.sql["destination states"], s.now(), list)
	return out, err
}

// ids are those of the flight's messages, as a list.
func (r *recording) ids() (any, error) {
	ids := make([]outbox.ID, len(r.Messages))
	for i, m := range r.Messages {
		ids[i] = m.ID
	}
	return r.s.d.listArg(kindInt, ids)
}

// destinations are the flight's, each once, in hexadecimal.
func (r *recording) destinations() []string {
	out := []string{}
	seen := map[string]bool{}
	for _, m := range r.Messages {
		if !seen[m.Destination] {
			seen[m.Destination] = true
			out = append(out, hexed(m.Destination))
		}
	}
	return out
}

// begunColumns are those of a row q of the queue that scan reads: now is the time, and the hint keeps the look
// for another message of its ordering key on that index. One that was never put off was never tried, unless
// the tables were copied.
func begunColumns(now, hint string) string {
	return `COALESCE(q.attempts, 0), COALESCE(q.lost, 0), COALESCE(q.doubt, 0), COALESCE(q.not_ready_since, 0),
		COALESCE(` + now + ` - q.not_ready_since, 0), CASE WHEN q.due_at IS NULL AND q.doubt = 0 THEN NOT EXISTS (
			SELECT 1 FROM amsbridge_message m` + hint + ` WHERE m.ordering_key = q.ordering_key AND m.id <> q.id) ELSE 1 = 0 END`
}

// freePlain is the condition of a row q of the queue that it may be sent now: ?2 is the session, and ?3 is 1
// where the message tests its destination.
var freePlain = `q.state = 0 AND (q.due_at IS NULL OR q.due_at <= {now}) AND q.stamp IN (0, ?2)
	AND NOT EXISTS (SELECT 1 FROM amsbridge_destination g WHERE g.name = q.destination AND ` + closedIf("{now}", "?3") + `)
	AND NOT ` + everythingPaused
