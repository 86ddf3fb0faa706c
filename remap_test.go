package amsbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestADeliveredLineKeepsItsMapping(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "course"))
		e.pass(time.Minute)
		e.catalog["course"] = amsbridge.Product{ID: "course", RemoteProductID: "r3"}
		r := e.report(order("1001", "course"))
		require.Equal(t, amsbridge.DidRemapped, r.Entries[0].Did)
		require.Equal(t, "the product's mapping would give product r3, would not give product r1", r.Entries[0].Text)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna r1"}, e.platform.everything())
		require.Empty(t, e.queue())
	})
}

func TestAWrongMappingIsMendedByReportingAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.platform.answer = func(call string) (bool, error) {
			if call == "give anna r1" {
				return false, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "no such product"}
			}
			return true, nil
		}
		e.report(order("1001", "course"))
		e.pass(time.Minute)
		require.Equal(t, []string{"parked give anna product r1"}, e.queue())
		e.catalog["course"] = amsbridge.Product{ID: "course", RemoteProductID: "r3"}
		require.Equal(t, []string{"1 anna taking back", "1 anna queued"}, did(e.report(order("1001", "course"))))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna r3"}, e.platform.everything())
		require.Empty(t, e.queue())
	})
}

func TestOneWrongPartOfABundleIsMended(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.platform.answer = func(call string) (bool, error) {
			if call == "give anna r1" {
				return false, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "no such product"}
			}
			return true, nil
		}
		e.report(order("1001", "membership"))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
		e.catalog["course"] = amsbridge.Product{ID: "course", RemoteProductID: "r3"}
		require.Equal(t, []string{"1 anna taking back", "1 anna unchanged", "1 anna queued"}, did(e.report(order("1001", "membership"))))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1", "anna r3"}, e.platform.everything())
		// What a mapping adds to what was delivered is told alone.
		e.catalog["membership"] = amsbridge.Product{ID: "membership", Includes: []string{"course", "gala", "workshop"}}
		r := e.report(order("1001", "membership"))
		require.Equal(t, amsbridge.DidRemapped, r.Entries[0].Did)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1", "anna r3"}, e.platform.everything())
	})
}

func TestAnUnknownMappingIsATaskUntilItIsKnown(t *testing.T) {
	for name, product := range map[string]amsbridge.Product{
		"shop only": {ID: "t-shirt"}, "mapped": {ID: "t-shirt", RemoteProductID: "r9"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				r := e.report(order("1001", "t-shirt"))
				require.Equal(t, []string{"1 needs staff"}, did(r))
				require.Contains(t, r.Entries[0].Text, "unknown mapping")
				require.Len(t, e.tasks(), 1)
				e.report(order("1001", "t-shirt"))
				require.Len(t, e.tasks(), 1)
				e.catalog["t-shirt"] = product
				e.report(order("1001", "t-shirt"))
				require.Empty(t, e.tasks())
				e.pass(time.Minute)
				require.Empty(t, e.queue())
				require.Equal(t, product.OnElevate(), len(e.platform.everything()) == 1)
			})
		})
	}
}

func TestABetterProfileGoesWithTheNextTurn(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "course")
		o.Buyer.Email = "anna@"
		r := e.report(o)
		require.Equal(t, []string{"1 anna needs staff"}, did(r))
		require.Equal(t, "line 1: attendee's email is not an e-mail address", r.Entries[0].Text)
		require.Equal(t, []string{"1001: " + r.Entries[0].Text}, e.tasks())
		o.Buyer = anna()
		require.Equal(t, []string{"1 anna queued"}, did(e.report(o)))
		e.pass(time.Minute)
		require.Equal(t, []string{"give anna r1"}, e.platform.took())
		require.Empty(t, e.queue())
		require.Empty(t, e.tasks())
		o.Buyer.LastName = "Married"
		require.Equal(t, []string{"1 anna unchanged"}, did(e.report(o)))
		e.pass(time.Minute)
		require.Empty(t, e.platform.took())
	})
}

func TestAnItemWaitsForASoundAddressAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "membership")
		o.Buyer.Email = "anna@"
		require.Equal(t, []string{"1 anna needs staff", "1 anna queued"}, did(e.report(o)))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
		o.Lines[0].Quantity = 2
		e.report(o) // names nobody
		require.Len(t, e.tasks(), 2)
		o.Lines[0].Attendees = []amsbridge.User{anna()}
		require.Equal(t, []string{"1 anna unchanged", "1 anna queued", "1 needs staff"}, did(e.report(o)))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1", "anna r1"}, e.platform.everything())
		require.Len(t, e.tasks(), 1)
	})
}

func TestAPendingGiveKeepsItsSoundAddress(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		require.NoError(t, e.operator.Pause(t.Context(), staff, "elevate", "so"))
		o := order("1001", "course")
		e.report(o)
		o.Buyer.Email = ""
		require.Len(t, e.report(o).NeedsStaff(), 1)
		require.NoError(t, e.operator.Resume(t.Context(), staff, "elevate", "so"))
		e.pass(time.Minute)
		require.Equal(t, []amsbridge.User{anna()}, e.platform.users())
	})
}

func TestWhatBecameShopOnlyAfterItsDeliveryIsStillRefunded(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		e.catalog["gala"] = amsbridge.Product{ID: "gala"}
		require.Equal(t, []string{"1 anna remapped", "1 anna unchanged"}, did(e.report(order("1001", "gala"))))
		e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1", People: []amsbridge.UserID{"anna"}}}})
		e.pass(time.Minute)
		require.Empty(t, e.platform.everything())
		require.Empty(t, e.tasks())
	})
}
