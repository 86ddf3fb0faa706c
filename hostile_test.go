package amsbridge_test

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// texts are what orders hold where a program expects a name, an address or an ID: at, over and far over
// every limit, in characters of one byte and of more, and what JSON makes six bytes of.
func texts() []string {
	return []string{
		"", " ", "x", "0", "null", "ä", "\x00", "\xff\xfe", "a\nb", "\u2028", "  padded ", "<b>\"'\\", "e@example.org",
		strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("ä", 128), strings.Repeat("€", 85), strings.Repeat("\"", 255),
		strings.Repeat("\x01", 255), strings.Repeat("<", 255), strings.Repeat("😀", 64), strings.Repeat("y", 4000),
		strings.Repeat("€", 300) + "@example.org", strings.Repeat("z", outbox.MaxPayload+1), strings.Repeat("\x01", outbox.MaxPayload/4),
	}
}

// hostile makes orders of such texts.
type hostile struct {
	*rand.Rand
	texts []string
}

func (h hostile) text() string { return h.texts[h.IntN(len(h.texts))] }

// some is mostly a sound text.
func (h hostile) some(sound string) string {
	if h.IntN(3) > 0 {
		return sound
	}
	return h.text()
}

func (h hostile) number() int {
	return []int{-1, 0, 1, 1, 1, 2, 3, 10_001, 1 << 40, math.MaxInt, math.MinInt}[h.IntN(11)]
}

func (h hostile) time() time.Time {
	return []time.Time{
		{}, {}, time.Unix(1_700_000_000, 0), time.Unix(1<<60, 0), time.Unix(-1<<60, 0), time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, 0),
	}[h.IntN(7)]
}

func (h hostile) user() amsbridge.User {
	return amsbridge.User{
		ID: amsbridge.UserID(h.some(fmt.Sprint("U-", h.IntN(4)))), FirstName: h.some("Anna"), LastName: h.some("A"),
		Email: h.some("anna@example.org"), MemberType: h.some(""),
	}
}

func (h hostile) order(products []string) amsbridge.Order {
	o := amsbridge.Order{
		ID: h.some("1001"), Buyer: h.user(), Version: int64(h.number()), UpdatedAt: h.time(), PlacedAt: h.time(), Backfill: h.IntN(2) == 0,
	}
	for i := range h.IntN(5) {
		l := amsbridge.Line{ID: fmt.Sprint(i) + h.some(""), ProductID: h.some(products[h.IntN(len(products))]), Quantity: h.number()}
		for range h.IntN(4) {
			l.Attendees = append(l.Attendees, h.user())
		}
		o.Lines = append(o.Lines, l)
	}
	return o
}

func (h hostile) refund(o amsbridge.Order) amsbridge.Refund {
	r := amsbridge.Refund{ID: "R" + h.some(fmt.Sprint(h.IntN(3))), OrderID: h.some(o.ID)}
	for _, l := range o.Lines {
		line := amsbridge.RefundLine{LineID: l.ID, Seats: max(0, h.number())}
		for i := range h.IntN(3) {
			line.People = append(line.People, amsbridge.UserID(fmt.Sprint("U-", i)+h.some("")))
		}
		r.Lines = append(r.Lines, line)
	}
	r.All = len(r.Lines) == 0
	return r
}

// What an order's data says is never an error of a paid checkout, however long or odd it is: it is told,
// and kept as a task; and what is sound goes on.
func TestNothingThatAnOrderSaysIsAnError(t *testing.T) {
	t.Parallel()
	catalog := catalogue()
	long := strings.Repeat("r", 255)
	catalog[long] = amsbridge.Product{ID: long, RemoteProductID: long}
	keys := make([]int64, 1999)
	for i := range keys {
		keys[i] = int64(1000 + i)
	}
	catalog["many add-ons"] = amsbridge.Product{ID: "many add-ons", ShowKey: math.MaxInt64, ShowPackageKey: math.MaxInt64, AddOnKeys: keys[:1500]}
	catalog["too many"] = amsbridge.Product{ID: "too many", ShowKey: 1, AddOnKeys: keys}
	catalog["over-long"] = amsbridge.Product{ID: "over-long", RemoteProductID: strings.Repeat("r", 256)}
	all := amsbridge.Product{ID: "all"}
	var products []string
	for id := range catalog {
		all.Includes, products = append(all.Includes, id), append(products, id)
	}
	catalog["all"] = all
	products = append(products, "all", "nowhere")
	for _, profileAtSend := range []bool{false, true} {
		for seed := range uint64(60) {
			h := hostile{rand.New(rand.NewPCG(seed, 14)), texts()}
			store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
			hook, err := amsbridge.NewHook(store, amsbridge.HookConfig{
				Catalog: catalog, Logger: slog.New(slog.DiscardHandler), ProfileAtSend: profileAtSend,
				NetQuantities: seed%2 == 0, FirstSeatIsBuyers: seed%3 == 0,
			})
			require.NoError(t, err)
			for range 12 {
				o := h.order(products)
				tx := store.Begin()
				var report *amsbridge.Report
				switch h.IntN(4) {
				case 0:
					report, err = hook.OrderRefunded(t.Context(), tx, h.refund(o))
				case 1:
					report, err = hook.RefundReversed(t.Context(), tx, "R"+h.some("1"), o)
				default:
					report, err = hook.OrderCompleted(t.Context(), tx, o)
				}
				require.NoError(t, err, "seed %d", seed)
				require.NotNil(t, report)
				require.NoError(t, tx.Commit())
			}
		}
	}
}

