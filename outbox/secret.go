package outbox

import "bytes"

// Secret is bytes that nobody is to see: a key. The zero value is none. It shows
// nothing when printed, logged or encoded, wherever it lies.
type Secret struct {
	reveal func() []byte // a function, since no printer looks into one
}

// NewSecret returns a secret that is a copy of these bytes.
func NewSecret(b []byte) Secret {
	own := bytes.Clone(b)
	return Secret{func() []byte { return own }}
}

// repeats tells of a secret that is one byte again and again, as that of a key
// that was never filled in is.
func (s Secret) repeats() bool {
	b := s.bytes()
	return len(b) > 0 && bytes.Count(b, b[:1]) == len(b)
}

func (s Secret) bytes() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}
