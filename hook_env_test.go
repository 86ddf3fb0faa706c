package amsbridge_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// shop is a hook on a store in memory.
type shop struct {
	t       *testing.T
	store   *outboxtest.Memory
	catalog catalogFunc
	hook    *amsbridge.Hook[*outboxtest.Tx]
}

type catalogFunc func(id string) (amsbridge.Product, amsbridge.Offering, error)

func (f *catalogFunc) Lookup(_ context.Context, id string) (amsbridge.Product, amsbridge.Offering, error) {
	return (*f)(id)
}

var products = map[string]amsbridge.Product{
	"course":   {ID: "course", RemoteProductID: "C-1"},
	"course-2": {ID: "course-2", RemoteProductID: "C-2"},
	"workshop": {ID: "workshop", ShowKey: 7, AddOnKeys: []int64{9985}},
	"dinner":   {ID: "dinner", ShowKey: 7, AddOnKeys: []int64{10342, 9985}},
	"other":    {ID: "other", ShowKey: 8, AddOnKeys: []int64{1}},
	"bundle":   {ID: "bundle", RemoteProductID: "C-3", ShowKey: 7, AddOnKeys: []int64{5}},
	"broken":   {ID: "broken", ShowKey: 7},
}

func mapped(id string) (amsbridge.Product, amsbridge.Offering, error) {
	if id == "book" {
		return amsbridge.Product{}, amsbridge.NotOffered, nil
	}
	if p, ok := products[id]; ok {
		return p, amsbridge.Offered, nil
	}
	return amsbridge.Product{}, amsbridge.Unknown, nil
}

func newShop(t *testing.T) *shop {
	s := &shop{t: t, store: outboxtest.NewMemory(outboxtest.MemoryConfig{}), catalog: mapped}
	var err error
	s.hook, err = amsbridge.NewHook(s.store, amsbridge.HookConfig{Catalog: &s.catalog})
	require.NoError(t, err)
	return s
}

var (
	ada = amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"}
	bob = amsbridge.User{ID: "U-2", FirstName: "Bob", LastName: "Builder", Email: "bob@example.org"}
)

func order(lines ...amsbridge.Line) amsbridge.Order {
	return amsbridge.Order{ID: "1001", Buyer: ada, Lines: lines}
}

func line(id, product string, attendees ...amsbridge.User) amsbridge.Line {
	return amsbridge.Line{ID: id, ProductID: product, Quantity: max(1, len(attendees)), Attendees: attendees}
}

type report = func(context.Context, *outboxtest.Tx, amsbridge.Order) (*amsbridge.Queued, error)

func (s *shop) commit(f report, o amsbridge.Order) *amsbridge.Queued {
	s.t.Helper()
	tx := s.store.Begin()
	q, err := f(s.t.Context(), tx, o)
	require.NoError(s.t, err)
	require.NoError(s.t, tx.Commit())
	return q
}

func (s *shop) complete(o amsbridge.Order) *amsbridge.Queued {
	s.t.Helper()
	return s.commit(s.hook.OrderCompleted, o)
}

func (s *shop) rebuild(o amsbridge.Order) *amsbridge.Queued {
	s.t.Helper()
	return s.commit(s.hook.Rebuild, o)
}

// stored returns the messages of the order that are in one of the states.
func (s *shop) stored(states ...outbox.State) []outbox.Record {
	s.t.Helper()
	all, err := s.store.Find(s.t.Context(), outbox.Query{Subject: "1001", States: states})
	require.NoError(s.t, err)
	return all
}
