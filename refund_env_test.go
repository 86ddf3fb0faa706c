package amsbridge_test

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

var eve = amsbridge.User{ID: "U-3", FirstName: "Eve", LastName: "E", Email: "eve@example.org"}

func refundOf(id string, lines ...string) amsbridge.Refund {
	return amsbridge.Refund{ID: id, OrderID: "1001", LineIDs: lines}
}

func (s *shop) refund(r amsbridge.Refund) *amsbridge.Refunded {
	s.t.Helper()
	tx := s.store.Begin()
	done, err := s.hook.OrderRefunded(s.t.Context(), tx, r)
	require.NoError(s.t, err)
	require.NoError(s.t, tx.Commit())
	return done
}

func (s *shop) deliver() {
	s.t.Helper()
	s.settleAll(outbox.StateDelivered, outbox.OutcomeDelivered, nil)
}

// lease begins to send whatever is due.
func (s *shop) lease() (end func(state outbox.State, outcome outbox.Outcome)) {
	s.t.Helper()
	token := outbox.NewToken()
	claim, err := s.store.Claim(s.t.Context(), outbox.ClaimRequest{Token: token, Lease: time.Hour, Limit: 100, DestinationLimit: 100})
	require.NoError(s.t, err)
	return func(state outbox.State, outcome outbox.Outcome) {
		s.t.Helper()
		for _, l := range claim.Leased {
			acked, err := s.store.Settle(s.t.Context(), []outbox.Settlement{{Message: l.Message, Token: token, State: state, Outcome: outcome, Reason: "as told"}})
			require.NoError(s.t, err)
			require.Len(s.t, acked, 1)
		}
	}
}

// all returns the messages of every order of these people.
func (s *shop) all(people ...amsbridge.User) (out []outbox.Record) {
	s.t.Helper()
	for _, u := range people {
		found, err := s.store.Find(s.t.Context(), outbox.Query{Person: string(u.ID), Limit: 10_000})
		require.NoError(s.t, err)
		out = append(out, found...)
	}
	return out
}

// taken shows a result in one line for each entry.
func taken(r *amsbridge.Refunded) (out []string) {
	for _, l := range []struct {
		name string
		list []amsbridge.TakenBack
	}{{"withdrawn", r.Withdrawn}, {"removal", r.Removals}, {"task", r.Tasks}, {"kept", r.Kept}, {"nothing", r.Nothing}} {
		for _, t := range l.list {
			text := l.name + " " + strings.Join(t.LineIDs, "+")
			if t.Destination != "" {
				text += " " + t.Destination + " " + string(t.UserID)
			}
			if t.Duplicate {
				text += " (duplicate)"
			}
			out = append(out, strings.TrimSpace(text))
		}
	}
	for _, m := range r.Requeued {
		text := "requeued " + strings.Join(m.LineIDs, "+") + " " + m.Destination + " " + string(m.UserID)
		if m.Duplicate {
			text += " (duplicate)"
		}
		out = append(out, text)
	}
	return out
}

func (s *shop) places(u amsbridge.User) []amsbridge.Place {
	s.t.Helper()
	standing, err := amsbridge.NewStanding(s.store)
	require.NoError(s.t, err)
	places, err := standing.Of(s.t.Context(), u.ID)
	require.NoError(s.t, err)
	return places
}
