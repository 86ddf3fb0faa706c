package outbox

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// run is one call of Run.
type run struct {
	*Sender
	// base outlives the context given to Run, so that what is under way ends in
	// good order.
	base    context.Context
	workers sync.WaitGroup
	// reader and recorder tell that there may be something to read, or to record; kick tells the settler
	// that it need not wait any longer; beatNow asks for a beat.
	reader, recorder, kick, beatNow chan struct{}

	mu      sync.Mutex
	session *session // nil between two
	// closed are the session's destinations that may not be sent to freely.
	closed map[*destState]struct{}
	done   outcomes // that the settler has not taken yet
	// kickAt is how many outcomes the settler waits for.
	kickAt    int
	shuttings int // how often a destination was paused, held or left alone
	// isolatedAt is when the others were stopped for a suspect, and othersUntil how long they have their turn.
	isolatedAt, othersUntil time.Time
	woken                   bool
	dueSoon                 time.Time // something falls due that the reader does not know of; zero for nothing
	stopping                bool
	// blocked is set while outcomes cannot be recorded: nothing is begun then.
	blocked bool
	ended   bool   // no outcome will follow
	another string // why another installation's sender paused everything; the beating goroutine's
	handing handing
	// notBegun counts deliveries in a row that could not be begun; notBegunSaid is when that was logged.
	notBegun     int
	notBegunSaid time.Time
}

func newRun(base context.Context, s *Sender) *run {
	signal := func() chan struct{} { return make(chan struct{}, 1) }
	return &run{
		Sender: s, base: base, closed: map[*destState]struct{}{},
		reader: signal(), recorder: signal(), kick: signal(), beatNow: signal(),
	}
}

// serve runs until ctx ends, and then until what is under way is recorded.
func (r *run) serve(ctx context.Context) {
	alive, leave := context.WithCancel(r.base)
	defer leave()
	var beside, beating, settling sync.WaitGroup
	beside.Go(func() { r.forget(ctx) })
	beside.Go(func() { r.tellTasks(ctx) })
	beside.Go(func() { r.read(ctx) })
	beside.Go(func() { r.record(ctx) })
	beating.Go(func() { r.beat(alive) })
	settling.Go(r.settleAll)
	<-ctx.Done()
	beside.Wait()
	r.stop()
	r.waitForWorkers()
	r.lastOutcome()
	settling.Wait()
	leave()
	beating.Wait()
	r.leave()
}

// stop drops what was recorded and not begun.
func (r *run) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopping = true
	r.handOver()
	if r.session != nil {
		r.dropAll()
	}
}

// waitForWorkers waits until all deliveries have ended. One that does not end with its context is left
// behind: its message is sent again, marked as a possible duplicate.
func (r *run) waitForWorkers() {
	ended := make(chan struct{})
	go func() {
		r.workers.Wait()
		close(ended)
	}()
	timer := time.NewTimer(r.cfg.DeliverTimeout + graceForCalls)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		r.cfg.Logger.ErrorContext(r.base, "amsbridge: a delivery does not end with its context; it is left behind")
	}
}

// lost ends a session that is over, and everything in memory with it.
func (r *run) lost(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s == nil || r.session != s {
		return
	}
	r.cfg.Logger.WarnContext(r.base, "amsbridge: this sender's session is over, as after it was taken for dead; it begins a new one")
	r.end()
}

// end drops the session.
func (r *run) end() {
	r.session.cancel()
	r.session = nil
	r.closed = map[*destState]struct{}{}
	r.handOver()
	wake(r.reader)
	wake(r.kick)
	wake(r.beatNow)
}

// mayBegin tells whether anything may be begun: the session is surely alive, outcomes can be recorded, and
// nobody has paused everything.
func (r *run) mayBegin() bool {
	s := r.session
	if s == nil || s.paused || r.stopping || r.blocked || s.ctx.Err() != nil {
		return false
	}
	now := time.Now()
	passed := now.Sub(s.renewed)
	if passed >= r.cfg.renewWithin() {
		return false
	}
	// The machine was paused, or its clock set: the monotonic clock may have stood still.
	if now.Round(0).Sub(s.renewed.Round(0))-passed > time.Second {
		wake(r.beatNow)
		return false
	}
	return true
}

// graceForCalls is how much longer than its time-out a call may take before it is left behind.
const graceForCalls = time.Second

// within calls the store, and does not wait longer than a second beyond the time-out, whatever the driver
// does with its context.
func within[T any](ctx context.Context, timeout time.Duration, what string, call func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	done := make(chan result, 1)
	go func() {
		v, err := call(ctx)
		done <- result{v, err}
	}()
	select {
	case got := <-done:
		return got.value, got.err
	case <-ctx.Done():
	}
	grace := time.NewTimer(graceForCalls)
	defer grace.Stop()
	select {
	case got := <-done:
		return got.value, got.err
	case <-grace.C:
		var none T
		return none, fmt.Errorf("outbox: the store does not answer, and was left behind (%s): %w", what, context.Cause(ctx))
	}
}

// backOff waits, the longer the more failures there were in a row.
func (r *run) backOff(ctx context.Context, o *outage, err error) {
	wait := min(jittered(100*time.Millisecond<<min(o.failures, 6)), 5*time.Second)
	o.failed(r.base, r.cfg.Logger, wait, err)
	sleep(ctx, wait)
}

// pause waits for d, or until it is woken.
func pause(ctx context.Context, woken <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-woken:
	}
}
