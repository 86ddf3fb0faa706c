package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

// handOff returns a shop's signer for the audience "elevate", and that
// audience's verifier.
func handOff(t *testing.T) (*amsbridge.SSO, *amsbridge.Verifier) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	sso, err := amsbridge.NewSSO(amsbridge.SSOConfig{Issuer: "https://shop.example.org", Audiences: []amsbridge.Audience{{
		Name: "elevate", Audience: "https://learn.example.org", Key: amsbridge.SigningKey{ID: "k1", Private: key},
	}}})
	require.NoError(t, err)
	verifier, err := amsbridge.NewVerifier(amsbridge.VerifierConfig{
		Issuer: "https://shop.example.org", Audience: "https://learn.example.org",
		Keys:   []amsbridge.VerificationKey{{ID: "k1", Public: key.Public()}},
		Replay: amsbridge.NewMemoryReplay(nil),
	})
	require.NoError(t, err)
	return sso, verifier
}
