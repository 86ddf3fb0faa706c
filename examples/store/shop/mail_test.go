package shop

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// taken is a platform that takes everything.
type taken struct{}

func (taken) Deliver(context.Context, outbox.Message) (outbox.Result, error) {
	return outbox.Result{}, nil
}

// announcement is the message that a delivered registration leaves.
func announcement(t *testing.T, db *Database) outbox.Message {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, sqlstore.Migrate(ctx, db.DB, db.Dialect))
	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db.DB, Dialect: db.Dialect})
	require.NoError(t, err)
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: Mapping()})
	require.NoError(t, err)
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: catalog})
	require.NoError(t, err)
	order := NewOrder(Members()[0].User, "course-ethics")
	_, err = Till{DB: db, Hook: hook}.Place(ctx, order)
	require.NoError(t, err)
	_, err = Till{DB: db, Hook: hook}.Place(ctx, order)
	require.ErrorIs(t, err, ErrPlaced)
	require.NoError(t, sqlstore.InTx(ctx, db.DB, nil, func(tx *sql.Tx) error {
		require.ErrorIs(t, insertOrder(ctx, tx, order), ErrPlaced)
		return nil
	}))
	pushes, err := store.Find(ctx, outbox.Query{Subject: order.ID})
	require.NoError(t, err)
	require.Len(t, pushes, 1)
	announcer, err := amsbridge.NewAnnouncer(amsbridge.AnnouncerConfig{Next: taken{}, To: ToMail})
	require.NoError(t, err)
	res, err := announcer.Deliver(ctx, pushes[0].Message)
	require.NoError(t, err)
	require.Len(t, res.Then, 1)
	return res.Then[0]
}

// An announcement may come twice. The mail goes out once.
func TestMailGoesOutOnce(t *testing.T) {
	t.Parallel()
	db, err := OpenDatabase(t.Context(), filepath.Join(t.TempDir(), "shop.sqlite"))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	m := announcement(t, db)
	for range 2 {
		_, err := Mailer{db}.Deliver(t.Context(), m)
		require.NoError(t, err)
	}
	letters, err := lettersTo(t.Context(), db, Members()[0])
	require.NoError(t, err)
	require.Len(t, letters, 1)
	require.Equal(t, "Ethics for Practitioners", letters[0].Seats[0].Product.Title)
	require.Equal(t, "/amsbridge/hand-off?product=course-ethics&to=elevate", letters[0].WalkIn())

	newer, odd := m, m
	newer.Version++
	_, err = Mailer{db}.Deliver(t.Context(), newer)
	require.ErrorIs(t, err, outbox.ErrNewerVersion)
	odd.Kind = "odd"
	_, err = Mailer{db}.Deliver(t.Context(), odd)
	var refused *outbox.DeliveryError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, outbox.OutcomeRejected, refused.Outcome)
}
