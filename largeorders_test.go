package amsbridge_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

func TestLongRemoteProductIDsFit(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		e.catalog["long"] = amsbridge.Product{ID: "long", RemoteProductID: strings.Repeat("r", 250)}
		_, err := e.completed(order("1001", "long"))
		require.NoError(t, err)
	})
}

func TestHugeNamesAreCut(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Buyer.FirstName = strings.Repeat("x", 1<<20)
		_, err := e.completed(o)
		require.NoError(t, err)
	})
}

func TestMoreMessagesThanOneInsertionTakes(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "membership")
		o.Lines[0].Quantity = 6000
		for i := range 6000 {
			u := anna()
			u.ID = amsbridge.UserID("U-" + strings.Repeat("x", 3) + time.Unix(int64(i), 0).UTC().Format("150405"))
			o.Lines[0].Attendees = append(o.Lines[0].Attendees, u)
		}
		_, err := e.completed(o)
		require.NoError(t, err)
	})
}

// Every call takes any number of lines and people.
func TestManyLinesAndManyPeople(t *testing.T) {
	const many = 3000
	for name, fill := range map[string]func(o *amsbridge.Order){
		"lines": func(o *amsbridge.Order) {
			for i := range many {
				o.Lines = append(o.Lines, amsbridge.Line{ID: fmt.Sprintf("line-%d", i), ProductID: "gala", Quantity: 1})
			}
		},
		"unmapped lines": func(o *amsbridge.Order) {
			for i := range many {
				o.Lines = append(o.Lines, amsbridge.Line{ID: fmt.Sprintf("line-%d", i), ProductID: "nowhere", Quantity: 1})
			}
		},
		"attendees": func(o *amsbridge.Order) {
			o.Lines = []amsbridge.Line{{ID: "1", ProductID: "gala", Quantity: many}}
			for i := range many {
				o.Lines[0].Attendees = append(o.Lines[0].Attendees, person(fmt.Sprintf("U-%d", i)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				require.NoError(t, e.operator.Pause(t.Context(), staff, "notified", "so"))
				o := order("1001")
				fill(&o)
				require.Len(t, e.report(o).Entries, many)
				require.Len(t, e.report(o).Entries, many)
				o.Buyer.FirstName = "Ann"
				for i := range o.Lines[0].Attendees {
					o.Lines[0].Attendees[i].FirstName = "X"
				}
				require.Len(t, e.report(o).Entries, many)
				require.NotEmpty(t, e.refund(amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true}).Entries)
				require.NotEmpty(t, e.reverse("R-1", o).Entries)
			})
		})
	}
}

// An order that is too large at first is reported again, smaller.
func TestAnOrderTooLargeAtFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, e *env) {
		o := order("1001", "gala")
		o.Lines[0].Quantity = 130_000
		for i := range o.Lines[0].Quantity {
			o.Lines[0].Attendees = append(o.Lines[0].Attendees, person(fmt.Sprintf("U-%d", i)))
		}
		r, err := e.completed(o)
		require.NoError(t, err)
		require.Len(t, r.Entries, 1, "nothing is said to be queued that was not stored")
		require.Len(t, e.tasks(), 1)
		o.Lines[0].Quantity, o.Lines[0].Attendees = 1, []amsbridge.User{anna()}
		_, err = e.completed(o)
		require.NoError(t, err)
		e.pass(time.Minute)
		require.Equal(t, []string{"anna 7/1"}, e.platform.everything())
	})
}

type tripCounter struct {
	*outboxtest.Memory
	finds int
}

func (c *tripCounter) FindTx(ctx context.Context, tx *outboxtest.Tx, q outbox.Query) ([]outbox.Record, error) {
	c.finds++
	return c.Memory.FindTx(ctx, tx, q)
}

// A checkout's transaction does not make a query for each seat.
func TestRoundTripsDoNotGrowWithTheOrder(t *testing.T) {
	t.Parallel()
	store := &tripCounter{Memory: outboxtest.NewMemory(outboxtest.MemoryConfig{})}
	hook, err := amsbridge.NewHook[*outboxtest.Tx](store, amsbridge.HookConfig{Catalog: catalogue(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	require.NoError(t, err)
	do := func(what string, call func(tx *outboxtest.Tx) error) {
		store.finds = 0
		tx := store.Begin()
		require.NoError(t, call(tx))
		require.NoError(t, tx.Commit())
		t.Logf("%s: %d look-ups", what, store.finds)
		if store.finds > 10 {
			t.Errorf("%s: %d look-ups", what, store.finds)
		}
	}
	o := order("1001", "gala")
	o.Version = 1
	o.Lines[0].Quantity = 500
	for i := range 500 {
		o.Lines[0].Attendees = append(o.Lines[0].Attendees, person(fmt.Sprintf("U-%d", i)))
	}
	complete := func(tx *outboxtest.Tx) error { _, err := hook.OrderCompleted(t.Context(), tx, o); return err }
	do("first", complete)
	do("again", complete)
	for i := range 500 {
		o.Lines[0].Attendees[i].LastName = "other"
	}
	do("other names", complete)
	o.Version, o.Lines[0].ProductID = 2, "workshop"
	do("exchange", complete)
	o.Version = 3
	for i := range 500 {
		o.Lines[0].Attendees[i].ID += "-new"
	}
	do("swap", complete)
	do("refund", func(tx *outboxtest.Tx) error {
		_, err := hook.OrderRefunded(t.Context(), tx, amsbridge.Refund{ID: "R-1", OrderID: "1001", All: true})
		return err
	})
}
