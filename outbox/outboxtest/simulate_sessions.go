package outboxtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// join gives a sender a session, unless it has one.
func (w *model[Tx]) join(s *simSender) error {
	if s.session != 0 {
		return nil
	}
	at := ""
	if w.chance(3) {
		at = "another"
	}
	id, err := w.Store.Join(w.ctx, outbox.Joining{By: s.name, Length: time.Minute, Installation: at})
	w.logf("%s joins from installation %q as session %d: %v", s.name, at, id, orOK(err))
	if err != nil {
		return err
	}
	if _, exists := w.sessions[id]; exists || id <= 0 {
		return fmt.Errorf("session %d was given out before", id)
	}
	s.session = id
	w.sessions[id] = &simSession{by: s.name, at: at, flights: map[int64]*simFlight{}}
	switch {
	case w.adopted == nil:
		w.adopted = []string{at}
	case w.stranger() && w.paused == outbox.NotPaused:
		w.paused = outbox.PausedByItself
	}
	return nil
}

// lives tells whether a sender has a session that is not over. A sender that was
// reaped may not know.
func (w *model[Tx]) lives(s *simSender) bool {
	_, live := w.sessions[s.session]
	return live
}

// forget is what a crash leaves of a sender, or the end of its session.
func (w *model[Tx]) forget(s *simSender) {
	for _, h := range s.held {
		w.past = append(w.past, simPast{h, s.session})
	}
	*s = simSender{name: s.name}
}

func (w *model[Tx]) crash(s *simSender) {
	w.logf("%s dies", s.name)
	w.forget(s)
}

// randomBeat gives shards back of which nothing is in flight, takes others, and
// takes some sessions for dead: as their beats were when they were last seen.
func (w *model[Tx]) randomBeat(s *simSender) outbox.Beat {
	var b outbox.Beat
	busy := map[int]bool{}
	if own, live := w.sessions[s.session]; live {
		for _, flight := range own.flights {
			for _, m := range flight.msgs {
				busy[m.shard()] = true
			}
		}
	}
	for _, shard := range s.owned {
		if !busy[shard] && w.chance(15) {
			b.Give = append(b.Give, shard)
		}
	}
	if w.chance(5) {
		b.Give = append(b.Give, w.rng.IntN(outbox.Shards)) // of another's nothing is given back
		b.Give = slices.DeleteFunc(b.Give, func(shard int) bool { return busy[shard] })
	}
	if w.chance(50) {
		b.Take = w.rng.IntN(outbox.Shards)
	}
	for _, other := range s.seen {
		if other.ID != s.session && w.chance(8) {
			b.Dead = append(b.Dead, other)
		}
	}
	b.Mend = w.chance(5)
	return b
}

// beat beats, and checks what the store tells of it.
func (w *model[Tx]) beat(s *simSender, b outbox.Beat) error {
	if err := w.join(s); err != nil {
		return err
	}
	b.Session = s.session
	p, err := w.Store.Beat(w.ctx, b)
	w.logf("%s beats, gives %v, takes %d, dead are %v, mends %v: %d reaped, %d poisoned, %d mended, %d owned: %v",
		s.name, b.Give, b.Take, b.Dead, b.Mend, p.Reaped, len(p.Poisoned), p.Mended, len(p.Owned), orOK(err))
	if !w.lives(s) {
		w.forget(s)
		return wantNoSession(err)
	}
	if err != nil {
		return err
	}
	w.sessions[s.session].beats++
	if err := w.reapAll(s, b, &p); err != nil {
		return err
	}
	if err := w.exchange(s, b, &p); err != nil {
		return err
	}
	if err := w.mend(b.Mend, p.Mended); err != nil {
		return err
	}
	s.seen = p.Sessions
	return errors.Join(w.compareSessions(p.Sessions), w.comparePulse(&p))
}

func wantNoSession(err error) error {
	if errors.Is(err, outbox.ErrNoSession) {
		return nil
	}
	return fmt.Errorf("in the name of a session that is over: %v", orOK(err))
}

// exchange brings shards that changed hands into the model. Which free ones are
// taken is the store's to say.
func (w *model[Tx]) exchange(s *simSender, b outbox.Beat, p *outbox.Pulse) error {
	for _, shard := range b.Give {
		if w.owners[shard] == s.session {
			w.owners[shard] = 0
		}
	}
	free, own := 0, 0
	for _, owner := range w.owners {
		switch owner {
		case 0:
			free++
		case s.session:
			own++
		}
	}
	taken := min(b.Take, free)
	for _, shard := range p.Owned {
		switch w.owners[shard] {
		case s.session:
			own--
		case 0:
			taken--
			w.owners[shard] = s.session
		default:
			return fmt.Errorf("shard %d is owned by %d and by %d", shard, w.owners[shard], s.session)
		}
	}
	if own != 0 || taken != 0 || p.Free != free-min(b.Take, free) || !slices.IsSorted(p.Owned) {
		return fmt.Errorf("%s owns %v, where %d of its own and %d free ones are missing; %d are free", s.name, p.Owned, own, taken, p.Free)
	}
	s.owned = p.Owned
	s.read = slices.DeleteFunc(s.read, func(m outbox.Waiting) bool { return w.owners[outbox.ShardOf(m.Key)] != s.session })
	return nil
}

// leave ends a sender's session: what it left unsettled is lost.
func (w *model[Tx]) leave(s *simSender) error {
	if s.session == 0 {
		return nil
	}
	err := w.Store.Leave(w.ctx, s.session)
	w.logf("%s leaves: %v", s.name, orOK(err))
	if !w.lives(s) {
		w.forget(s)
		return wantNoSession(err)
	}
	if err != nil {
		return err
	}
	w.reap(s.session)
	w.forget(s)
	return nil
}

// compareSessions compares what a beat told of sessions.
func (w *model[Tx]) compareSessions(told []outbox.SessionBeats) error {
	got := map[outbox.SessionID]outbox.SessionBeats{}
	for _, b := range told {
		got[b.ID] = b
	}
	if len(got) != len(told) || len(got) != len(w.sessions) {
		return fmt.Errorf("sessions %v are told of, not %v", slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(w.sessions)))
	}
	for id, s := range w.sessions {
		if b := got[id]; b.Beats != s.beats || b.By != s.by || b.Length != time.Minute {
			return fmt.Errorf("session %d of %s is told of as %+v, and has beaten %d times", id, s.by, b, s.beats)
		}
	}
	return nil
}
