package wirejson

// Gap stands in an [Object] for a text that is filled in later, by its number.
type Gap int

// Layout is an object that was written once, with gaps: what changes from call
// to call is all that is left to write. It is safe for concurrent use.
type Layout struct {
	texts [][]byte // one more than gaps
	gaps  []Gap
	size  int
}

// Layout returns the object's.
func (o Object) Layout() (*Layout, error) {
	w := writer{b: make([]byte, 0, 256)}
	if err := w.object(o); err != nil {
		return nil, err
	}
	w.gap(0)
	w.gaps = w.gaps[:len(w.gaps)-1]
	return &Layout{w.texts, w.gaps, w.size}, nil
}

// Fill returns what [Object.Encode] would of the object with these texts in its
// gaps.
func (l *Layout) Fill(texts ...string) ([]byte, error) {
	size := l.size
	for _, s := range texts {
		size += len(s) + 2
	}
	w := writer{b: make([]byte, 0, size)}
	for i, g := range l.gaps {
		w.b = append(w.b, l.texts[i]...)
		if err := w.text(texts[g]); err != nil {
			return nil, err
		}
	}
	return append(w.b, l.texts[len(l.gaps)]...), nil
}
