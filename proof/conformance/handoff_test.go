package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// handOff returns a shop's signer for the audience "elevate", and that
// audience's verifier.
func handOff(t *testing.T) (*amsbridge.SSO, *ssoverify.Verifier) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	sso, err := amsbridge.NewSSO(amsbridge.SSOConfig{Issuer: "https://shop.example.org", Audiences: []amsbridge.Audience{{
		Name: "elevate", Audience: "https://learn.example.org", Key: ssokeys.SigningKey{ID: "k1", Private: key},
	}}})
	require.NoError(t, err)
	verifier, err := ssoverify.New(ssoverify.Config{
		Issuer: "https://shop.example.org", Audience: "https://learn.example.org",
		Keys:   []ssokeys.VerificationKey{{ID: "k1", Public: key.Public()}},
		Replay: ssoverify.NewMemoryReplay(nil),
	})
	require.NoError(t, err)
	return sso, verifier
}
