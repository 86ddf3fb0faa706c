package outbox

import (
	"context"
	"log/slog"
	"time"
)

// fetch claims until ctx ends: when the sender is woken, when room became free
// and more is known to wait, when outcomes were recorded, and otherwise by the
// clock.
func (r *run) fetch(ctx context.Context) {
	failures := 0
	// solo: a suspect is under way, and nothing else may be.
	probe, alone, solo := true, false, false
	for ctx.Err() == nil {
		room, holding := r.room()
		if (alone || solo) && !r.idle() || room <= 0 {
			r.pause(ctx, jittered(r.cfg.Poll))
			continue
		}
		claim, err := r.claim(ClaimRequest{
			Room: room, Slots: r.slots(), Holding: holding, Alone: alone, Probe: probe,
		})
		if err != nil {
			failures++
			r.claimFailed(ctx, failures, err)
			continue
		}
		failures, probe = 0, false
		solo = alone && len(claim.Leased) > 0
		// After one suspect the others have their turn.
		alone = !alone && claim.Suspects
		if alone {
			continue
		}
		wait := jittered(r.cfg.Poll)
		if claim.NextDue > 0 {
			wait = min(wait, claim.NextDue)
		}
		r.pause(ctx, wait)
	}
}

// claim claims once and puts what it got to work. It does not end with Run's
// context: leases taken by a claim that nobody waits for would be lost.
func (r *run) claim(req ClaimRequest) (Claim, error) {
	req.Token, req.By, req.Lease, req.ProbeEvery = NewToken(), r.cfg.Name, r.cfg.Lease, r.cfg.ProbeEvery
	// The lease began after this moment, whatever the database's clock says.
	until := time.Now().Add(r.cfg.Lease)
	ctx, cancel := context.WithTimeout(r.base, r.cfg.SettleTimeout)
	defer cancel()
	claim, err := r.queue.Claim(ctx, req)
	if err != nil {
		return claim, err
	}
	for _, p := range claim.Poisoned {
		r.alarm(r.base, AlarmParked, p.Message, p.Reason)
	}
	r.take(claim.Leased, req.Token, until)
	return claim, nil
}

// claimFailed waits a while, longer each time: a database that is away for a
// minute means waiting, not dying.
func (r *run) claimFailed(ctx context.Context, failures int, err error) {
	if ctx.Err() != nil {
		return
	}
	wait := min(jittered(100*time.Millisecond<<min(failures-1, 6)), 5*time.Second)
	r.cfg.Logger.LogAttrs(ctx, slog.LevelError, "amsbridge: cannot claim messages",
		slog.Int("failures", failures), slog.Duration("next", wait), slog.String("error", err.Error()))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// pause waits for d, or less when there is reason to look earlier.
func (r *run) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-r.wake:
	case <-r.progress:
	}
}
