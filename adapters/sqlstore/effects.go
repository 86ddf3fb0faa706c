package sqlstore

import (
	"context"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// effects are what a batch of settlements does to destinations.
type effects struct {
	hold   map[string]time.Duration
	pause  map[string]outbox.Settlement
	resume map[string]bool
}

func newEffects() effects {
	return effects{map[string]time.Duration{}, map[string]outbox.Settlement{}, map[string]bool{}}
}

func (e effects) add(st outbox.Settlement) {
	name := st.Message.Destination
	if st.Hold > 0 {
		e.hold[name] = max(e.hold[name], st.Hold)
	}
	if st.Pause != "" {
		e.pause[name] = st
	}
	if st.Resume {
		e.resume[name] = true
	}
}

// apply writes them in the order of names, so that two batches never wait for
// each other. A pause beats a resumption of the same batch.
func (e effects) apply(ctx context.Context, s *Store, q querier) error {
	for _, name := range sorted(e.resume) {
		if _, err := q.ExecContext(ctx, s.sql["resume itself"], []byte(name)); err != nil {
			return err
		}
	}
	for _, name := range sorted(e.pause) {
		st := e.pause[name]
		_, err := q.ExecContext(ctx, s.sql["pause itself"], s.now(), []byte(name),
			outbox.CutText(st.Pause, outbox.MaxReason), st.ProbeEvery.Microseconds())
		if err != nil {
			return err
		}
	}
	for _, name := range sorted(e.hold) {
		if _, err := q.ExecContext(ctx, s.sql["hold"], s.now(), []byte(name), e.hold[name].Microseconds()); err != nil {
			return err
		}
	}
	return nil
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
