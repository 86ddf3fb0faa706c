package amsbridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

// The exchange was reported while the catalogue did not know the new product. The shop reports the same again.
func TestAnExchangeOfAnUnmappedProductIsMendedByReportingAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Version = 1
		e.report(o)
		e.pass(time.Minute)
		o = order("1001", "t-shirt")
		o.Version = 2
		e.report(o)
		e.report(o)
		t.Log(e.tasks())
		e.catalog["t-shirt"] = amsbridge.Product{ID: "t-shirt", RemoteProductID: "r9"}
		e.report(o) // the nightly report: the order did not change, nor its version
		e.pass(time.Minute)
		t.Log(e.tasks())
		require.Equal(t, []string{"anna r9"}, e.platform.everything())
	})
}

func TestAnExchangeThatWaitsSurvivesAnOldWebhook(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		old := order("1001", "gala")
		old.Version = 1
		e.report(old)
		e.pass(time.Minute)
		o := order("1001", "t-shirt")
		o.Version = 2
		e.report(o)
		old.Version = 0
		e.report(old)
		e.catalog["t-shirt"] = amsbridge.Product{ID: "t-shirt", RemoteProductID: "r9"}
		e.report(o)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna r9"}, e.platform.everything())
	})
}

func TestAnExchangeNeedsARisingVersion(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		o := order("1001", "workshop")
		require.Len(t, e.report(o).NeedsStaff(), 1)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
		o.Version = 1
		require.Equal(t, []string{"1 anna taking back", "1 anna queued"}, did(e.report(o)))
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/9"}, e.platform.everything())
		require.Empty(t, e.tasks())
	})
}

func TestAnExchangeWaitsForItsMapping(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.report(order("1001", "gala"))
		e.pass(time.Minute)
		o := order("1001", "t-shirt")
		for o.Version = 1; o.Version < 3; o.Version++ {
			require.Len(t, e.report(o).NeedsStaff(), 1)
			require.Len(t, e.tasks(), 1)
			e.pass(time.Minute)
			require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
		}
		e.catalog["t-shirt"] = amsbridge.Product{ID: "t-shirt", RemoteProductID: "r9"}
		e.report(o)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna r9"}, e.platform.everything())
		require.Empty(t, e.tasks())
	})
}
