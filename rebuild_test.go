package amsbridge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestReportingAgainDoesNotMendAParkedLineAndRebuildDoes(t *testing.T) {
	t.Parallel()
	fresh := map[string]amsbridge.Product{
		"late-course": {ID: "late-course", RemoteProductID: "C-9"},
		"late-addon":  {ID: "late-addon", ShowKey: 7, AddOnKeys: []int64{77}},
		"late-both":   {ID: "late-both", RemoteProductID: "C-8", ShowKey: 7, AddOnKeys: []int64{78}},
	}
	for product, wantSent := range map[string]int{"late-course": 1, "late-addon": 1, "late-both": 2} {
		t.Run(product, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			// The first line shares person and show with the late one.
			o := order(line("1", "workshop"), line("2", product))
			first := s.complete(o)
			require.Len(t, first.Parked, 1)

			s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
				if p, ok := fresh[id]; ok {
					return p, amsbridge.Offered, nil
				}
				return mapped(id)
			}
			again := s.complete(o)
			require.Len(t, again.Parked, 1, "reporting again mends nothing")
			require.True(t, again.Parked[0].Duplicate)
			require.Len(t, again.Messages, 1)
			require.Len(t, s.stored(), 2)

			mended := s.rebuild(o)
			require.Empty(t, mended.Parked)
			require.Len(t, mended.Messages, wantSent)
			require.Len(t, s.stored(outbox.StateParked), 0)
			replaced := s.stored(outbox.StateReplaced)
			require.Len(t, replaced, 1)
			for _, m := range s.stored(outbox.StatePending) {
				if m.Items[0] == "2" {
					require.Contains(t, m.KeyParts, replaced[0].Key, "the new key names the old one")
				}
			}

			require.Empty(t, s.rebuild(o).Messages, "doing it again changes nothing")
			require.Empty(t, s.complete(o).Parked)
			require.Len(t, s.stored(), 2+wantSent, "and nor does reporting again")
		})
	}
}

func TestRebuildAfterTheDataWasMended(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	bad := bob
	bad.Email = "nonsense"
	o := order(line("1", "course", bad, ada))
	require.Len(t, s.complete(o).Parked, 1)
	require.Len(t, s.rebuild(o).Parked, 1, "still defective: stays parked")
	o.Lines[0].Attendees[0].Email = bob.Email
	s.complete(o)
	require.Len(t, s.stored(outbox.StateParked), 1, "reporting again mends nothing")
	require.Len(t, s.rebuild(o).Messages, 1)
	require.Len(t, s.stored(outbox.StatePending), 2)
	require.Contains(t, string(s.stored(outbox.StatePending)[1].Profile), bob.Email)
}

func TestRebuildNamesTheMissingAttendees(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(amsbridge.Line{ID: "1", ProductID: "course", Quantity: 3, Attendees: []amsbridge.User{ada}})
	s.complete(o)
	eve := amsbridge.User{ID: "U-3", FirstName: "Eve", LastName: "E", Email: "eve@example.org"}
	o.Lines[0].Attendees = []amsbridge.User{ada, bob}
	require.Len(t, s.complete(o).Parked, 1)
	part := s.rebuild(o)
	require.Len(t, part.Messages, 1, "the one who is known now")
	require.Len(t, part.Parked, 1, "one is still missing")
	o.Lines[0].Attendees = []amsbridge.User{ada, bob, eve}
	full := s.rebuild(o)
	require.Len(t, full.Messages, 2)
	require.Empty(t, full.Parked)
	var people []string
	for _, m := range s.stored(outbox.StatePending) {
		people = append(people, m.Person)
	}
	require.ElementsMatch(t, []string{"U-1", "U-2", "U-3"}, people, "each once")
}

func TestRebuildOfWhatAPlatformRejected(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(line("1", "course"), line("2", "bundle"))
	s.complete(o)
	s.settleAll(outbox.StateParked, outbox.OutcomeRejected, nil)
	require.Len(t, s.rebuild(o).Parked, 3, "nothing was mended")
	require.Len(t, s.stored(), 3)

	s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
		p, answer, err := mapped(id)
		if id == "bundle" {
			p.RemoteProductID = "C-mended"
		}
		return p, answer, err
	}
	q := s.rebuild(o)
	require.Len(t, q.Messages, 1)
	require.Len(t, q.Parked, 2)
	pending := s.stored(outbox.StatePending)
	require.Len(t, pending, 1)
	require.Contains(t, string(pending[0].Facts), "C-mended")
}

