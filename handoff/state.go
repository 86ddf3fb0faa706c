package handoff

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// stateSigner signs short texts that a browser carries back to the shop, each with its purpose, so that
// it works for no other, and the time until which it is accepted. A function holds the key, so that no
// printing shows it.
type stateSigner struct {
	mac func(payload []byte) []byte
	now func() time.Time
}

// The purposes of signed texts, each a single line.
const (
	forWayBack = "way back"
	forSignOut = "sign out"
)

// maxSigned is the longest signed text: the longest way back, with every byte of its parameters escaped, is shorter.
const maxSigned = 16 << 10

func newStateSigner(key []byte, now func() time.Time) (*stateSigner, error) {
	if p := check.Secret(key); p != "" {
		return nil, check.Bad("handoff", "Config.StateKey", p)
	}
	own := bytes.Clone(key)
	return &stateSigner{now: now, mac: func(payload []byte) []byte {
		m := hmac.New(sha256.New, own)
		m.Write([]byte("amsbridge state\n")) // apart from what else the shop signs with this key
		m.Write(payload)
		return m.Sum(nil)
	}}, nil
}

// keepStateKeyApart refuses a StateKey that a platform knows, now and at each change of a ring.
func (cfg *Config) keepStateKeyApart() error {
	if cfg.SSO == nil {
		return nil
	}
	own := ssokeys.VerificationKey{Secret: bytes.Clone(cfg.StateKey)}
	apart := func(keys []ssokeys.VerificationKey) error {
		for i, k := range keys {
			if own.Equal(k) {
				return check.Bad("handoff", fmt.Sprintf("keys[%d].Key.Secret", i), "is the StateKey of the hand-offs")
			}
		}
		return nil
	}
	for _, ring := range cfg.SSO.Rings() {
		if ring.Obey(apart) != nil {
			return check.Bad("handoff", "Config.StateKey", "is a secret that an audience of the SSO shares with a platform")
		}
	}
	return nil
}

// sign returns the text and its signature, in characters that a URL need not escape.
func (s *stateSigner) sign(purpose, text string, lifetime time.Duration) string {
	payload := fmt.Appendf(nil, "%s\n%d\n%s", purpose, s.now().Add(lifetime).Unix(), text)
	enc := base64.RawURLEncoding
	return enc.EncodeToString(payload) + "." + enc.EncodeToString(s.mac(payload))
}

// open returns the text if it was signed for this purpose and is still accepted.
func (s *stateSigner) open(purpose, signed string) (text string, ok bool) {
	if len(signed) > maxSigned {
		return "", false
	}
	first, second, _ := strings.Cut(signed, ".")
	payload, err1 := base64.RawURLEncoding.Strict().DecodeString(first)
	proof, err2 := base64.RawURLEncoding.Strict().DecodeString(second)
	if err1 != nil || err2 != nil || !hmac.Equal(proof, s.mac(payload)) {
		return "", false
	}
	parts := strings.SplitN(string(payload), "\n", 3)
	if len(parts) != 3 || parts[0] != purpose {
		return "", false
	}
	until, err := strconv.ParseInt(parts[1], 10, 64)
	return parts[2], err == nil && s.now().Unix() < until
}
