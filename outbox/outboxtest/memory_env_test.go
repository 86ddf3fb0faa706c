package outboxtest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

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
		Corrupt:    m.Corrupt,
	}
}

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	outboxtest.Run(t, func(t *testing.T) outboxtest.Harness[*outboxtest.Tx] {
		t.Parallel()
		return openMemory(t)
	})
}
