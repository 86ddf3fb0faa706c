package outbox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is read next, and until when nothing need be: each case changes what matters of a sender at rest.
func TestSchedule(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	in := func(d time.Duration) time.Time { return now.Add(d) }
	for name, c := range map[string]struct {
		change func(v *view)
		want   readKind
		until  time.Time // of readNothing
	}{
		"at rest, the next poll":         {func(*view) {}, readNothing, in(time.Second)},
		"something falls due before":     {func(v *view) { v.dueAt = in(time.Millisecond) }, readNothing, in(time.Millisecond)},
		"late ones are looked for":       {func(v *view) { v.lateAt = in(2 * time.Millisecond) }, readNothing, in(2 * time.Millisecond)},
		"a destination opens":            {func(v *view) { v.opensAt = in(3 * time.Millisecond) }, readNothing, in(3 * time.Millisecond)},
		"due":                            {func(v *view) { v.dueAt = now }, readDue, time.Time{}},
		"more that is due":               {func(v *view) { v.duePage = true }, readDue, time.Time{}},
		"more of a key":                  {func(v *view) { v.keys = 1 }, readKey, time.Time{}},
		"more of a destination":          {func(v *view) { v.destinations = 1 }, readDestination, time.Time{}},
		"a probe":                        {func(v *view) { v.probes = 1 }, readProbe, time.Time{}},
		"new shards":                     {func(v *view) { v.shards = 1 }, readShards, time.Time{}},
		"late":                           {func(v *view) { v.lateAt = now }, readLate, time.Time{}},
		"polled":                         {func(v *view) { v.pollAt = now }, readHead, time.Time{}},
		"woken":                          {func(v *view) { v.woken = true }, readHead, time.Time{}},
		"due goes before new shards":     {func(v *view) { v.dueAt, v.shards = now, 1 }, readDue, time.Time{}},
		"new shards go before new ones":  {func(v *view) { v.shards, v.woken = 1, true }, readShards, time.Time{}},
		"new shards go before a probe":   {func(v *view) { v.shards, v.probes = 1, 1 }, readShards, time.Time{}},
		"keys do not starve what is new": {func(v *view) { v.keys, v.woken, v.refills = 1, true, mostRefills }, readHead, time.Time{}},
		"nor do destinations":            {func(v *view) { v.destinations, v.pollAt, v.refills = 1, now, mostRefills }, readHead, time.Time{}},
		"but go on where nothing is":     {func(v *view) { v.keys, v.refills = 1, mostRefills }, readKey, time.Time{}},
		"a probe needs no room":          {func(v *view) { v.probes, v.room = 1, 0 }, readProbe, time.Time{}},
		"nothing else is read without":   {func(v *view) { v.room, v.keys, v.destinations, v.shards, v.woken = 0, 1, 1, 1, true }, readNothing, in(time.Second)},
		"nor while nothing is begun":     {func(v *view) { v.active, v.woken, v.probes, v.dueAt = false, true, 1, now }, readNothing, in(time.Second)},
		"which is no reason to spin":     {func(v *view) { v.active, v.pollAt = false, in(-time.Hour) }, readNothing, in(100 * time.Millisecond)},
		"nor is a full window":           {func(v *view) { v.room, v.pollAt = 0, in(-time.Hour) }, readNothing, in(100 * time.Millisecond)},

		// The four faults of the scheduler before.
		"little room, and all that was asked for came": {func(v *view) { v.room, v.headMore = 1, true }, readHead, time.Time{}},
		"due while there was no room":                  {func(v *view) { v.room, v.dueAt = 1, in(-time.Minute) }, readDue, time.Time{}},
		"room came while that was read":                {func(v *view) { v.dueAt, v.duePage, v.headMore = in(time.Second), true, true }, readDue, time.Time{}},
		"another's, once it is ours":                   {func(v *view) { v.shards, v.pollAt = 1, in(time.Hour) }, readShards, time.Time{}},
		"another's, committed late":                    {func(v *view) { v.lateAt, v.pollAt = now, in(time.Hour) }, readLate, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := view{now: now, active: true, room: 100, dueAt: in(time.Hour), lateAt: in(time.Hour), pollAt: in(time.Second)}
			c.change(&v)
			kind, until := schedule(v)
			require.Equal(t, c.want, kind)
			if kind == readNothing {
				require.Equal(t, c.until, until)
				require.True(t, until.After(now), "it never spins")
			}
		})
	}
}
