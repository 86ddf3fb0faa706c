package outbox

import "time"

// probe finds a message that tests a closed destination: the first of the ordering key whose turn it is. Fresh
// messages go before due ones, so that not the same few are tried again and again.
func (f *reader) probe(req *Reading, now time.Time) func(Read) {
	d := f.session.testable(now)
	req.Limit = 1
	if key, ok := d.probeKey, d.hasProbeKey; ok {
		req.Key, req.HasKey, req.Shards = key, true, []int{ShardOf(key)}
		return func(got Read) {
			d.hasProbeKey = false
			if d.closed() && (len(got.Messages) == 0 || !f.mayTest(d, &got.Messages[0])) {
				d.shutUntil = now.Add(f.cfg.Poll)
			}
		}
	}
	req.Destination, req.Due = d.name, d.probeDue
	return func(got Read) {
		switch {
		case !d.closed(): // it was opened meanwhile
		case len(got.Messages) > 0:
			d.probeKey, d.hasProbeKey, d.probeDue = got.Messages[0].Key, true, false
		case !d.probeDue:
			d.probeDue = true
		default: // there is neither
			d.probeDue, d.early = false, false
			d.shutUntil = now.Add(f.cfg.Poll)
		}
	}
}

// mayTest makes a message its destination's probe, unless something of its ordering key is under way.
func (f *reader) mayTest(d *destState, w *Waiting) bool {
	s := f.session
	k := s.keys[w.Key]
	if _, known := s.known[w.ID]; known || k != nil && k.busy || !s.holds(w.Key) || w.Destination != d.name {
		return false
	}
	s.known[w.ID] = struct{}{}
	d.probe = w
	s.probes = append(s.probes, d)
	return true
}
