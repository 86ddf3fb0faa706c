package outbox

import (
	"cmp"
	"slices"
	"time"
)

// mostPerKey is the most messages of one ordering key that a sender keeps in memory.
const mostPerKey = 50

// backlog is what a sender has read and not recorded as in flight. It is bounded: of what does not fit, it
// remembers where it begins in the store.
type backlog struct {
	window, concurrency int
	keys                map[int64]*keyRows
	states              map[string]*destState
	// ring are the destinations with messages that may be recorded, in turn.
	ring []*destState
	// known are all messages that were read and not settled, those in flight included.
	known map[ID]struct{}
	// behind are destinations, and short ordering keys, of which more waits in the store.
	behind map[*destState]struct{}
	short  map[*keyRows]struct{}
	// owned tells what the session is to each shard.
	owned [Shards]ownership
	// suspects are ordering keys of which a message has its turn that is sent alone.
	suspects []*keyRows
	// probes are closed destinations of which the message that tests them was read.
	probes []*destState
}

// keyRows are messages of one ordering key.
type keyRows struct {
	key   int64
	to    *destState
	rows  []*Waiting // not recorded, by ID
	left  ID         // the first one that was left in the store; zero for none
	busy  bool       // some are in flight
	ready bool       // it stands in to.ready, or among the suspects
}

// suspect tells whether the message is sent alone.
func (w *Waiting) suspect() bool { return w.Lost >= SuspectAfter }

func newBacklog(window, concurrency int) backlog {
	return backlog{
		window: window, concurrency: concurrency, keys: map[int64]*keyRows{}, states: map[string]*destState{}, known: map[ID]struct{}{},
		behind: map[*destState]struct{}{}, short: map[*keyRows]struct{}{},
	}
}

// room is how many messages may be read.
func (b *backlog) room() int { return max(0, b.window-len(b.known)) }

// state returns the destination's state.
func (b *backlog) state(name string) *destState {
	d := b.states[name]
	if d == nil {
		d = &destState{name: name, concurrency: b.concurrency}
		d.speed.begin(time.Now())
		b.states[name] = d
	}
	return d
}

// keyOf returns the ordering key of a message that is sent by itself.
func (b *backlog) keyOf(w *Waiting) *keyRows {
	k := b.keys[w.Key]
	if k == nil {
		k = &keyRows{key: w.Key, to: b.state(w.Destination)}
		k.to.keys++
		b.keys[w.Key] = k
	}
	return k
}

// source is what a message was read for.
type source uint8

const (
	forAll source = iota
	forDestination
	forKey
)

// admit keeps a message, or notes that it was left in the store.
func (b *backlog) admit(w *Waiting, from source) {
	if _, ok := b.known[w.ID]; ok {
		return
	}
	d := b.state(w.Destination)
	k := b.keys[w.Key]
	fresh := w.Due.IsZero()
	full := len(b.known) >= b.window || d.room(b.window) <= 0
	switch {
	case d.closed(), fresh && d.dueLeft, from != forKey && full,
		from == forAll && fresh && d.left != 0 && w.ID >= d.left:
		b.leave(d, w)
		return
	case k == nil:
		k = b.keyOf(w)
	case from != forKey && k.left != 0 && w.ID >= k.left:
		return
	}
	last := len(k.rows) - 1
	switch {
	case full:
		k.left = first(k.left, w.ID)
	case len(k.rows) < d.perKey(b.window):
		b.insert(k, w)
	case w.ID < k.rows[last].ID: // the earlier goes first
		k.left = first(k.left, k.rows[last].ID)
		b.forget(k.rows[last].ID)
		k.rows = k.rows[:last]
		d.rows--
		b.insert(k, w)
	default:
		k.left = first(k.left, w.ID)
	}
	b.settleKey(k)
}

// insert puts a message among those of its ordering key.
func (b *backlog) insert(k *keyRows, w *Waiting) {
	at, _ := slices.BinarySearchFunc(k.rows, w, func(a, b *Waiting) int { return cmp.Compare(a.ID, b.ID) })
	k.rows = slices.Insert(k.rows, at, w)
	b.known[w.ID] = struct{}{}
	k.to.rows++
}

// putBack makes a message what it was before it was chosen.
func (b *backlog) putBack(w *Waiting) {
	k := b.keyOf(w)
	switch {
	case !b.holds(w.Key):
		b.forget(w.ID)
	case k.to.closed():
		b.forget(w.ID)
		b.leave(k.to, w)
	default:
		b.insert(k, w)
	}
	b.settleKey(k)
}

