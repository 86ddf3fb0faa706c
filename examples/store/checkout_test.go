package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestOrderAndPushesAreOneTransaction(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		db, err := openDatabase(t.Context(), dsn)
		require.NoError(t, err)
		defer func() { require.NoError(t, db.close()) }()
		b, err := wire(t.Context(), db, access{
			ElevateEndpoint: "http://127.0.0.1:1/", ElevateKey: "k", NotifiedBaseURL: "http://127.0.0.1:1/", NotifiedAuthCode: "a", NotifiedCredentials: "c",
		}, outbox.SenderConfig{})
		require.NoError(t, err)
		till := till{db, b.hook}
		stored := func(o order) (pushes, lines int) {
			records, err := b.store.Find(t.Context(), outbox.Query{Subject: o.ID})
			require.NoError(t, err)
			all, err := linesOf(t.Context(), db, o.Buyer.ID)
			require.NoError(t, err)
			return len(records), len(all)
		}

		lost := order{ID: "W-1", Buyer: members[0], Products: []string{"course-ethics", "event-gala"}}
		require.ErrorIs(t, till.placeAndRollBack(t.Context(), lost), errDeclined)
		pushes, lines := stored(lost)
		require.Zero(t, pushes)
		require.Zero(t, lines)

		kept := order{ID: "W-3", Buyer: members[0], Products: []string{"course-ethics", "event-gala"}}
		q, err := till.place(t.Context(), kept)
		require.NoError(t, err)
		require.Len(t, q.Messages, 2)
		_, err = till.place(t.Context(), kept)
		require.ErrorIs(t, err, errPlaced)
		pushes, lines = stored(kept)
		require.Equal(t, 2, pushes)
		require.Equal(t, 2, lines)
	})
}
