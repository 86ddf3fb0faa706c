package outbox

// outcomes are settlements that wait to be recorded, each with the run that it
// is of.
type outcomes struct {
	st []Settlement
	of []*laneRun
}

func (o *outcomes) len() int { return len(o.st) }

func (o *outcomes) add(b *laneRun, st *Settlement) {
	o.st, o.of = append(o.st, *st), append(o.of, b)
}

// append moves what is in p.
func (o *outcomes) append(p *outcomes) {
	if o.len() == 0 {
		*o, *p = *p, *o
		return
	}
	o.st, o.of = append(o.st, p.st...), append(o.of, p.of...)
	p.cut(p.len())
}

// cut drops the first n.
func (o *outcomes) cut(n int) {
	left := copy(o.st, o.st[n:])
	copy(o.of, o.of[n:])
	clear(o.st[left:])
	clear(o.of[left:])
	o.st, o.of = o.st[:left], o.of[:left]
}

// firstLast puts the first after the others.
func (o *outcomes) firstLast() {
	st, of, last := o.st[0], o.of[0], o.len()-1
	copy(o.st, o.st[1:])
	copy(o.of, o.of[1:])
	o.st[last], o.of[last] = st, of
}

// split takes out those for which f is true.
func (o *outcomes) split(f func(i int) bool) (out outcomes) {
	var kept outcomes
	for i := range o.st {
		to := &kept
		if f(i) {
			to = &out
		}
		to.add(o.of[i], &o.st[i])
	}
	*o = kept
	return out
}
