package orders

import (
	"context"
	"slices"
)

// Smaller leaves events out of a sequence that fails, as long as it still fails, and returns what is left
// and how it fails.
func Smaller(ctx context.Context, e *Engine, s Sequence, why error) (Sequence, error) {
	try := func(less Sequence) bool {
		err := Play(ctx, e, less, &Counts{})
		if err != nil {
			s, why = less, err
		}
		return err != nil
	}
	with := func(events []Event) Sequence { return Sequence{events, s.FirstSeatIsBuyers, s.SwapsByHand} }
	try(Sequence{Events: s.Events})
	for before := 0; before != len(s.Events); {
		before = len(s.Events)
		for size := len(s.Events) / 2; size > 0; {
			changed := false
			for at := 0; at+size <= len(s.Events); {
				if try(with(slices.Delete(slices.Clone(s.Events), at, at+size))) {
					changed = true
				} else {
					at += size
				}
			}
			if !changed || size > 1 {
				size /= 2
			}
		}
		for i := range s.Events {
			for _, simpler := range []func(*Event){
				func(e *Event) { e.Mode = Commit }, func(e *Event) { e.Faults = nil }, func(e *Event) { e.Order = 0 },
				func(e *Event) { e.N = 0 }, func(e *Event) { e.Product = 0 }, func(e *Event) { e.Person = 0 },
				func(e *Event) { e.Faults = e.Faults[:len(e.Faults)/2] },
			} {
				less := slices.Clone(s.Events)
				simpler(&less[i])
				try(with(less))
			}
		}
	}
	return s, why
}
