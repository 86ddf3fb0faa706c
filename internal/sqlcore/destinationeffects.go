package sqlcore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// effect is what a batch of settlements does to one destination.
type effect struct {
	hold, broken time.Duration
	pause        *outbox.Settlement
	resume       bool
	probe        bool
}

// effects are those of a batch, by destination.
type effects map[string]*effect

// hasEffect tells whether a settlement changes its destination.
func hasEffect(st *outbox.Settlement) bool {
	return st.Hold > 0 || st.Break > 0 || st.Pause != "" || st.Resume || st.ProbeAgain
}

func (e effects) add(st outbox.Settlement) {
	if !hasEffect(&st) {
		return
	}
	of := e[st.Message.Destination]
	if of == nil {
		of = &effect{}
		e[st.Message.Destination] = of
	}
	of.hold, of.broken, of.resume = max(of.hold, st.Hold), max(of.broken, st.Break), of.resume || st.Resume
	of.probe = of.probe || st.ProbeAgain
	if st.Pause != "" {
		of.pause = &st
	}
}

// apply writes them in the order of names, so that two batches do not wait for
// each other. A pause and a break beat a resumption of the same batch.
func (e effects) apply(ctx context.Context, s *Store, q Conn) error {
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if err := e[name].apply(ctx, s, q, []byte(name)); err != nil {
			return err
		}
	}
	return nil
}

func (e *effect) apply(ctx context.Context, s *Store, q Conn, name []byte) error {
	if e.probe {
		if err := later(ctx, q, s.sql["probe again"], s.now(), name); err != nil {
			return err
		}
	}
	if e.resume {
		if err := later(ctx, q, s.sql["resume itself"], name); err != nil {
			return err
		}
	}
	if e.pause != nil {
		err := later(ctx, q, s.sql["pause itself"], s.now(), name,
			outbox.CutText(e.pause.Pause, outbox.MaxReason), e.pause.ProbeEvery.Microseconds())
		if err != nil {
			return err
		}
	}
	if e.hold > 0 {
		if err := later(ctx, q, s.sql["hold"], s.now(), name, e.hold.Microseconds()); err != nil {
			return err
		}
	}
	if e.broken > 0 {
		if err := later(ctx, q, s.sql["break"], s.now(), name, e.broken.Microseconds()); err != nil {
			return err
		}
	}
	return nil
}
