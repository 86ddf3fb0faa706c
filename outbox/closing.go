package outbox

import "time"

// closing brings the destinations' states up to what a beat tells that was sent at asked.
func (m *membership) closing(closed []Closed, asked time.Time) {
	now := time.Now()
	told := make(map[string]bool, len(closed))
	for _, c := range closed {
		told[c.Destination] = true
		if c.Destination == "" {
			continue
		}
		d := m.session.state(c.Destination)
		if d.changed.Before(asked) {
			m.closeFor(d, c, now)
			d.early = d.early || c.Probing && m.first
		}
	}
	m.pauseAll(told[""])
	for d := range m.run.closed {
		if !told[d.name] && d.shutting == 0 && d.changed.Before(asked) {
			m.open(d)
		}
	}
}

// closeFor closes a destination as the store tells.
func (r *run) closeFor(d *destState, c Closed, now time.Time) {
	if d.shutting > 0 {
		return // the store does not know the last of it
	}
	if c.ByOperator {
		c.For = MaxNextDue
	}
	if !d.closed() {
		d.shutUntil = now // it is closed for those that are put back
		r.session.close(d, r.session.head)
		r.shuttings++
		d.shut = r.shuttings
		r.dropBatches(d)
	}
	d.shutUntil, d.probing = now.Add(c.For+clockGrain), c.Probing
	r.closed[d] = struct{}{}
}

// open lets a destination be sent to again.
func (r *run) open(d *destState) {
	delete(r.closed, d)
	d.shutUntil, d.probing, d.early, d.testing, d.changed = time.Time{}, false, false, false, time.Now()
	if d.probe != nil {
		w := d.probe
		d.probe = nil
		r.session.putBack(w)
	}
	r.dueSoon = time.Now()
	wake(r.reader)
}
