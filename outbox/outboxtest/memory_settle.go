package outboxtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Settle implements [outbox.Queue]. A state that no settlement has, or a
// follow-up that may not be inserted, is an *amsbridge.InputError and nothing is
// changed.
func (m *Memory) Settle(ctx context.Context, settling outbox.Settling) (outbox.Settled, error) {
	if err := ctx.Err(); err != nil {
		return outbox.Settled{}, err
	}
	batch := settling.Batch
	for i := range batch {
		if err := checkSettlement(&batch[i]); err != nil {
			err.Field = fmt.Sprintf("Batch[%d].%s", i, err.Field)
			return outbox.Settled{}, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	session, live := m.sessions[settling.Session]
	if !live {
		return outbox.Settled{}, outbox.ErrNoSession
	}
	now := m.clock()
	var settled outbox.Settled
	var effects []*outbox.Settlement // a pause or a break beats a resumption of the same batch
	for i := range batch {
		s := &batch[i]
		r, queued := m.queue[s.Message.ID]
		if !queued {
			continue
		}
		settled.Acked = append(settled.Acked, r.msg.ID)
		m.endOthers(r, s, now)
		m.settle(r, s, now)
		m.follow(s.Then, now)
		effects = append(effects, s)
	}
	for _, s := range effects {
		m.resume(s)
	}
	for _, s := range effects {
		m.shut(s, now)
	}
	if len(settled.Acked) == len(batch) {
		for _, n := range settling.Over {
			session.land(n)
		}
	}
	return settled, nil
}

func checkSettlement(s *outbox.Settlement) *check.InputError {
	switch s.State {
	case outbox.StatePending, outbox.StateParked, outbox.StateDelivered, outbox.StateAlreadyDone:
	case outbox.StateWithdrawn, outbox.StateReplaced:
	default:
		return check.Bad("outboxtest", "State", "is an operator's, or does not exist")
	}
	for i, e := range s.Ends {
		if e.State != outbox.StateWithdrawn && e.State != outbox.StateReplaced {
			return check.Bad("outboxtest", fmt.Sprintf("Ends[%d].State", i), "is neither withdrawn nor replaced")
		}
	}
	for i := range s.Then {
		var bad *check.InputError
		if errors.As(outbox.CheckMessages(s.Then[i:i+1]), &bad) {
			return check.Bad("outboxtest", fmt.Sprintf("Then[%d]", i)+strings.TrimPrefix(bad.Field, "msgs[0]"), bad.Problem)
		}
	}
	return nil
}

// endOthers ends messages of the same ordering key.
func (m *Memory) endOthers(r *row, s *outbox.Settlement, now time.Time) {
	for _, e := range s.Ends {
		other, ok := m.queue[e.ID]
		if !ok || other.key != r.key || other == r {
			continue
		}
		m.end(other, e.State, now)
		other.logged(outbox.Attempt{
			At: now, State: e.State, Reason: e.Reason, PossibleDuplicate: other.msg.Doubt != 0,
			By: s.By,
		})
	}
}

func (m *Memory) settle(r *row, s *outbox.Settlement, now time.Time) {
	if !s.Unlogged {
		r.logged(outbox.Attempt{
			At: now, Took: s.Took, Outcome: s.Outcome, State: s.State, Code: s.Code, Reason: s.Reason, Detail: s.Detail,
			Receipt: s.Receipt, PossibleDuplicate: r.msg.Doubt != 0, By: s.By,
		})
	}
	r.lost = 0
	if !s.Deferred {
		r.msg.Attempt++
	}
	if s.Outcome == outbox.OutcomeUnknown {
		r.msg.Doubt |= outbox.DoubtUnknown
	}
	if s.Partly {
		r.msg.Doubt |= outbox.DoubtPartly
	}
	r.seq = max(r.seq, s.Seq)
	if s.Outcome == outbox.OutcomeNotReady && r.notReady.IsZero() {
		r.notReady = now
	}
	switch s.State {
	case outbox.StatePending:
		r.reason = outbox.CutText(s.Reason, outbox.MaxReason)
		m.putOffUntil(r, now.Add(s.Delay), now)
	case outbox.StateParked:
		m.park(r, s.Reason)
	default:
		m.end(r, s.State, now)
		r.releases = slices.Clone(s.Releases)
	}
}

func (m *Memory) resume(s *outbox.Settlement) {
	d, ok := m.destinations[s.Message.Destination]
	if ok && s.ProbeAgain {
		now := m.clock()
		d.BrokenUntil, d.ProbeAt = earlier(d.BrokenUntil, now), earlier(d.ProbeAt, now)
	}
	if !ok || !s.Resume {
		return
	}
	d.BrokenUntil = time.Time{}
	if d.Pausing == outbox.PausedByItself {
		d.Pausing, d.Reason, d.ProbeAt = outbox.NotPaused, "", time.Time{}
	}
}

func (m *Memory) shut(s *outbox.Settlement, now time.Time) {
	if s.Hold > 0 {
		d := m.destination(s.Message.Destination)
		if until := now.Add(s.Hold); until.After(d.HeldUntil) {
			d.HeldUntil, d.closedAt = until, now
		}
	}
	if s.Break > 0 {
		d := m.destination(s.Message.Destination)
		d.BrokenUntil, d.closedAt = now.Add(s.Break), now
	}
	if s.Pause == "" {
		return
	}
	if d := m.destination(s.Message.Destination); d.Pausing != outbox.PausedByOperator {
		d.Pausing, d.Reason = outbox.PausedByItself, outbox.CutText(s.Pause, outbox.MaxReason)
		d.ProbeAt, d.closedAt = now.Add(s.ProbeEvery), now
	}
}

// follow inserts follow-ups; those that exist are left out.
func (m *Memory) follow(then []outbox.Message, now time.Time) {
	for i := range then {
		if _, exists := m.places[placeOf(&then[i])]; !exists {
			m.add(m.newRow(then[i], now))
		}
	}
}

// destination returns a destination's state, which exists from now on.
func (m *Memory) destination(name string) *destination {
	d, ok := m.destinations[name]
	if !ok {
		d = &destination{DestinationState: outbox.DestinationState{Name: name}}
		m.destinations[name] = d
	}
	return d
}
