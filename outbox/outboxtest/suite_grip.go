package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// grip is a claim and the token that it was made with.
type grip struct {
	outbox.Claim
	token outbox.Token
}

func alone(r *outbox.ClaimRequest) { r.Isolated = true }

func probing(r *outbox.ClaimRequest) { r.Probe = true }

func (s *stand[Tx]) claim(edits ...func(*outbox.ClaimRequest)) grip {
	s.t.Helper()
	req := outbox.ClaimRequest{
		Token: outbox.NewToken(), By: "sender-1", Lease: lease, Limit: 100, DestinationLimit: 100, ProbeEvery: 15 * time.Minute,
	}
	for _, edit := range edits {
		edit(&req)
	}
	c, err := s.Store.Claim(s.t.Context(), req)
	require.NoError(s.t, err)
	require.LessOrEqual(s.t, c.NextDue, outbox.MaxNextDue)
	require.GreaterOrEqual(s.t, c.NextDue, time.Duration(0))
	return grip{c, req.Token}
}

// claimed claims and requires that exactly these keys were leased, in this
// order.
func (s *stand[Tx]) claimed(keys ...string) grip {
	s.t.Helper()
	g := s.claim()
	require.Equal(s.t, keys, g.keys())
	return g
}

// nothing requires that a claim leases nothing.
func (s *stand[Tx]) nothing(edits ...func(*outbox.ClaimRequest)) {
	s.t.Helper()
	require.Empty(s.t, s.claim(edits...).keys())
}

func (g grip) keys() []string {
	keys := []string{}
	for _, l := range g.Leased {
		keys = append(keys, l.Key)
	}
	return keys
}

// end is the settlement of the nth leased message.
func (g grip) end(n int, state outbox.State, edits ...func(*outbox.Settlement)) outbox.Settlement {
	e := outbox.Settlement{Message: g.Leased[n].Message, Token: g.token, State: state, By: "sender-1", Took: time.Second}
	switch state {
	case outbox.StateDelivered:
		e.Outcome, e.Code = outbox.OutcomeDelivered, "200"
	case outbox.StateAlreadyDone:
		e.Outcome, e.Code = outbox.OutcomeAlreadyDone, "44"
	case outbox.StateParked:
		e.Outcome, e.Code, e.Reason = outbox.OutcomeRejected, "400", "unknown product"
	case outbox.StateWithdrawn, outbox.StateReplaced:
		e.Reason = "nothing is left to be sent"
	default:
		e.Outcome, e.Reason, e.Delay = outbox.OutcomeUnavailable, "the platform is down", time.Minute
	}
	for _, edit := range edits {
		edit(&e)
	}
	return e
}

func (s *stand[Tx]) settle(batch ...outbox.Settlement) []outbox.ID {
	s.t.Helper()
	acknowledged, err := s.Store.Settle(s.t.Context(), batch)
	require.NoError(s.t, err)
	return acknowledged
}

// settled settles and requires that all of it was acknowledged.
func (s *stand[Tx]) settled(batch ...outbox.Settlement) {
	s.t.Helper()
	want := make([]outbox.ID, len(batch))
	for i := range batch {
		want[i] = batch[i].Message.ID
	}
	require.ElementsMatch(s.t, want, s.settle(batch...))
}

// deliver claims exactly one message, which must have that key, and settles it
// as delivered.
func (s *stand[Tx]) deliver(key string) {
	s.t.Helper()
	g := s.claimed(key)
	s.settled(g.end(0, outbox.StateDelivered))
}

// park claims exactly one message, which must have that key, and parks it.
func (s *stand[Tx]) park(key string) {
	s.t.Helper()
	g := s.claimed(key)
	s.settled(g.end(0, outbox.StateParked))
}
