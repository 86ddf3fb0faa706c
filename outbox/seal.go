package outbox

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Errors of [Sealer.Open]. They hold nothing of profile or key.
var (
	// ErrSealUnknown: the profile is sealed with a key, or in a form, that this program does not know;
	// a newer program may.
	ErrSealUnknown = errors.New("outbox: the profile is sealed with a key that this program does not have")
	// ErrSealBroken: the profile was changed, or was sealed for another message.
	ErrSealBroken = errors.New("outbox: the sealed profile does not open: it was changed, or is another message's")
	// ErrNotSealed: the profile is not sealed, and the sealer is strict.
	ErrNotSealed = errors.New("outbox: the profile is not sealed")
)

// SealKey is a key that seals profiles.
type SealKey struct {
	// ID identifies the key. It is stored, readable, before the sealed profile, and must never be used
	// for another key. 1 to 32 of [A-Za-z0-9._-].
	ID string
	// Key is 32 random bytes.
	Key Secret
}

// SealerConfig configures a [Sealer].
type SealerConfig struct {
	// Keys open what they sealed; the first one seals. Required; each ID once.
	Keys []SealKey
	// Strict refuses profiles that are not sealed. Set it once the last message from before sealing was
	// delivered: until then, whoever can write to the database can replace a sealed profile by one of
	// their own. Defaults to false.
	Strict bool
}

// Sealer encrypts the profiles of stored messages, so that whoever reads the database, its log or a
// backup learns no name and no e-mail address from them. It uses AES-256-GCM (NIST SP 800-38D) with
// random nonces of 96 bits. It is safe for concurrent use. A nil Sealer seals nothing and opens no
// sealed profile.
//
// A sealed profile is bound to the message's destination, key and person: moved to another message it
// does not open. Not protected are the message's facts and the length of the profile. Whoever can write
// to the database can still delete a profile and, unless Strict is set, replace it by one that is not
// sealed.
//
// To change keys: first append the new one and give all programs the new list; then put it first, in
// all of them; last remove the old one, once nothing that it sealed is in the queue, parked messages
// included. A program that meets a key it does not have leaves the message to one that does.
//
// One key may seal at most 2^32 profiles (SP 800-38D section 8.3). Nobody counts them, so change keys
// by the calendar: yearly is enough below 100 a second.
//
// A lost key makes unreadable only the profiles that it sealed and that are still in the queue. Their
// messages wait for it. To end that, append any other key with the lost one's ID: the messages are then
// parked.
type Sealer struct {
	keys   map[string]func() cipher.AEAD // functions, for no printer looks into them
	first  string
	strict bool
}

var sealKeyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

// sealKeySize makes it AES-256.
const sealKeySize = 32

// NewSealer returns a sealer, or an *amsbridge.InputError that names the bad field.
func NewSealer(cfg SealerConfig) (*Sealer, error) {
	if len(cfg.Keys) == 0 {
		return nil, check.Bad("outbox", "SealerConfig.Keys", "is empty")
	}
	s := &Sealer{keys: make(map[string]func() cipher.AEAD, len(cfg.Keys)), first: cfg.Keys[0].ID, strict: cfg.Strict}
	for i, k := range cfg.Keys {
		bad := func(field, problem string) (*Sealer, error) {
			return nil, check.Bad("outbox", fmt.Sprintf("SealerConfig.Keys[%d].%s", i, field), problem)
		}
		key := k.Key.bytes()
		switch {
		case !sealKeyID.MatchString(k.ID):
			return bad("ID", "is not of the form [A-Za-z0-9._-]{1,32}")
		case s.keys[k.ID] != nil:
			return bad("ID", "is a duplicate")
		case len(key) != sealKeySize:
			return bad("Key", "is not 32 bytes long")
		case k.Key.repeats():
			return bad("Key", "is one byte again and again, not random")
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return bad("Key", "cannot be used")
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return bad("Key", "cannot be used")
		}
		s.keys[k.ID] = func() cipher.AEAD { return aead }
	}
	return s, nil
}

// sealMark begins what is sealed, and nothing that this library writes
// otherwise. Its last byte is the version of the form: mark, one byte with the
// length of the key's ID, the ID, the nonce (12 bytes), the ciphertext with its
// tag (16 bytes more than the profile).
const sealMark = "\x00sealed\x01"

// Seal returns the message with its profile sealed for it, or unchanged without a profile. It does not
// check whether the profile is sealed already.
func (s *Sealer) Seal(m Message) Message {
	if s == nil || len(m.Profile) == 0 {
		return m
	}
	key := s.keys[s.first]()
	out := make([]byte, 0, len(sealMark)+1+len(s.first)+len(m.Profile)+key.Overhead())
	out = append(append(out, sealMark...), byte(len(s.first)))
	out = append(out, s.first...)
	m.Profile = key.Seal(out, nil, m.Profile, bindTo(out, m))
	return m
}

// Open returns the message with its profile as it was before [Sealer.Seal]. A message without a profile
// is unchanged, and so is one whose profile is not sealed, unless the sealer is strict. Errors:
// [ErrSealUnknown], [ErrSealBroken], [ErrNotSealed]; the returned profile is then nil.
func (s *Sealer) Open(m Message) (Message, error) {
	stored := m.Profile
	rest, sealed := bytes.CutPrefix(stored, []byte(sealMark))
	switch {
	case !sealed && bytes.HasPrefix(stored, []byte(sealMark[:len(sealMark)-1])):
		m.Profile = nil
		return m, ErrSealUnknown // another version of the form
	case !sealed && len(stored) > 0 && s != nil && s.strict:
		m.Profile = nil
		return m, ErrNotSealed
	case !sealed:
		return m, nil
	}
	m.Profile = nil
	if len(rest) == 0 {
		return m, ErrSealBroken
	}
	end := 1 + int(rest[0]) // a byte would begin anew after 255
	if len(rest) < end || !sealKeyID.Match(rest[1:end]) {
		return m, ErrSealBroken
	}
	id, rest := rest[1:end], rest[end:]
	var key func() cipher.AEAD
	if s != nil {
		key = s.keys[string(id)]
	}
	if key == nil {
		return m, ErrSealUnknown
	}
	profile, err := key().Open(nil, nil, rest, bindTo(stored[:len(stored)-len(rest)], m))
	if err != nil {
		return m, ErrSealBroken
	}
	m.Profile = profile
	return m, nil
}

// bindTo returns what a sealed profile is authenticated with: its head, and the
// message that it is for, joined so that no two messages give the same.
func bindTo(head []byte, m Message) []byte {
	out := slices.Grow(bytes.Clone(head), 12+len(m.Destination)+len(m.Key)+len(m.Person))
	for _, part := range []string{m.Destination, m.Key, m.Person} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part))) //nolint:gosec // at most 255
		out = append(out, part...)
	}
	return out
}
