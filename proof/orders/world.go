// Package orders proves what becomes of orders that change: random sequences of what shops report, of what
// staff, senders and platforms do and fail to do, are played on a store, and each thing that a platform
// gives or takes is compared with a plain model (package model) as it happens. Package rapid draws the
// sequences, and makes one that fails as small as it can.
package orders

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/orders/model"
)

// world is what one sequence is played in.
type world struct {
	*platforms
	*Engine
	ctx      context.Context
	shop     Shop
	operator *outbox.Operator
	mapped   mappings
	model    *model.Model
	senders  []*sender
	orders   []*shopOrder
	open     *transaction
	begun    []Session
	erased   map[person]bool
	count    *Counts
	steps    int     // events until now
	rest     []Event // that did not happen yet
	trace    []string
	failed   *Mismatch
}

// Counts is what was played.
type Counts struct {
	Sequences, Events, Replays, Swaps, Refunds, Reversals, Crashes, Faults int
	// ByKind, ByMode and ByFault count events that did something, ways of transactions, and calls of platforms.
	ByKind  [kinds]int
	ByMode  [modes]int
	ByFault [faults]int
}

// Mismatch is where the code and the model differ, or something failed.
type Mismatch struct {
	Problem string
	Trace   []string
}

// Error returns the problem and the sequence.
func (m *Mismatch) Error() string { return m.Problem + "\n" + strings.Join(m.Trace, "\n") }

// Play plays a sequence on an emptied engine.
func Play(ctx context.Context, e *Engine, s Sequence, count *Counts) (err error) {
	w := &world{
		Engine: e, ctx: ctx, mapped: mappings{}, model: model.New(), erased: map[person]bool{}, count: count,
		orders: newShopOrders(),
	}
	w.platforms = &platforms{
		world: w, has: map[model.Owed]bool{}, ever: map[model.Owed]bool{},
		touched: map[model.Owed]map[string]bool{},
		byHand:  map[string][]model.Owed{}, gone: map[model.Owed]bool{}, shaky: map[model.Owed]bool{},
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *Mismatch:
			err = p
		case runtime.Error:
			panic(p)
		default:
			err = &Mismatch{fmt.Sprint("panic: ", p), w.trace}
		}
	}()
	w.must(e.Reset())
	w.shop, err = e.Shop(amsbridge.HookConfig{
		Catalog: w.mapped, Now: w.Clock.Now, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		FirstSeatIsBuyers: s.FirstSeatIsBuyers, SwapsByHand: s.SwapsByHand,
	})
	w.must(err)
	key := outbox.NewSecret([]byte(strings.Repeat("0123456789", 4)))
	w.operator, err = outbox.NewOperator(e.Store, outbox.OperatorConfig{EraseKey: key})
	w.must(err)
	w.senders = []*sender{w.newSender("s0"), w.newSender("s1")}
	defer func() {
		for _, s := range w.begun {
			s.Rollback(ctx) // of one that has ended it does nothing
		}
	}()
	count.Sequences++
	w.model.FirstSeatIsBuyers, w.model.SwapsByHand = s.FirstSeatIsBuyers, s.SwapsByHand
	if s.FirstSeatIsBuyers || s.SwapsByHand {
		w.say("the first seat is the buyer's: %t; swaps by hand: %t", s.FirstSeatIsBuyers, s.SwapsByHand)
	}
	for w.rest = s.Events; len(w.rest) > 0; {
		event := w.rest[0]
		w.rest = w.rest[1:]
		w.happen(event)
	}
	w.finish()
	count.Swaps += w.model.Swaps
	return nil
}

func (w *world) say(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

func (w *world) fail(format string, args ...any) {
	w.failed = &Mismatch{fmt.Sprintf(format, args...), slices.Clone(w.trace)}
	panic(w.failed)
}

func (w *world) must(err error) {
	if err != nil {
		w.fail("error: %v", err)
	}
}

// view is what a report sees now.
func (w *world) view(order amsbridge.Order) model.View {
	arrived := map[model.Grant]bool{}
	for _, r := range w.find(outbox.Query{Subject: order.ID}) {
		g, err := amsbridge.DecodeGrant(r.Message)
		if err != nil || r.Kind != amsbridge.KindGive || r.Association() != order.Association {
			continue
		}
		switch r.State {
		case outbox.StateDelivered, outbox.StateAlreadyDone, outbox.StateMarkedDone:
			arrived[grantOf(g)] = true
		default:
			arrived[grantOf(g)] = false
		}
	}
	mapped := maps.Clone(w.mapped)
	return model.View{
		Mapping: mapped.plain, Arrived: func(g model.Grant) bool { return arrived[g] }, Now: w.Clock.Now(),
	}
}

func (w *world) find(q outbox.Query) []outbox.Record {
	q.Limit = 10_000
	all, err := w.Store.Find(w.ctx, q)
	w.must(err)
	return all
}

// happen lets an event happen.
func (w *world) happen(e Event) {
	before := len(w.trace)
	w.steps++
	switch e.Kind {
	case Report, Replay, Refund, Reverse, Remap, Strange:
		w.shopDoes(e)
	case Close:
		w.endOpen(e.N > 0)
	case Discard, MarkDone, Again, Staff, Erase:
		w.staffDoes(e)
	case Claim, Deliver:
		if e.Kind == Claim {
			w.senders[e.Person].claim(1 + e.N)
		} else {
			e.Person = w.busy(e.Person)
		}
		for range e.N + 1 {
			if len(w.senders[e.Person].hand) > 0 {
				e.Faults = w.deliver(e.Person, e.Faults)
			}
		}
	case Settle:
		w.senders[w.busy(e.Person%2)].settle(e.N == 5)
	case Crash:
		if i := w.busy(e.Person % 2); len(w.senders[i].hand)+len(w.senders[i].done) > 0 {
			w.crash(i)
		}
	case Work:
		w.down = e.N == 3 && len(e.Faults) > 3
		if w.down {
			w.say("  the platforms are down")
			w.count.Faults++
		}
		w.run(e.Person, 1+e.N, e.Faults)
	case Advance:
		const minute, hour = time.Minute, time.Hour
		by := []time.Duration{time.Second, minute, 3 * minute, hour, 3 * hour, 72 * hour}[e.N]
		w.Clock.Advance(by)
		w.catchUp(amsbridge.Grant{})
		w.say("%s pass", by)
	}
	if len(w.trace) > before {
		w.count.Events++
		w.count.ByKind[e.Kind]++
		w.compareTasks()
	}
}

// meanwhile lets the next event happen at once, if it is the shop's.
func (w *world) meanwhile() {
	if len(w.rest) == 0 {
		return
	}
	switch e := w.rest[0]; e.Kind {
	case Report, Replay, Refund, Reverse:
		w.rest = w.rest[1:]
		e.Mode = Commit
		w.say("    meanwhile:")
		w.happen(e)
	}
}

// busy is the number of a sender that has something in hand: this one, where that is so.
func (w *world) busy(i int) int {
	if s := w.senders[i]; len(s.hand)+len(s.done) == 0 {
		return 1 - i
	}
	return i
}
