package amsbridge

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// stateSigner signs small texts that a browser carries back to the shop: with
// what they are for, so that none serves for another purpose, and until when.
// It holds its key in a function only, where no formatting finds it.
type stateSigner struct {
	mac func(purpose, text string, until int64) []byte
	now func() time.Time
}

// The purposes of a signed state.
const (
	forWayBack = "way back"
	forSignOut = "sign out"
	forCart    = "cart"
)

func newStateSigner(key []byte, now func() time.Time) (*stateSigner, error) {
	if p := secretProblem(key); p != "" {
		return nil, check.Bad("amsbridge", "state key", p)
	}
	own := bytes.Clone(key)
	return &stateSigner{now: now, mac: func(purpose, text string, until int64) []byte {
		m := hmac.New(sha256.New, own)
		var n [8]byte
		for _, part := range []string{"amsbridge state", purpose, text} {
			binary.BigEndian.PutUint64(n[:], uint64(len(part)))
			m.Write(n[:])
			m.Write([]byte(part))
		}
		binary.BigEndian.PutUint64(n[:], uint64(until)) //nolint:gosec // all 64 bits are wanted
		m.Write(n[:])
		return m.Sum(nil)
	}}, nil
}

// sign returns the text and its proof, in characters that a URL takes as they
// are.
func (s *stateSigner) sign(purpose, text string, lifetime time.Duration) string {
	until := s.now().Add(lifetime).Unix()
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(until)) //nolint:gosec // all 64 bits are wanted
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(text)) + "." + enc.EncodeToString(append(n[:], s.mac(purpose, text, until)...))
}

// open returns the text of what [stateSigner.sign] returned for this purpose,
// while it lasts.
func (s *stateSigner) open(purpose, signed string) (text string, ok bool) {
	if len(signed) > 8<<10 {
		return "", false
	}
	first, second, _ := strings.Cut(signed, ".")
	b, err1 := base64.RawURLEncoding.Strict().DecodeString(first)
	proof, err2 := base64.RawURLEncoding.Strict().DecodeString(second)
	if err1 != nil || err2 != nil || len(proof) != 8+sha256.Size {
		return "", false
	}
	until := int64(binary.BigEndian.Uint64(proof)) //nolint:gosec // as it was written
	if !hmac.Equal(proof[8:], s.mac(purpose, string(b), until)) || s.now().Unix() >= until {
		return "", false
	}
	return string(b), true
}
