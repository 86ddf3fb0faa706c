package outboxtest_test

import (
	"testing"

	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

func TestSimulation(t *testing.T) {
	t.Parallel()
	outboxtest.Simulate(t, outboxtest.Simulation{Schedules: 2000}, openMemory)
}
