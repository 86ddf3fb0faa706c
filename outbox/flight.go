package outbox

import (
	"context"
	"slices"
	"time"
)

// flight is a set of messages that were recorded together.
type flight struct {
	n    int64 // zero for a message that was handed over, whose stamp is its record
	left int   // not settled
}

// batch is what one worker sends, one message after another: messages of one ordering key.
type batch struct {
	of     *session
	ctx    context.Context // of the deliveries; ends when the sender may be taken for dead
	to     *destState
	key    *keyRows
	flight *flight
	rows   []sending
	at     int // the one under way
	// asked is when it was about to be recorded.
	asked time.Time
	// shuttings is what run.shuttings was when it was recorded.
	shuttings int
	probe     bool // it tests a closed destination
}

// sending is a message on its way through this sender.
type sending struct {
	Message
	from *Waiting
	// Waited is the time since the platform first answered "not ready".
	Waited time.Duration
	// Probe is set on the one message that tests whether a destination works again.
	Probe bool
}

// work is one message of a batch.
type work struct {
	*sending
	*batch
}

// stale tells whether the destination was closed since the batch was recorded.
func (b *batch) stale() bool { return b.to.shut > b.shuttings }

// next returns the batch that a worker sends next, or nil when it is no longer needed. Its first message
// begins.
func (r *run) next(d *destState) *batch {
	for len(d.batches) > 0 && r.mayBegin() {
		b := d.batches[0]
		d.batches[0] = nil
		d.batches = d.batches[1:]
		if b.of == r.session && !b.stale() {
			return r.begin(b)
		}
		r.dropRest(b)
	}
	d.workers--
	return nil
}

// begin begins a batch's next message.
func (r *run) begin(b *batch) *batch {
	b.to.ahead--
	b.ctx = b.of.ctx
	return b
}

// resume lets workers go on with what was recorded before they had to stop.
func (r *run) resume() {
	for _, d := range r.session.states {
		r.startWorkers(d)
	}
}

// startWorkers lets enough workers send what was recorded for a destination.
func (r *run) startWorkers(d *destState) {
	for n := len(d.batches); n > 0 && d.workers < r.cfg.Concurrency; n-- {
		d.workers++
		r.workers.Go(func() { r.work(d) })
	}
}

// work sends what was recorded for a destination until nothing is left.
func (r *run) work(d *destState) {
	r.mu.Lock()
	b := r.next(d)
	r.mu.Unlock()
	for b != nil {
		if st, begun := r.deliver(work{&b.rows[b.at], b}); begun {
			b = r.finish(b, &st)
		} else {
			b = r.rest(b)
		}
	}
}

// finish hands an outcome on to be recorded, and returns what its worker sends next.
func (r *run) finish(b *batch, st *Settlement) *batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := b.to
	r.notBegun = 0
	r.done.add(b, st)
	if b.of == r.session {
		b.of.inHand--
	}
	if !st.Unlogged {
		d.speed.done++
	}
	b.rows[b.at] = sending{} // let its payload go
	b.at++
	if st.shuts() && st.Break == 0 && b.of == r.session { // a breaker did so when it opened
		r.shut(d)
	}
	if r.idle() || r.done.len() >= r.kickAt {
		wake(r.kick)
	}
	switch {
	case b.at == len(b.rows):
		b.of.release(b.key)
	case b.of != r.session || b.stale() || r.stopping || b.of.isolating || b.of.paused || !b.of.holds(b.key.key):
		r.dropRest(b)
	case !r.mayBegin():
		d.batches = slices.Insert(d.batches, 0, b)
		d.workers--
		return nil
	default:
		return r.begin(b)
	}
	if d.ahead <= r.cfg.Concurrency {
		wake(r.recorder)
	}
	return r.next(d)
}

// How long an ordering key rests of which a message could not be begun: longer with each in a row, whatever its key.
const (
	firstRest   = 100 * time.Millisecond
	longestRest = 5 * time.Second
)

// rest takes back what is left of a batch whose next message could not be begun. Nothing of its ordering key is
// begun for a while: what was committed later does not go before it.
func (r *run) rest(b *batch) *batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notBegun++
	wait := jittered(min(time.Duration(r.notBegun)*firstRest, longestRest))
	if now := time.Now(); now.Sub(r.notBegunSaid) > quietest {
		r.notBegunSaid = now
		r.cfg.Logger.WarnContext(r.base, "amsbridge: a delivery could not be begun: something of the shop's own does not answer",
			"message", b.rows[b.at].ID, "destination", b.to.name, "next", wait)
	}
	b.to.ahead++ // that of the message, which counts as begun
	if b.probe && b.to.closed() {
		b.to.shutUntil = time.Now().Add(wait)
	}
	r.takeBack(b)
	time.AfterFunc(wait, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		b.of.release(b.key)
		wake(r.recorder)
		wake(r.reader)
	})
	return r.next(b.to)
}

// idle tells whether nothing is being sent.
func (r *run) idle() bool { return r.session == nil || r.session.inHand == 0 }

// dropRest takes back what was not begun of a batch, and lets others of its ordering key be begun.
func (r *run) dropRest(b *batch) {
	r.takeBack(b)
	b.of.release(b.key)
}

// takeBack takes what was not begun of a batch out of its flight. It is read again, or was never more than
// read.
func (r *run) takeBack(b *batch) {
	b.to.testing = b.to.testing && !b.probe
	for ; b.at < len(b.rows); b.at++ {
		w := b.rows[b.at].from
		b.rows[b.at] = sending{}
		b.to.ahead--
		b.of.inHand--
		if r.landed(b) && b.flight.n > 0 {
			b.of.over = append(b.of.over, b.flight.n)
			wake(r.kick)
		}
		delete(b.of.flying, w.ID)
		if b.of == r.session {
			b.of.putBack(w)
		}
	}
}

// landed counts a message of a batch that is in flight no more, and tells whether it was its flight's last.
func (r *run) landed(b *batch) bool {
	s := b.of
	s.unsettled--
	b.to.unsettled--
	shard := ShardOf(b.key.key)
	s.inFlight[shard]--
	s.landedAt[shard] = time.Now()
	b.flight.left--
	return b.flight.left == 0
}

// dropBatches does so with all that no worker has begun.
func (r *run) dropBatches(d *destState) {
	batches := d.batches
	d.batches = nil
	for _, b := range batches {
		r.dropRest(b)
	}
}

// dropAll does so for all destinations.
func (r *run) dropAll() {
	for _, d := range r.session.states {
		r.dropBatches(d)
	}
}

// pauseAll has nothing begun any more while everything is paused, or lets it go on.
func (r *run) pauseAll(paused bool) {
	began := paused && !r.session.paused
	if r.session.paused = paused; began {
		r.dropAll()
		r.handOver()
	}
}

// shut closes a destination whose settlement, not recorded yet, does so for all senders.
func (r *run) shut(d *destState) {
	d.shutting++
	r.shuttings++
	d.shut = r.shuttings
	r.closed[d] = struct{}{}
	r.session.close(d, r.session.head)
	r.dropBatches(d)
}

// shuts tells whether the settlement pauses or holds its destination or opens
// its breaker.
func (st *Settlement) shuts() bool { return st.Pause != "" || st.Hold > 0 || st.Break > 0 }

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
