package orders

import (
	"fmt"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/orders/model"
)

// compareTasks compares the open tasks of orders.
func (w *world) compareTasks() {
	open, err := w.Store.Tasks(w.ctx, outbox.TaskQuery{Limit: 10_000})
	w.must(err)
	is := map[model.Task]bool{}
	for _, t := range open {
		kind, _, _ := strings.Cut(t.ID, "-")
		if kind == "odd" {
			kind = string(model.Kept) // both stay until they are done
		}
		line := strings.Join(t.Items, ",")
		is[model.Task{Association: t.Association, Order: t.Subject, Line: line, Kind: model.Kind(kind)}] = true
	}
	want := w.model.Tasks()
	if diff := difference(is, want); diff != "" {
		w.fail("tasks of orders: %s", diff)
	}
}

// difference says what is there and should not be, and the other way round.
func difference[K comparable](is, want map[K]bool) string {
	var diff []string
	for k, yes := range is {
		if yes && !want[k] {
			diff = append(diff, fmt.Sprintf("%+v is there and should not be", k))
		}
	}
	for k, yes := range want {
		if yes && !is[k] {
			diff = append(diff, fmt.Sprintf("%+v is missing", k))
		}
	}
	slices.Sort(diff)
	return strings.Join(diff, "; ")
}

// finish lets everything come to its end, staff's work included, and compares what people have.
func (w *world) finish() {
	w.say("at the end")
	w.endOpen(true)
	w.lenient, w.down = true, false
	w.catchUp(amsbridge.Grant{})
	for round := range 10 {
		w.drained()
		parked := w.queued()
		if len(parked) == 0 {
			break
		}
		if round == 9 {
			w.fail("parked for ever: %v %s", parked[0].KeyParts, parked[0].Reason)
		}
		for _, r := range parked {
			switch {
			case w.isTask(r):
				w.judgeTask(r)
				w.act(Staff, r)
			case w.erased[person{r.Association(), amsbridge.UserID(r.Person)}]:
				w.must(w.operator.MarkDone(w.ctx, staff, r.ID, "seen"))
			default:
				w.act(Again, r)
			}
		}
	}
	has, owed := map[model.Owed]bool{}, map[model.Owed]bool{}
	for u := range w.has {
		has[u] = !w.erased[personOf(u)]
	}
	for u := range w.model.Owed() {
		owed[u] = !w.erased[personOf(u)]
	}
	if diff := difference(has, owed); diff != "" {
		w.fail("what people have: %s", diff)
	}
	w.compareTasks()
}

// judgeTask finds a task that asks staff to take what is owed, though nothing waits.
func (w *world) judgeTask(r outbox.Record) {
	owed := w.model.Owed()
	if givesByHand(r) {
		for _, u := range unitsIn(r.Message) {
			if !owed[u] {
				w.fail("staff are asked to give %v to %s, who is not owed it: %s", u.Unit, u.Person, r.Reason)
			}
		}
		return
	}
	for _, u := range w.byHand[r.Key] {
		if owed[u] && !w.erased[personOf(u)] {
			w.fail("staff are asked to take %v from %s, who is owed it: %s", u.Unit, u.Person, r.Reason)
		}
	}
}
