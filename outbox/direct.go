package outbox

import "time"

// Handing is what a store offers that can hand new messages to a sender of its own process, as soon as their
// transaction is committed. It is optional: what is not handed over is read.
type Handing interface {
	// HandOver has messages of these shards (a bit for each) that are inserted from now on stamped with the
	// session, and given to begin once they are committed, or may be. Begin does not block. Zero shards end it.
	// Only that is stamped which may be sent before anything else: when it was inserted the queue had no other
	// message of its ordering key, and its destination was open. A message that was inserted in a savepoint may
	// be rolled back alone: it is never stamped.
	HandOver(id SessionID, shards uint64, begin func(SessionID, []Handed))
}

// Handed is a message that was just committed, stamped with the session. The stamp is its record of being
// in flight.
type Handed struct {
	Message
	// Asked is when its insertion was begun.
	Asked time.Time
	// Committed is false where it is unknown whether its transaction was.
	Committed bool
	// Alone tells that the store had no other message of its ordering key at all.
	Alone bool
}

// handing is what the store was told last.
type handing struct {
	id     SessionID
	shards uint64
}

// handOver tells the store which messages it may hand over: none while others wait to be sent.
func (r *run) handOver() {
	h, ok := r.queue.(Handing)
	if !ok {
		return
	}
	s := r.session
	var now handing
	if s != nil {
		now.id = s.id
		if r.mayBegin() && !s.isolating && len(s.known) <= r.cfg.Concurrency {
			for _, n := range s.shardsThat(owned) {
				now.shards |= 1 << n
			}
		}
	}
	if now != r.handing {
		h.HandOver(now.id, now.shards, r.begun)
		r.handing = now
	}
}

// begun sends what was handed over, or has it read like all others where something else has to go before it:
// it is put back into the queue, so that its stamp is in nobody's way.
func (r *run) begun(id SessionID, handed []Handed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.session
	if s == nil || s.id != id {
		return
	}
	for i := range handed {
		h := &handed[i]
		w := &Waiting{Message: h.Message, Key: h.OrderingKey()}
		if _, known := s.known[w.ID]; known {
			continue // it was read meanwhile, and is recorded like all others
		}
		d, shard := s.state(w.Destination), ShardOf(w.Key)
		atOnce := h.Committed && s.owned[shard] == owned && s.keys[w.Key] == nil && r.mayBegin() && !s.isolating &&
			d.idle(r.cfg.Concurrency, time.Now()) && !r.limited(d)
		k := &keyRows{key: w.Key, to: d}
		if atOnce {
			k = s.keyOf(w)
		}
		b := s.batchOf(k, []*Waiting{w})
		b.of, b.asked, b.shuttings, b.flight = s, h.Asked, r.shuttings, &flight{left: 1}
		b.rows[0].Attempt, b.rows[0].Alone = 1, h.Alone && s.landedAt[shard].Before(h.Asked)
		s.known[w.ID], s.flying[w.ID] = struct{}{}, true
		s.unsettled++
		d.unsettled++
		s.inFlight[shard]++
		if !atOnce {
			st := r.giveBack(work{&b.rows[0], b}, "")
			r.done.add(b, &st)
			wake(r.kick)
			continue
		}
		s.inHand++
		d.ahead++
		d.batches = append(d.batches, b)
		r.startWorkers(d)
	}
	r.handOver()
}

// idle tells whether a message of the destination could be sent at once, and before nothing else.
func (d *destState) idle(concurrency int, now time.Time) bool {
	return !d.closed() && d.left == 0 && !d.dueLeft && len(d.batches) == 0 && len(d.ready) == 0 &&
		d.workers < concurrency && !now.Before(d.restUntil)
}

// limited tells whether the destination has a rate, which is counted where messages are recorded.
func (r *run) limited(d *destState) bool { return r.cfg.Rate != nil && r.rate(d.name).Count > 0 }
