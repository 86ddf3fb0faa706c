package outbox

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// fetcher claims: when the sender is woken, when room became free and more is
// known to wait, when something falls due, and otherwise by the clock.
type fetcher struct {
	*run
	// probe lets one message through to each destination that paused itself: at
	// the start.
	probe bool
	// alone asks for a suspect; solo tells that one is under way, and nothing
	// else may be.
	alone, solo bool
	from        string // see ClaimRequest.From
	repeats     int    // claims in a row that met mostly busy lanes
	foreign     time.Duration
	away, slow  outage
	took        time.Duration // by the last claim, that ended at
	ended       time.Time
	quickest    time.Duration // in which a rate's rest is over, of those met
}

// Waits of the fetcher.
const (
	// lookForRoom is when a window that was full is looked at again, though no
	// quarter of it became free: the rest may hang.
	lookForRoom = 50 * time.Millisecond
	// leastWait keeps claims for a destination with a rate from being one message
	// each.
	leastWait = 20 * time.Millisecond
	// longestRest is the longest pause after a claim that took as long.
	longestRest = 10 * time.Millisecond
	// mostRepeats is how often in a row a claim is repeated at once.
	mostRepeats = 10
)

// fetch claims until ctx ends.
func (r *run) fetch(ctx context.Context) {
	f := &fetcher{
		run: r, probe: true,
		away: outage{what: "cannot claim messages"}, slow: outage{what: "claims take longer than a lease has to spare"},
	}
	for ctx.Err() == nil {
		req, ok := r.plan(time.Now(), f.alone || f.solo)
		if !ok {
			f.pause(ctx, lookForRoom)
			continue
		}
		req.Isolated, req.Probe, req.From = f.alone, f.probe, f.from
		claim, err := f.claim(req)
		if err != nil {
			if ctx.Err() == nil {
				f.backOff(ctx, &f.away, err)
			}
			continue
		}
		f.away.over(ctx, r.cfg.Logger)
		wait := f.after(claim, req)
		spare := r.cfg.Lease - r.cfg.needed()
		switch {
		case len(claim.Leased) > 0 && f.took >= spare:
			// It goes back unbegun, and another claim at once would fare like it.
			f.backOff(ctx, &f.slow, fmt.Errorf("it took %s, and a lease has %s to spare: make the database quicker or the lease longer", f.took, spare))
			continue
		case len(claim.Leased) > 0:
			f.slow.over(ctx, r.cfg.Logger)
		}
		if wait > 0 {
			f.pause(ctx, wait)
		}
	}
}

// backOff waits, the longer the more failures there were in a row.
func (f *fetcher) backOff(ctx context.Context, o *outage, err error) {
	wait := min(jittered(100*time.Millisecond<<min(o.failures, 6)), 5*time.Second)
	o.failed(ctx, f.cfg.Logger, wait, err)
	sleep(ctx, wait)
}

// claim claims once and puts what it got to work. It does not end with Run's
// context: leases taken by a claim that nobody waits for would be lost.
func (f *fetcher) claim(req ClaimRequest) (Claim, error) {
	req.Token, req.By, req.Lease, req.ProbeEvery = NewToken(), f.cfg.Name, f.cfg.Lease, f.cfg.ProbeEvery
	f.quickest = leastWait
	if f.cfg.Rate != nil {
		req.Rate = f.rate
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(f.base, f.cfg.SettleTimeout)
	defer cancel()
	claim, err := f.queue.Claim(ctx, req)
	f.ended = time.Now()
	f.took = f.ended.Sub(begun)
	if err != nil {
		return claim, err
	}
	for _, p := range claim.Poisoned {
		f.alarm(f.base, AlarmParked, p.Message, p.Reason)
	}
	// The lease began after this moment, whatever the database's clock says.
	like := laneRun{token: req.Token, until: begun.Add(f.cfg.Lease)}
	f.take(runsOf(claim.Leased, like, req.KeyLimit), req)
	return claim, nil
}

// rate is the configured one, made good.
func (f *fetcher) rate(destination string) Rate {
	r := f.cfg.Rate(destination)
	if r.Count <= 0 {
		return Rate{}
	}
	r.Per, r.Burst = max(0, r.Per), max(0, r.Burst)
	if r.Per > 0 {
		r.Per = max(r.Per, time.Millisecond)
	}
	f.quickest = min(f.quickest, time.Duration(r.burst()*r.interval())*time.Microsecond)
	return r
}

// after draws the conclusions from a claim, and returns how long to wait before
// the next.
func (f *fetcher) after(claim Claim, req ClaimRequest) time.Duration {
	full := claim.Last != "" || len(claim.Leased) >= req.Limit
	fresh, others, passed := f.judge(claim, full, f.ended)
	f.probe, f.from = false, claim.Last
	f.solo = f.alone && len(claim.Leased) > 0
	// After one suspect the others have their turn.
	f.alone = !f.alone && claim.Suspects
	if f.alone {
		return 0
	}
	if len(claim.Busy) > len(claim.Leased) && fresh > 0 && f.repeats < mostRepeats {
		f.repeats++
		return 0
	}
	f.repeats = 0
	wait := longer(f.cfg.Poll)
	if full {
		if len(claim.Leased) > 0 && f.roomy() {
			return 0
		}
		wait = min(wait, lookForRoom)
	}
	if claim.NextDue > 0 {
		wait = min(wait, max(claim.NextDue, f.quickest))
	}
	// What is behind another sender's messages nobody announces.
	switch {
	case others > 0:
		f.foreign = max(skipOthers, min(2*f.foreign, f.cfg.Poll))
	case passed > 0:
		f.foreign = max(skipOthers, f.foreign)
	default:
		f.foreign = 0
		return wait
	}
	return min(wait, f.foreign)
}

// longer lengthens a pause by up to a fifth, so that many senders do not ask at
// once and none asks more often than it should.
func longer(d time.Duration) time.Duration {
	return d + time.Duration(jitter*rand.Float64()*float64(d)) //nolint:gosec // jitter is no secret
}

// pause waits for d, or less when there is reason to look earlier.
func (f *fetcher) pause(ctx context.Context, d time.Duration) {
	until := time.Now().Add(d)
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-f.wake:
			return
		case <-f.progress:
		}
		now, by := f.wanted()
		if now {
			// The store has others to serve as well.
			if rest := min(f.took, longestRest) - time.Since(f.ended); rest > 0 {
				sleep(ctx, rest)
			}
			return
		}
		if !by.IsZero() && by.Before(until) {
			until = by
			timer.Reset(time.Until(until))
		}
	}
}
