package amsbridge_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// refusing answers each call with an error, without an effect.
func refusing(outcome outbox.Outcome) func(string) (bool, error) {
	return func(string) (bool, error) { return false, &outbox.DeliveryError{Outcome: outcome, Reason: "so"} }
}

func (s *turns) operator() *outbox.Operator {
	s.t.Helper()
	operator, err := outbox.NewOperator(s.store, outbox.OperatorConfig{})
	require.NoError(s.t, err)
	return operator
}

// A program that was stopped in the middle of its work, while another one sent the message and died, goes on
// with what it knew.
func TestWhatAnotherProgramDidSinceCounts(t *testing.T) {
	t.Parallel()
	for name, recorded := range map[string]func(*turns, outbox.Settlement){
		"the attempt was deferred": func(s *turns, st outbox.Settlement) {
			st.Deferred = true
			s.settle(st)
		},
		"the message was parked and sent again": func(s *turns, st outbox.Settlement) {
			st.State = outbox.StateParked
			s.settle(st)
			require.NoError(s.t, s.operator().SendAgain(s.t.Context(), staff, st.Message.ID, "mended"))
		},
		"the session ended before": func(*turns, outbox.Settlement) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTurns(t)
			s.report("1001", "gala")
			s.answer = refusing(outbox.OutcomeThrottled)
			recorded(s, s.deliver(s.begin()[0])) // and this program does not hear of it
			s.answer = nil
			stopped := s.to
			s.restart()
			s.deliver(s.begin()[0]) // and dies
			require.Equal(t, []string{"anna 7/1"}, s.everything())
			s.rejoin()
			s.to = stopped
			s.refund("R-1", "1001")
			all := s.begin()
			require.Len(t, all, 2)
			s.settle(s.deliver(all[1]))
			s.settle(s.deliver(all[0]))
			require.Empty(t, s.everything())
		})
	}
}

// hanging is a platform whose first call hangs, and is refused in the end.
type hanging struct {
	*platform
	begun, end chan struct{}
}

func (p *hanging) Give(ctx context.Context, g amsbridge.Grant) (outbox.Result, error) {
	select {
	case <-p.begun:
		return p.platform.Give(ctx, g)
	default:
	}
	close(p.begun)
	<-p.end
	return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable, Reason: "cancelled"}
}

// The program's session ended, and its next one sent the message again before the first call returned.
func TestALateAnswerHidesNoLaterOne(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]bool{"it returned": false, "its outcome was given up": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTurns(t)
			p := &hanging{s.platform, make(chan struct{}), make(chan struct{})}
			var err error
			s.to, err = amsbridge.NewDestination(s.store, p, amsbridge.DestinationConfig{})
			require.NoError(t, err)
			s.report("1001", "gala")
			first, late := s.begin()[0], make(chan outbox.Result)
			go func() {
				res, _ := s.to.Deliver(context.WithoutCancel(t.Context()), first)
				late <- res
			}()
			<-p.begun
			s.rejoin()
			st := s.deliver(s.begin()[0])
			require.Equal(t, outbox.OutcomeDelivered, st.Outcome)
			close(p.end)
			if res := <-late; given {
				res.Settled()
			}
			s.refund("R-1", "1001")
			taken := s.deliver(s.begin()[0])
			require.Empty(t, s.everything())
			require.Empty(t, taken.Releases, "what the give came to is not recorded yet")
			s.settle(st, taken)
		})
	}
}

// A take whose first attempt was lost is done again, and bought and given back again before that is recorded.
func TestALostTakeThatIsDoneAgainHasItsPlace(t *testing.T) {
	t.Parallel()
	s := newTurns(t)
	s.report("1001", "gala")
	s.play()
	s.refund("R-1", "1001")
	s.deliver(s.begin()[0]) // and dies
	s.restart()
	settled := []outbox.Settlement{s.deliver(s.begin()[0])}
	s.report("1002", "gala")
	settled = append(settled, s.deliver(s.begin()[0]))
	require.Equal(t, []string{"anna 7/1"}, s.everything())
	s.refund("R-2", "1002")
	settled = append(settled, s.deliver(s.begin()[0]))
	s.settle(settled...)
	require.Empty(t, s.everything())
}

// A task to cancel by hand ends with a purchase, which is given back before that is recorded.
func TestATaskThatEndsAsksForNothingMore(t *testing.T) {
	t.Parallel()
	s := newTurns(t)
	s.report("1001", "course")
	s.play()
	s.refund("R-1", "1001")
	s.play()
	s.report("1002", "course")
	given := s.deliver(s.begin()[0])
	require.Len(t, given.Ends, 1)
	s.refund("R-2", "1002")
	s.settle(given, s.deliver(s.begin()[0]))
	parked, err := s.store.Find(t.Context(), outbox.Query{States: []outbox.State{outbox.StateParked}})
	require.NoError(t, err)
	require.Len(t, parked, 1)
	require.Equal(t, "1002", parked[0].Subject)
}

// Staff cancel by hand what was bought again a moment ago, before that is recorded.
func TestWhatWasGivenBeforeItWasCancelledIsGivenAgain(t *testing.T) {
	t.Parallel()
	s := newTurns(t)
	s.report("1001", "gala")
	s.play()
	s.refund("R-1", "1001")
	s.answer = refusing(outbox.OutcomeRejected)
	take := s.begin()[0]
	s.settle(s.deliver(take))
	s.answer = nil
	s.report("1002", "gala")
	given := s.deliver(s.begin()[0])
	delete(s.has, "anna 7/1")
	require.NoError(t, s.operator().MarkDone(t.Context(), staff, take.ID, "cancelled"))
	s.settle(given, s.deliver(s.begin()[0]))
	require.Equal(t, []string{"anna 7/1"}, s.everything())
}
