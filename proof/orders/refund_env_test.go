package orders

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// refundEnv is a shop with orders of two people, the platforms as the deliveries
// leave them, and what must be there.
type refundEnv struct {
	*env
	orders    map[string]amsbridge.Order
	completed map[string]bool
	refunded  map[seat]bool
	refunds   []amsbridge.Refund
	leased    []lease
	// delivered is what the platforms have.
	delivered map[entitlement]bool
	// cancelled are the products whose registration a task asks a person to end.
	cancelled map[entitlement]bool
	checked   map[outbox.ID]bool
}

// seat is a person's place on a line.
type seat struct {
	order, line string
	person      amsbridge.UserID
}

// entitlement is a product or an add-on that a person has, as text.
type entitlement struct{ person, what string }

func addOn(person string, show, key int64) entitlement {
	return entitlement{person, fmt.Sprintf("show %d: %d", show, key)}
}

type lease struct {
	outbox.Leased
	token outbox.Token
}

func newRefundEnv(t tester, orders ...amsbridge.Order) *refundEnv {
	e := &refundEnv{
		env: newEnv(t, mapped), orders: map[string]amsbridge.Order{},
		completed: map[string]bool{}, refunded: map[seat]bool{}, checked: map[outbox.ID]bool{},
		delivered: map[entitlement]bool{}, cancelled: map[entitlement]bool{},
	}
	for _, o := range orders {
		e.orders[o.ID] = o
	}
	return e
}

// messages returns those of all orders.
func (e *refundEnv) messages() (out []outbox.Record) {
	for _, u := range []amsbridge.User{ada, bob} {
		out = append(out, e.find(outbox.Query{Person: string(u.ID)})...)
	}
	return out
}

func (e *refundEnv) keys() (out [][]string) {
	for _, r := range e.messages() {
		out = append(out, r.KeyParts)
	}
	return out
}

// paidFor is what the paid and unrefunded seats entitle people to, the lines that
// no platform is known for apart.
func (e *refundEnv) paidFor() map[entitlement]bool {
	out := map[entitlement]bool{}
	for id := range e.completed {
		for lineID, people := range seatsOf(e.orders[id]) {
			product, ok := products[lineOf(e.orders[id], lineID).ProductID]
			for _, u := range people {
				if !ok || e.refunded[seat{id, lineID, u.ID}] {
					continue
				}
				if product.OnElevate() {
					out[entitlement{string(u.ID), product.RemoteProductID}] = true
				}
				for _, k := range product.AddOnKeys {
					out[addOn(string(u.ID), product.ShowKey, k)] = true
				}
			}
		}
	}
	return out
}

// buy stores an order. No removal may wait then: a purchase does not stop one, as
// OrderRefunded says.
func (e *refundEnv) buy(id string) {
	if !e.completed[id] {
		e.drain()
	}
	e.commit(e.hook.OrderCompleted, e.orders[id])
	e.completed[id] = true
}

// refund gives back the seats that the refund names; nothing of an order that
// was not completed.
func (e *refundEnv) refund(r amsbridge.Refund) {
	if e.completed[r.OrderID] {
		for id, people := range seatsOf(e.orders[r.OrderID]) {
			for _, u := range people {
				if (len(r.LineIDs) == 0 || slices.Contains(r.LineIDs, id)) &&
					(len(r.Attendees) == 0 || slices.Contains(r.Attendees, u.ID)) {
					e.refunded[seat{r.OrderID, id, u.ID}] = true
				}
			}
		}
		e.refunds = append(e.refunds, r)
	}
	e.report(r)
}

func (e *refundEnv) report(r amsbridge.Refund) {
	tx := e.store.Begin()
	_, err := e.hook.OrderRefunded(e.Context(), tx, r)
	require.NoError(e, err)
	require.NoError(e, tx.Commit())
}

// reportAgain asks that refunds, reported again, take back nothing more.
func (e *refundEnv) reportAgain(refunds ...amsbridge.Refund) {
	before := e.keys()
	for _, r := range refunds {
		e.report(r)
	}
	require.Equal(e, before, e.keys(), "reported again, nothing more is taken back")
}

// claim leases up to so many messages.
func (e *refundEnv) claim(most int) {
	token := outbox.NewToken()
	req := outbox.ClaimRequest{Token: token, Lease: time.Hour, Limit: most, DestinationLimit: 100}
	claim, err := e.store.Claim(e.Context(), req)
	require.NoError(e, err)
	for _, l := range claim.Leased {
		e.leased = append(e.leased, lease{l, token})
	}
}