// first is the smaller of two IDs, of which zero is none.
func first(a, b ID) ID {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// leave notes that a message of the destination was left in the store.
func (b *backlog) leave(d *destState, w *Waiting) {
	if w.Due.IsZero() {
		d.left = first(d.left, w.ID)
	} else {
		d.dueLeft, d.dueMissed = true, true
	}
	b.behind[d] = struct{}{}
}

// leaveAll notes that fresh messages after an ID were passed over.
func (b *backlog) leaveAll(d *destState, after ID) {
	d.left = first(d.left, after+1)
	b.behind[d] = struct{}{}
}

// settleKey brings an ordering key's place in the queues up to date.
func (b *backlog) settleKey(k *keyRows) {
	d := k.to
	switch {
	case k.left != 0 && len(k.rows) < (d.perKey(b.window)+1)/2 && !d.closed():
		b.short[k] = struct{}{}
	default:
		delete(b.short, k)
	}
	if !k.busy && len(k.rows) > 0 && !k.ready && !d.closed() {
		k.ready = true
		if k.rows[0].suspect() {
			b.suspects = append(b.suspects, k)
		} else {
			d.ready = append(d.ready, k)
			b.line(d)
		}
	}
	if !k.busy && len(k.rows) == 0 && k.left == 0 && !k.ready && b.keys[k.key] == k {
		delete(b.keys, k.key)
		k.to.keys--
		b.tidy(k.to)
	}
}

// tidy forgets a destination of which there is nothing to be remembered.
func (b *backlog) tidy(d *destState) {
	if d.keys == 0 && d.workers == 0 && len(d.batches) == 0 && !d.inRing && !d.closed() && d.left == 0 && !d.dueLeft &&
		d.probe == nil && d.trouble.none() && !d.restUntil.After(time.Now()) {
		delete(b.states, d.name)
	}
}

// line puts a destination with work in the ring.
func (b *backlog) line(d *destState) {
	if !d.inRing {
		d.inRing = true
		b.ring = append(b.ring, d)
	}
}

// release ends what was in flight of an ordering key.
func (b *backlog) release(k *keyRows) {
	k.busy = false
	b.settleKey(k)
}

// forget drops a message: nothing is known of it any more.
func (b *backlog) forget(id ID) { delete(b.known, id) }

// close leaves in the store what waits for a destination, which is closed from now on.
func (b *backlog) close(d *destState, head ID) {
	for _, k := range d.ready {
		k.ready = false
	}
	d.ready = nil
	for _, k := range b.keys {
		if k.to == d {
			b.evict(k)
		}
	}
	b.leaveAll(d, head)
	d.dueLeft = true
}

// evict leaves an ordering key's messages in the store.
func (b *backlog) evict(k *keyRows) {
	for _, w := range k.rows {
		b.forget(w.ID)
		b.leave(k.to, w)
	}
	k.to.rows -= len(k.rows)
	if k.left != 0 {
		b.leaveAll(k.to, k.left-1)
	}
	k.rows, k.left = nil, 0
	b.settleKey(k)
}

// drop forgets what waits of a shard that is given back.
func (b *backlog) drop(shard int) {
	for _, k := range b.keys {
		if ShardOf(k.key) != shard {
			continue
		}
		for _, w := range k.rows {
			b.forget(w.ID)
		}
		k.to.rows -= len(k.rows)
		k.rows, k.left = nil, 0
		b.settleKey(k)
	}
	for d := range b.behind {
		if d.probe != nil && ShardOf(d.probe.Key) == shard {
			b.forget(d.probe.ID)
			d.probe = nil
		}
	}
}

// excepted are destinations whose fresh messages are not to be read with all others: they are closed, or
// earlier ones wait in the store.
func (b *backlog) excepted() []*destState {
	const most = 1000
	var out []*destState
	for d := range b.behind {
		if len(out) == most {
			break
		}
		out = append(out, d)
	}
	return out
}

// refillableKey returns an ordering key of which more is to be read, and may be kept.
func (b *backlog) refillableKey() *keyRows {
	for k := range b.short {
		if k.to.room(b.window) > 0 {
			return k
		}
	}
	return nil
}

// refillable returns a destination of which more is to be read.
func (b *backlog) refillable() *destState {
	if b.room() == 0 {
		return nil
	}
	for d := range b.behind {
		if !d.closed() && (d.left != 0 || d.dueLeft) && d.room(b.window) > d.rows {
			return d
		}
	}
	return nil
}

// testable returns a closed destination that one message may test now.
func (b *backlog) testable(now time.Time) *destState {
	for d := range b.behind {
		if d.probe == nil && d.mayProbe(now) {
			return d
		}
	}
	return nil
}

// probed returns a destination whose probe was read, and is or is not sent alone.
func (b *backlog) probed(alone bool) *destState {
	b.probes = slices.DeleteFunc(b.probes, func(d *destState) bool { return d.probe == nil })
	for _, d := range b.probes {
		if d.probe.suspect() == alone {
			return d
		}
	}
	return nil
}

// suspected returns an ordering key of which a message that is sent alone has its turn.
func (b *backlog) suspected() *keyRows {
	for len(b.suspects) > 0 {
		k := b.suspects[0]
		if !k.busy && len(k.rows) > 0 && k.rows[0].suspect() && !k.to.closed() {
			return k
		}
		b.suspects = b.suspects[1:] // it changed meanwhile
		k.ready = false
		b.settleKey(k)
	}
	return nil
}
