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
func (m *Memory) Settle(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i := range batch {
		if err := checkSettlement(&batch[i]); err != nil {
			err.Field = fmt.Sprintf("batch[%d].%s", i, err.Field)
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	var acknowledged []outbox.ID
	var effects []*outbox.Settlement // a pause or a break beats a resumption of the same batch
	for i := range batch {
		s := &batch[i]
		r, ok := m.queue[s.Message.ID]
		if !ok || !r.leased() || r.token != s.Token {
			continue
		}
		acknowledged = append(acknowledged, r.msg.ID)
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
	return acknowledged, nil
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

// endOthers ends messages of the same ordering key that nobody works on.
func (m *Memory) endOthers(r *row, s *outbox.Settlement, now time.Time) {
	for _, e := range s.Ends {
		other, ok := m.queue[e.ID]
		if !ok || other.lane != r.lane || other.leased() {
			continue
		}
		m.end(other, e.State, now)
		other.logged(outbox.Attempt{
			At: now, State: e.State, Reason: e.Reason, PossibleDuplicate: other.msg.Doubt != 0,
			By: outbox.CutText(s.By, 64),
		})
	}
}

func (m *Memory) settle(r *row, s *outbox.Settlement, now time.Time) {
	if !s.Unlogged {
		r.logged(outbox.Attempt{
			At: now, Took: s.Took, Outcome: s.Outcome, State: s.State, Code: s.Code, Reason: s.Reason, Detail: s.Detail,
			Receipt: s.Receipt, PossibleDuplicate: r.msg.Doubt != 0, By: outbox.CutText(s.By, 64),
		})
	}
	r.unlease()
	m.setLost(r, 0)
	if s.Deferred {
		r.msg.Attempt--
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
		m.pend(r, now.Add(s.Delay))
	case outbox.StateParked:
		m.park(r, s.Reason)
	default:
		m.end(r, s.State, now)
		r.releases = slices.Clone(s.Releases)
	}
}

func (m *Memory) resume(s *outbox.Settlement) {
	d, ok := m.states[s.Message.Destination]
	if ok && s.ProbeAgain {
		now := m.clock()
		d.BrokenUntil, d.ProbeAt = soonest(d.BrokenUntil, now), soonest(d.ProbeAt, now)
	}
	if !ok || !s.Resume {
		return
	}
	d.BrokenUntil = time.Time{}
	if d.Pausing == outbox.PausedByItself {
		d.Pausing, d.Reason, d.ProbeAt = outbox.NotPaused, "", time.Time{}
	}
}

// soonest is a time, but not later than now.
func soonest(t, now time.Time) time.Time {
	if t.After(now) {
		return now
	}
	return t
}

func (m *Memory) shut(s *outbox.Settlement, now time.Time) {
	if s.Hold > 0 {
		d := m.destination(s.Message.Destination)
		d.HeldUntil = later(d.HeldUntil, now.Add(s.Hold))
	}
	if s.Break > 0 {
		d := m.destination(s.Message.Destination)
		d.BrokenUntil = later(d.BrokenUntil, now.Add(s.Break))
	}
	if s.Pause == "" {
		return
	}
	if d := m.destination(s.Message.Destination); d.Pausing != outbox.PausedByOperator {
		d.Pausing, d.Reason = outbox.PausedByItself, outbox.CutText(s.Pause, outbox.MaxReason)
		d.ProbeAt = now.Add(s.ProbeEvery)
	}
}

// follow inserts follow-ups; those that exist are left out.
func (m *Memory) follow(then []outbox.Message, now time.Time) {
	for i := range then {
		if _, exists := m.keys[placeOf(&then[i])]; !exists {
			m.add(m.newRow(then[i], now))
		}
	}
}