// What goes over a limit is told, and the rest of the order goes on.
func TestWhatGoesOverALimitIsToldAndTheRestIsSent(t *testing.T) {
	huge := strings.Repeat("x", outbox.MaxPayload+1)
	for name, c := range map[string]struct {
		change func(*amsbridge.Order)
		told   string // in the report
		has    []string
	}{
		"a name at Elevate":     {func(o *amsbridge.Order) { o.Lines[1].Attendees[0].FirstName = huge }, "first name", []string{"anna 7/9"}},
		"an address at Elevate": {func(o *amsbridge.Order) { o.Lines[1].Attendees[0].Email = huge + "@example.org" }, "email", []string{"anna 7/9"}},
		"a user ID":             {func(o *amsbridge.Order) { o.Lines[1].Attendees[0].ID = amsbridge.UserID(huge) }, "user ID", []string{"anna 7/9"}},
		"a product ID":          {func(o *amsbridge.Order) { o.Lines[1].ProductID = huge }, "product ID", []string{"anna 7/9"}},
		"a line ID":             {func(o *amsbridge.Order) { o.Lines[1].ID = huge }, "line ID", []string{"anna 7/9"}},
		"the order's ID":        {func(o *amsbridge.Order) { o.ID = huge }, "whose ID", nil},
		"a member type":         {func(o *amsbridge.Order) { o.Lines[1].Attendees[0].MemberType = huge }, "", []string{"anna 7/9", "berta r1"}},
		"lines": {func(o *amsbridge.Order) {
			for i := range outbox.MaxItems {
				o.Lines = append(o.Lines, amsbridge.Line{ID: fmt.Sprint("mug-", i), ProductID: "mug", Quantity: 1})
			}
		}, "", []string{"anna 7/9", "berta r1"}},
		"lines that are tasks": {func(o *amsbridge.Order) {
			for i := range outbox.MaxTasks + 1 {
				o.Lines = append(o.Lines, amsbridge.Line{ID: fmt.Sprint("odd-", i), ProductID: "gala", Quantity: 0})
			}
		}, "quantity", []string{"anna 7/9", "berta r1"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				o := order("1001", "workshop", "course")
				o.Lines[1].Attendees = []amsbridge.User{berta()}
				c.change(&o)
				for range 2 { // and once more, as reports come
					r := e.report(o)
					if c.told == "" {
						require.Empty(t, r.NeedsStaff())
						continue
					}
					require.NotEmpty(t, r.NeedsStaff())
					require.Contains(t, r.NeedsStaff()[0].Text, c.told)
				}
				require.Equal(t, c.told != "", len(e.tasks()) > 0)
				e.pass(time.Minute)
				require.Equal(t, c.has, e.platform.everything())
			})
		})
	}
}

// So is a refund.
func TestARefundOverALimitIsTold(t *testing.T) {
	huge := strings.Repeat("x", outbox.MaxPayload+1)
	for name, c := range map[string]struct {
		refund amsbridge.Refund
		told   string
		has    []string
	}{
		"its ID":     {amsbridge.Refund{ID: huge, OrderID: "1001", All: true}, "whose ID", []string{"anna 7/9", "berta 7/1"}},
		"an odd ID":  {amsbridge.Refund{ID: "R\x00", OrderID: "1001", All: true}, "whose ID", []string{"anna 7/9", "berta 7/1"}},
		"a user ID":  {amsbridge.Refund{ID: "R", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "2", People: []amsbridge.UserID{amsbridge.UserID(huge), "berta"}}}}, "user ID", []string{"anna 7/9"}},
		"seats":      {amsbridge.Refund{ID: "R", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "2", Seats: 20_001}}}, "say whose", []string{"anna 7/9", "berta 7/1"}},
		"a line ID":  {amsbridge.Refund{ID: "R", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: huge}, {LineID: "2"}}}, "which the order does not have", []string{"anna 7/9"}},
		"a state":    {manyLines(huge), "too large", []string{"anna 7/9", "berta 7/1"}},
		"many lines": {manyLines(""), "which the order does not have", []string{"anna 7/9"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *env) {
				o := order("1001", "workshop", "gala")
				o.Lines[1].Quantity, o.Lines[1].Attendees = 20_001, []amsbridge.User{berta()}
				e.report(o)
				e.pass(time.Minute)
				for range 2 {
					r := e.refund(c.refund)
					require.NotEmpty(t, r.Entries)
				}
				require.NotEmpty(t, e.tasks())
				found := false
				for _, text := range e.tasks() {
					found = found || strings.Contains(text, c.told)
				}
				require.True(t, found, e.tasks())
				e.pass(time.Minute)
				require.Equal(t, c.has, e.platform.everything())
				o.Version = 1
				r := e.reverse(c.refund.ID, o)
				require.NotEmpty(t, r.Entries)
				e.pass(time.Minute)
				require.Equal(t, []string{"anna 7/9", "berta 7/1"}, e.platform.everything())
			})
		})
	}
}

// manyLines is a refund of many lines that the order does not have, or of some with such IDs.
func manyLines(id string) amsbridge.Refund {
	r := amsbridge.Refund{ID: "R", OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "2"}}}
	for i := range outbox.MaxItems {
		if id != "" && i == 10 {
			break
		}
		r.Lines = append(r.Lines, amsbridge.RefundLine{LineID: fmt.Sprint("gone-", i, id)})
	}
	return r
}
