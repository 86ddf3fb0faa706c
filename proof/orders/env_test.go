// Package orders proves properties of orders, their repeats and their refunds:
// package rapid draws the cases, and makes one that fails as small as it can. The
// flags -rapid.checks and -rapid.seed ask for more of them, and for the same again.
package orders

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

func TestMain(m *testing.M) {
	// The command line, which is read later, may still ask for another number.
	if err := flag.Set("rapid.checks", "300"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

var (
	ada = amsbridge.User{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"}
	bob = amsbridge.User{ID: "U-2", FirstName: "Bob", LastName: "Builder", Email: "bob@example.org"}
)

// products are those that live on a platform. The shop sells a "book" too, which
// lives on none.
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

type catalog func(id string) (amsbridge.Product, amsbridge.Offering, error)

func (c catalog) Lookup(_ context.Context, id string) (amsbridge.Product, amsbridge.Offering, error) {
	return c(id)
}

// tester is a *testing.T or a *rapid.T.
type tester interface {
	require.TestingT
	Helper()
	Context() context.Context
}

// env is a shop's hook on a store in memory.
type env struct {
	tester
	store   *outboxtest.Memory
	catalog catalog
	hook    *amsbridge.Hook[*outboxtest.Tx]
}

func newEnv(t tester, c catalog) *env {
	t.Helper()
	// A clock that depends on nothing but the calls: a case must come out the same
	// each time, or it could not be made smaller.
	now := time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{Now: func() time.Time {
		now = now.Add(time.Microsecond)
		return now
	}})
	hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{Catalog: c})
	require.NoError(t, err)
	return &env{tester: t, store: store, catalog: c, hook: hook}
}

type report = func(context.Context, *outboxtest.Tx, amsbridge.Order) (*amsbridge.Queued, error)

func (e *env) commit(f report, o amsbridge.Order) *amsbridge.Queued {
	e.Helper()
	tx := e.store.Begin()
	q, err := f(e.Context(), tx, o)
	require.NoError(e, err)
	require.NoError(e, tx.Commit())
	return q
}

func (e *env) find(q outbox.Query) []outbox.Record {
	e.Helper()
	q.Limit = 10_000
	all, err := e.store.Find(e.Context(), q)
	require.NoError(e, err)
	return all
}

// stored returns the messages of the order that the properties of single orders
// are about.
func (e *env) stored() []outbox.Record { return e.find(outbox.Query{Subject: "1001"}) }

// seatsOf returns who has each seat of an order, by line; a seat of nobody has an
// empty user. A line of no quantity, or of more attendees than seats, has one.
func seatsOf(o amsbridge.Order) map[string][]amsbridge.User {
	all := map[string][]amsbridge.User{}
	for _, l := range o.Lines {
		people := l.Attendees
		switch {
		case l.Quantity < 1 || len(people) > l.Quantity:
			people = make([]amsbridge.User, 1)
		case l.Quantity == 1 && len(people) == 0:
			people = []amsbridge.User{o.Buyer}
		}
		all[l.ID] = append(slices.Clone(people), make([]amsbridge.User, max(0, l.Quantity-len(people)))...)
	}
	return all
}

func lineOf(o amsbridge.Order, id string) amsbridge.Line {
	return o.Lines[slices.IndexFunc(o.Lines, func(l amsbridge.Line) bool { return l.ID == id })]
}

// drawLines draws lines of these products, some of them for both Ada and Bob.
func drawLines(t *rapid.T, most int, of ...string) (lines []amsbridge.Line) {
	for i := range rapid.IntRange(1, most).Draw(t, "lines") {
		l := amsbridge.Line{ID: fmt.Sprint(i + 1), ProductID: rapid.SampledFrom(of).Draw(t, "product"), Quantity: 1}
		if rapid.Bool().Draw(t, "for both") {
			l.Quantity, l.Attendees = 2, []amsbridge.User{ada, bob}
		}
		lines = append(lines, l)
	}
	return lines
}
