package outboxtest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Read implements [outbox.Queue]. A limit that is not from 1 to 10,000 is an
// *amsbridge.InputError.
func (m *Memory) Read(ctx context.Context, r outbox.Reading) (outbox.Read, error) {
	if err := ctx.Err(); err != nil {
		return outbox.Read{}, err
	}
	if r.Limit < 1 || r.Limit > 10_000 {
		return outbox.Read{}, check.Bad("outboxtest", "Reading.Limit", "is not from 1 to 10,000")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, live := m.sessions[r.Session]; !live {
		return outbox.Read{}, outbox.ErrNoSession
	}
	now := m.clock()
	read := outbox.Read{LastDue: r.AfterDue, Last: r.After}
	wanted, byDue := wantedBy(&r), r.Due && !r.HasKey
	for _, row := range m.after(&r) {
		if byDue && row.due.After(now) || !byDue && r.UpTo > 0 && row.msg.ID > r.UpTo {
			break
		}
		read.LastDue, read.Last = row.due, row.msg.ID
		if !wanted(row) || row.due.After(now) {
			continue
		}
		read.Messages = append(read.Messages, row.waiting())
		if len(read.Messages) == r.Limit {
			read.More = true
			break
		}
	}
	if byDue && !read.More {
		read.NextDue = m.nextDue(r.Shards, now)
	}
	return read, nil
}

// after returns the rows that a reading goes through, in its order.
func (m *Memory) after(r *outbox.Reading) []*row {
	rows, order := m.fresh[r.Destination], byID
	switch {
	case r.HasKey:
		rows = m.keyed[r.Key]
	case r.Due:
		rows, order = m.putOff[r.Destination], byDue
	}
	last := &row{due: r.AfterDue}
	last.msg.ID = r.After
	i, found := slices.BinarySearchFunc(rows, last, order)
	if found {
		i++
	}
	return rows[i:]
}

// wantedBy tells which of the rows that a reading goes through it returns.
func wantedBy(r *outbox.Reading) func(*row) bool {
	var mine [outbox.Shards]bool
	for _, shard := range r.Shards {
		mine[shard] = true
	}
	except, known := toSet(r.Except), toSet(r.Known)
	return func(row *row) bool {
		return mine[outbox.ShardOf(row.key)] && !known[row.msg.ID] &&
			(r.Destination == "" || row.msg.Destination == r.Destination) && !except[row.msg.Destination]
	}
}

// nextDue returns the time until the next message of some shards falls due.
func (m *Memory) nextDue(shards []int, now time.Time) time.Duration {
	rows := m.putOff[""]
	i, _ := slices.BinarySearchFunc(rows, now, func(r *row, now time.Time) int {
		return cmp.Or(r.due.Compare(now), -1)
	})
	for _, r := range rows[i:] {
		if slices.Contains(shards, outbox.ShardOf(r.key)) {
			return min(r.due.Sub(now), outbox.MaxNextDue)
		}
	}
	return outbox.MaxNextDue
}

func (r *row) waiting() outbox.Waiting {
	w := outbox.Waiting{Message: clone(r.msg), Key: r.key, Due: r.due, Lost: r.lost}
	if r.broken {
		w.Message = outbox.Message{ID: r.msg.ID, Destination: r.msg.Destination}
		w.Broken = "the stored message is damaged"
	}
	return w
}
