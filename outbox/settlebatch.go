package outbox

import "slices"

// outcomes are settlements that wait to be recorded, each with the run that it
// is of.
type outcomes struct {
	st []Settlement
	of []*batch
}

func (o *outcomes) len() int { return len(o.st) }

func (o *outcomes) add(b *batch, st *Settlement) {
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

// rotate puts the first n after the others.
func (o *outcomes) rotate(n int) {
	st, of := slices.Clone(o.st[:n]), slices.Clone(o.of[:n])
	o.st = append(slices.Clone(o.st[n:]), st...)
	o.of = append(slices.Clone(o.of[n:]), of...)
}

// copied is the same in other memory.
func (o *outcomes) copied() outcomes { return outcomes{slices.Clone(o.st), slices.Clone(o.of)} }

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
