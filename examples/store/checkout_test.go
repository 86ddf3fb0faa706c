package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/examples/store/platforms"
	"github.com/amsbridge/amsbridge/examples/store/shop"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestOrderAndPushesAreOneTransaction(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		db, err := shop.OpenDatabase(t.Context(), dsn)
		require.NoError(t, err)
		defer func() { require.NoError(t, db.Close()) }()
		b, err := wire(t.Context(), db, platforms.Access{
			ElevateEndpoint: "http://127.0.0.1:1/", ElevateKey: "k", NotifiedBaseURL: "http://127.0.0.1:1/api", NotifiedAuthCode: "a", NotifiedCredentials: "c",
		}, outbox.SenderConfig{})
		require.NoError(t, err)
		till := shop.Till{DB: db, Hook: b.hook}
		stored := func(o shop.Order) (pushes, lines int) {
			records, err := b.store.Find(t.Context(), outbox.Query{Subject: o.ID})
			require.NoError(t, err)
			require.NoError(t, db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM shop_order_line WHERE order_id = $1`, o.ID).Scan(&lines))
			return len(records), lines
		}

		lost := shop.NewOrder(buyer(), "course-ethics", "event-gala")
		require.ErrorIs(t, placeAndRollBack(t.Context(), till, lost), errDeclined)
		pushes, lines := stored(lost)
		require.Zero(t, pushes)
		require.Zero(t, lines)

		kept := shop.NewOrder(buyer(), "course-ethics", "event-gala")
		q, err := till.Place(t.Context(), kept)
		require.NoError(t, err)
		require.Len(t, q.Entries, 2)
		_, err = till.Place(t.Context(), kept)
		require.ErrorIs(t, err, shop.ErrPlaced)
		pushes, lines = stored(kept)
		require.Equal(t, 2, pushes)
		require.Equal(t, 2, lines)
	})
}