// settle ends the ith lease. arrived tells whether the platform did what it was
// asked.
func (e *refundEnv) settle(i int, state outbox.State, outcome outbox.Outcome, arrived bool) {
	l := e.leased[i]
	e.leased = slices.Delete(e.leased, i, i+1)
	if arrived {
		e.arrive(l.Message)
	}
	_, err := e.store.Settle(e.Context(), []outbox.Settlement{
		{Message: l.Message, Token: l.token, State: state, Outcome: outcome, Reason: "as the test says"},
	})
	require.NoError(e, err)
}

func (e *refundEnv) arrive(m outbox.Message) {
	switch m.Kind {
	case amsbridge.KindRegistration:
		reg, err := amsbridge.DecodeRegistration(m)
		require.NoError(e, err)
		has := entitlement{m.Person, reg.RemoteProductID}
		e.delivered[has] = true
		if !e.refunded[seat{m.Subject, m.Items[0], amsbridge.UserID(m.Person)}] {
			delete(e.cancelled, has) // bought again since
		}
	case amsbridge.KindAddOns:
		a, err := amsbridge.DecodeAddOns(m)
		require.NoError(e, err)
		for _, k := range a.Keys() {
			e.delivered[addOn(m.Person, a.ShowKey, k)] = true
		}
	case amsbridge.KindRemoveAddOns:
		a, err := amsbridge.DecodeRemoveAddOns(m)
		require.NoError(e, err)
		for _, k := range a.Keys() {
			delete(e.delivered, addOn(m.Person, a.ShowKey, k))
		}
	}
}

// drain delivers all that is not a task for a person; what is parked is sent
// again.
func (e *refundEnv) drain() {
	op, err := outbox.NewOperator(e.store, outbox.OperatorConfig{})
	require.NoError(e, err)
	for range 100 {
		for len(e.leased) > 0 {
			e.settle(0, outbox.StateDelivered, outbox.OutcomeDelivered, true)
		}
		for _, r := range e.messages() {
			if r.State == outbox.StateParked && !r.IsTask() {
				require.NoError(e, op.SendAgain(e.Context(), outbox.Actor{Name: "pat"}, r.ID, "mended"))
			}
		}
		e.claim(5)
		if len(e.leased) == 0 {
			return
		}
	}
	require.Fail(e, "it never ends")
}

// checkTaken checks what is new in the store: nothing that a paid seat entitles
// to is taken away.
func (e *refundEnv) checkTaken() {
	paidFor := e.paidFor()
	for _, r := range e.messages() {
		if e.checked[r.ID] {
			continue
		}
		e.checked[r.ID] = true
		for _, taken := range e.taken(r) {
			require.False(e, paidFor[taken], "%s of %s is paid for, and taken away by %v",
				taken.what, taken.person, r.KeyParts)
		}
	}
}

// taken returns what the message takes away, by a call or by a person's hand.
func (e *refundEnv) taken(r outbox.Record) (taken []entitlement) {
	switch r.Kind {
	case amsbridge.KindRemoveAddOns:
		a, err := amsbridge.DecodeRemoveAddOns(r.Message)
		require.NoError(e, err)
		for _, k := range a.Keys() {
			taken = append(taken, addOn(r.Person, a.ShowKey, k))
		}
	case amsbridge.KindRefundTask:
		var f struct {
			Product string  `json:"remote_product_id"`
			ShowKey int64   `json:"show_key"`
			Keys    []int64 `json:"add_on_keys"`
		}
		require.NoError(e, json.Unmarshal(r.Facts, &f))
		if f.Product != "" {
			taken = append(taken, entitlement{r.Person, f.Product})
			e.cancelled[taken[0]] = true
		}
		for _, k := range f.Keys {
			taken = append(taken, addOn(r.Person, f.ShowKey, k))
		}
	}
	return taken
}

// finish delivers what is left, and asks that people have and are shown what is
// paid for, and nothing else.
func (e *refundEnv) finish() {
	e.drain()
	e.checkTaken()
	e.reportAgain(e.refunds...)
	paidFor := e.paidFor()
	for p := range paidFor {
		require.True(e, e.delivered[p], "%s of %s is paid for and not there", p.what, p.person)
	}
	for d := range e.delivered {
		require.True(e, paidFor[d] || e.cancelled[d], "%s of %s is there and nobody pays for it", d.what, d.person)
	}
	require.Equal(e, paidFor, e.shown())
}

// shown is what the people's standings show.
func (e *refundEnv) shown() map[entitlement]bool {
	out := map[entitlement]bool{}
	standing, err := amsbridge.NewStanding(e.store)
	require.NoError(e, err)
	for _, u := range []amsbridge.User{ada, bob} {
		places, err := standing.Of(e.Context(), u.ID)
		require.NoError(e, err)
		for _, p := range places {
			if p.RemoteProductID != "" {
				out[entitlement{string(u.ID), p.RemoteProductID}] = true
			}
			for _, k := range p.AddOnKeys {
				out[addOn(string(u.ID), p.ShowKey, k)] = true
			}
		}
	}
	return out
}
