package outbox

import "bytes"

// Secret holds secret bytes, such as a key. The zero value is none. It shows nothing when printed,
// logged or encoded, inside other values too.
type Secret struct {
	reveal func() []byte // a function, since no printer looks into one
}

// NewSecret returns a secret with a copy of these bytes.
func NewSecret(b []byte) Secret {
	own := bytes.Clone(b)
	return Secret{func() []byte { return own }}
}

// repeats tells whether the secret is one repeated byte, such as a key that was never set.
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
