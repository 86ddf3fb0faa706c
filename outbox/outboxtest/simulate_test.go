package outboxtest_test

import (
	"testing"
	"time"

	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

func openMemory(*testing.T) outboxtest.Harness[*outboxtest.Tx] {
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	m := outboxtest.NewMemory(outboxtest.MemoryConfig{Now: c.time})
	return outboxtest.Harness[*outboxtest.Tx]{
		Store:      m,
		Begin:      func() (*outboxtest.Tx, error) { return m.Begin(), nil },
		BeginAt:    func(string) (*outboxtest.Tx, error) { return m.Begin(), nil },
		Commit:     (*outboxtest.Tx).Commit,
		Rollback:   (*outboxtest.Tx).Rollback,
		Advance:    c.advance,
		Concurrent: true,
	}
}

func TestSimulation(t *testing.T) {
	t.Parallel()
	outboxtest.Simulate(t, outboxtest.Simulation{Schedules: 2000}, openMemory)
}