// settleAll ends whatever is pending.
func (s *shop) settleAll(state outbox.State, outcome outbox.Outcome, receipt []byte) {
	s.t.Helper()
	for {
		token := outbox.NewToken()
		claim, err := s.store.Claim(s.t.Context(), outbox.ClaimRequest{Token: token, Lease: time.Minute, Limit: 100, DestinationLimit: 100})
		require.NoError(s.t, err)
		if len(claim.Leased) == 0 {
			return
		}
		var batch []outbox.Settlement
		for _, l := range claim.Leased {
			batch = append(batch, outbox.Settlement{Message: l.Message, Token: token, State: state, Outcome: outcome, Receipt: receipt})
		}
		acked, err := s.store.Settle(s.t.Context(), batch)
		require.NoError(s.t, err)
		require.Len(s.t, acked, len(batch))
	}
}

func TestStandingTellsWhereAPersonsProductsAre(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.complete(order(line("1", "course"), line("2", "dinner"), line("3", "nowhere")))
	standing, err := amsbridge.NewStanding(s.store)
	require.NoError(t, err)
	places, err := standing.Of(t.Context(), ada.ID)
	require.NoError(t, err)
	require.Len(t, places, 3)
	require.Equal(t, "C-1", places[0].RemoteProductID)
	require.Equal(t, amsbridge.PlaceQueued, places[0].State)
	require.EqualValues(t, 7, places[1].ShowKey)
	require.Equal(t, amsbridge.PlaceNeedsAttention, places[2].State)
	require.Equal(t, []string{"3"}, places[2].LineIDs)
	_, err = standing.Of(t.Context(), "")
	require.Error(t, err)
	s.settleAll(outbox.StateDelivered, outbox.OutcomeDelivered, amsbridge.Receipt{ProductURL: "https://learn.example.org/c-1"}.Encode())
	places, err = standing.Of(t.Context(), ada.ID)
	require.NoError(t, err)
	require.Equal(t, amsbridge.PlaceDelivered, places[0].State)
	require.Equal(t, "https://learn.example.org/c-1", places[0].ProductURL)
	require.False(t, places[0].Settled.IsZero())
	require.Equal(t, amsbridge.PlaceNeedsAttention, places[2].State)
	none, err := standing.Of(t.Context(), "u-1")
	require.NoError(t, err)
	require.Empty(t, none, "byte for byte")
}

func TestAssociationsWithTheSameOrderIDDoNotMeet(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	acme := order(line("1", "late"), line("2", "course"))
	acme.Association = "acme"
	require.Len(t, s.complete(acme).Parked, 1)
	s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
		if id == "late" {
			return amsbridge.Product{RemoteProductID: "C-9"}, amsbridge.Offered, nil
		}
		return mapped(id)
	}
	beta := acme
	beta.Association = "beta"
	q := s.complete(beta)
	require.Len(t, q.Messages, 2, "beta's order is sound")
	require.Empty(t, q.Parked)
	require.Empty(t, s.rebuild(beta).Messages)
	require.Len(t, s.stored(outbox.StateParked), 1, "acme's is not beta's to rebuild")
	require.Len(t, s.rebuild(acme).Messages, 1)
}

// A catalogue that fails during a repeat does not turn it into a conflict.
func TestRepeatWhileTheCatalogueFailsIsHarmless(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	o := order(line("1", "workshop"), line("2", "dinner"))
	require.Len(t, s.complete(o).Messages, 1)
	s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
		if id == "dinner" {
			return amsbridge.Product{}, amsbridge.Unknown, errors.New("away")
		}
		return mapped(id)
	}
	q := s.complete(o)
	require.Empty(t, q.Parked)
	require.Len(t, q.Messages, 1)
	require.True(t, q.Messages[0].Duplicate)
	require.Len(t, s.stored(), 1)
}
