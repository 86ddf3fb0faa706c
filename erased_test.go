package amsbridge_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

func (s *shop) erase(u amsbridge.User) {
	s.t.Helper()
	operator, err := outbox.NewOperator(s.store, outbox.OperatorConfig{EraseKey: outbox.NewSecret([]byte("a key for tests of thirty-two b."))})
	require.NoError(s.t, err)
	_, err = operator.Erase(s.t.Context(), outbox.Actor{Name: "pat"}, string(u.ID), "request 17")
	require.NoError(s.t, err)
}

// Reporting an order again does not bring back an erased person, whatever state their messages had and
// whatever the catalogue answers today.
func TestErasedPersonIsNotBroughtBack(t *testing.T) {
	t.Parallel()
	away := func(string) (amsbridge.Product, amsbridge.Offering, error) {
		return amsbridge.Product{}, amsbridge.Unknown, errors.New("the catalogue is away")
	}
	defect := order(line("1", "course"), line("2", "workshop", bob))
	whole := order(amsbridge.Line{ID: "1", ProductID: "course"}, line("2", "workshop", bob))
	rest := order(amsbridge.Line{ID: "1", ProductID: "course", Quantity: 3, Attendees: []amsbridge.User{bob}}, line("2", "workshop", bob))
	named := order(line("1", "course", bob, ada, eve), line("2", "workshop", bob))
	for name, c := range map[string]struct {
		first, again   amsbridge.Order
		atFirst, today catalogFunc
		delivered      bool
	}{
		"pending":                           {defect, defect, mapped, mapped, false},
		"delivered":                         {defect, defect, mapped, mapped, true},
		"delivered, no catalogue":           {defect, defect, mapped, away, true},
		"parked":                            {defect, defect, away, away, false},
		"parked, mended":                    {defect, defect, away, mapped, false},
		"parked as a line":                  {whole, whole, mapped, mapped, false},
		"parked as a line, mended":          {whole, defect, mapped, mapped, false},
		"parked for the rest":               {rest, rest, mapped, mapped, false},
		"parked for the rest, mended":       {rest, named, mapped, mapped, false},
		"parked for the rest, no catalogue": {rest, rest, mapped, away, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.catalog = c.atFirst
			s.complete(c.first)
			if c.delivered {
				s.deliver()
			}
			s.erase(ada)
			require.Empty(t, s.all(ada))
			stored := s.stored()
			s.catalog = c.today
			for range 2 {
				q := s.complete(c.again)
				for _, m := range q.Messages {
					require.True(t, m.Duplicate)
				}
				for _, p := range q.Parked {
					require.True(t, p.Duplicate)
				}
			}
			require.Equal(t, stored, s.stored())
			s.rebuild(c.again)
			require.Empty(t, s.all(ada, eve))
			require.Empty(t, s.places(ada))
		})
	}
}

// A refund reports what an erased person's part leaves to do by hand, and processes the other people's
// parts.
func TestRefundAfterErasure(t *testing.T) {
	t.Parallel()
	for _, delivered := range []bool{false, true} {
		s := newShop(t)
		s.complete(order(line("1", "course", ada, bob), line("2", "dinner"), line("3", "nowhere")))
		if delivered {
			s.deliver()
		}
		s.erase(ada)
		done := s.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001"})
		bobs := "withdrawn 1 elevate U-2"
		if delivered {
			bobs = "task 1 elevate U-2"
		}
		require.Contains(t, taken(done), bobs)
		require.Len(t, done.Nothing, 2)
		for _, n := range done.Nothing {
			require.Contains(t, n.Reason, "erased")
			require.Contains(t, n.UserID, "erased-")
		}
		require.Equal(t, taken(done)[1:], taken(s.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001"}))[1:], "the same refund again")
		require.Empty(t, s.all(ada))
	}
}

// Other people on an erased person's line are still reported.
func TestErasureHidesNobodyElse(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(line("1", "course", ada, bob))
	s.complete(o)
	s.deliver()
	s.erase(ada)
	s.catalog = func(string) (amsbridge.Product, amsbridge.Offering, error) {
		return amsbridge.Product{}, amsbridge.Unknown, nil
	}
	o.Lines[0] = line("1", "course", bob, ada)
	q := s.complete(o)
	require.Empty(t, q.Parked)
	require.Len(t, q.Messages, 2)
	require.Equal(t, bob.ID, q.Messages[0].UserID)
	require.Contains(t, q.Messages[1].UserID, "erased-")
	require.Len(t, s.stored(), 2)
}
