package orders

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/orders/model"
)

// platforms are both platforms with one ledger of what people have. Everything is judged as it happens.
type platforms struct {
	*world
	has     map[model.Owed]bool
	ever    map[model.Owed]bool            // was there once
	touched map[model.Owed]map[string]bool // keys of messages that may have reached the platform
	gone    map[model.Owed]bool            // surely not there
	lost    []model.Owed                   // by the last call
	shaky   map[model.Owed]bool            // see shake
	late    []model.Owed                   // takes that are on their way
	byHand  map[string][]model.Owed
	fault   Fault
	dead    bool                // the sender, by the fault
	owed    map[model.Owed]bool // when the call began
	lenient bool                // nothing is wrong any more
	down    bool
}

func unitsOf(g amsbridge.Grant) []model.Owed {
	var out []model.Owed
	for _, u := range itemOf(g.Item).Units {
		out = append(out, model.Owed{Association: g.Association, Person: g.User.ID, Unit: u})
	}
	return out
}

// Give implements [amsbridge.Platform].
func (e *platforms) Give(_ context.Context, g amsbridge.Grant) (outbox.Result, error) {
	units := unitsOf(g)
	e.say("    give %s %s (had %t, doubt %d): %s", g.User.ID, g.Item, g.Had, g.Doubt, e.fault)
	e.judgeHad(g, units)
	if err := e.before(); err != nil {
		return outbox.Result{}, err
	}
	if !e.lenient && (g.Item.RemoteProductID == wrong || slices.Contains(g.Item.AddOnKeys, wrongKey)) {
		return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "no such item"}
	}
	mail := !g.Backfill && !g.Had && g.Doubt == 0
	for i, u := range units {
		if e.fault == Partly && i > 0 {
			break
		}
		if e.fault != Lost {
			e.gain(u, mail && i == 0)
		}
	}
	e.catchUp(g)
	return outbox.Result{}, e.after(len(units))
}

// catchUp lets takes take effect that were on their way.
func (e *platforms) catchUp(after amsbridge.Grant) {
	e.late = slices.DeleteFunc(e.late, func(u model.Owed) bool {
		if after.User.ID != "" && u.Person != after.User.ID {
			return false
		}
		delete(e.has, u)
		return true
	})
}

// Take implements [amsbridge.Platform].
func (e *platforms) Take(_ context.Context, g amsbridge.Grant) (outbox.Result, error) {
	e.catchUp(g)
	units := unitsOf(g)
	for _, u := range units {
		if e.gone[u] {
			e.fail("%s is to lose %v, which was surely taken before", u.Person, u.Unit)
		}
	}
	e.say("    take %s %s: %s", g.User.ID, g.Item, e.fault)
	if err := e.before(); err != nil {
		return outbox.Result{}, err
	}
	var byHand, called []model.Owed
	for _, u := range units {
		if u.Unit.Product != "" || u.Unit.AddOn == 0 {
			byHand = append(byHand, u)
		} else {
			called = append(called, u)
		}
	}
	if e.fault == Behind && len(called) > 0 {
		e.late = append(e.late, called...)
		return outbox.Result{}, e.after(len(called))
	}
	for i, u := range called {
		if e.fault != Lost && (e.fault != Partly || i == 0) {
			e.lose(u)
			e.lost = append(e.lost, u)
		}
	}
	if len(called) > 0 {
		if err := e.after(len(called)); err != nil {
			return outbox.Result{}, err
		}
	}
	if len(byHand) > 0 {
		e.byHand[g.Key] = byHand
		var texts []string
		for _, u := range byHand {
			texts = append(texts, fmt.Sprint(u.Unit))
		}
		task := "cancel " + strings.Join(texts, ", ")
		return outbox.Result{}, &amsbridge.ByHandError{Task: task, Partly: len(called) > 0}
	}
	return outbox.Result{}, nil
}

// before is what befalls a call before it takes effect.
func (e *platforms) before() error {
	e.owed = e.model.Owed()
	if e.fault == Meanwhile {
		e.meanwhile()
	}
	e.count.ByFault[e.fault]++
	switch {
	case e.down, e.fault == Refused:
		return &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable, Reason: "refused"}
	case e.fault == DiesEre:
		return e.died()
	}
	return nil
}

// died ends the sender in the middle of a call. Nobody gets the error.
func (e *platforms) died() error {
	e.dead = true
	return errors.New("the sender died")
}

// after is what befalls a call after it took effect.
func (e *platforms) after(units int) error {
	switch e.fault {
	case DiesThen:
		return e.died()
	case Lost, Unheard, Behind:
		return &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown, Reason: "no answer"}
	case Partly:
		if units > 1 {
			return &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable, Partly: true, Reason: "a part"}
		}
	}
	return nil
}

func (e *platforms) gain(u model.Owed, mail bool) {
	if !e.has[u] && !e.owed[u] && !e.model.Owed()[u] {
		e.fail("%s was given %v, and is not owed it", u.Person, u.Unit)
	}
	if mail && e.ever[u] && !e.erased[personOf(u)] {
		e.fail("%s was mailed about %v a second time", u.Person, u.Unit)
	}
	e.has[u], e.ever[u] = true, true
}

func (e *platforms) lose(u model.Owed) {
	if e.owed[u] && e.model.Owed()[u] {
		e.fail("%s lost %v, and is owed it", u.Person, u.Unit)
	}
	delete(e.has, u)
}

// judgeHad finds a mail that was left out though nothing came before.
func (e *platforms) judgeHad(g amsbridge.Grant, units []model.Owed) {
	if g.Had && !slices.ContainsFunc(units, func(u model.Owed) bool {
		return len(e.touched[u]) > 1 || len(e.touched[u]) == 1 && !e.touched[u][g.Key]
	}) {
		e.fail("%s is not mailed about %s, which was never sent before", g.User.ID, g.Item)
	}
}

type person struct {
	association string
	id          amsbridge.UserID
}

func personOf(u model.Owed) person { return person{u.Association, u.Person} }
