package ssokeys_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/ssokeys"
)

const zeros = "a secret of zeros is not random"

// stricter are the vectors that their authors call valid and we refuse, and why.
var stricter = map[string]string{
	"signature 264": "RS384 is no algorithm of ours",
	"signature 268": "RS512 is no algorithm of ours",
	"signature 272": "PS256 is no algorithm of ours",
	"signature 320": "PS384 is no algorithm of ours",
	"signature 325": "PS512 is no algorithm of ours",
	"signature 349": "the key's ID is an address",
	"signature 350": "PS256 is no algorithm of ours",
	"signature 351": "P-521 is no curve of ours",
	"signature 357": zeros,
	"signature 358": zeros,
	"signature 359": zeros,
	"signature 372": zeros + ", and a character that is no base64url is inserted",
	"signature 373": zeros + ", and a character that is no base64url is inserted",
	"signature 376": zeros,
	"signature 377": zeros,
	"key 2":         "the set holds secrets, and one that is published must not",
	"key 14":        "HS384 is no algorithm of ours",
	"key 15":        "HS512 is no algorithm of ours",
}

// The vectors of Project Wycheproof: what is no signature of the key is refused, and what is one is accepted,
// but where we are stricter, as is said above. No verifier of ours takes any of them for a token.
func TestWycheproof(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/wycheproof.json")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Keys  []json.RawMessage
			Cases []struct {
				ID, Case, JWS string
				Valid         bool
			}
		}
	}
	require.NoError(t, json.Unmarshal(data, &file))
	played, refused := 0, 0
	for _, g := range file.Groups {
		for _, c := range g.Cases {
			played++
			accepted := false
			for _, key := range published(t, g.Keys) {
				accepted = accepted || accepts(t, key, c.JWS)
				noHandOff(t, key, c.JWS)
			}
			why := stricter[c.ID]
			if why != "" && strings.HasPrefix(why, zeros) { // whose tokens are read as any other's
				_, _, _, err := ssotoken.Segments(c.JWS)
				require.Equal(t, why == zeros, err == nil, c.ID)
			}
			require.Equal(t, c.Valid && why == "", accepted, "%s, %s %s", c.ID, c.Case, why)
			if why != "" {
				require.True(t, c.Valid, "%s: %s", c.ID, why)
				refused++
			}
		}
	}
	require.Equal(t, 164, played)
	require.Len(t, stricter, refused)
}

// published returns the keys of a group that we take: a single key as it is, and several from a set.
func published(t *testing.T, keys []json.RawMessage) (out []ssokeys.VerificationKey) {
	t.Helper()
	if len(keys) == 1 {
		if key, err := ssokeys.ParseVerification(keys[0]); err == nil {
			out = append(out, key)
		}
		return out
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(map[string]any{"keys": keys}); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	remote, err := ssokeys.NewRemote(ssokeys.RemoteConfig{URL: server.URL, InsecureLoopback: true, Report: func(error) {}})
	require.NoError(t, err)
	for _, text := range keys {
		var named struct{ Kid string }
		require.NoError(t, json.Unmarshal(text, &named))
		if key, err := remote.VerificationKey(t.Context(), named.Kid); err == nil {
			out = append(out, key)
		}
	}
	return out
}

// accepts verifies a JWS in the compact form as a verifier of tokens does, whatever its payload says.
func accepts(t *testing.T, key ssokeys.VerificationKey, jws string) bool {
	t.Helper()
	if strings.Count(jws, ".") != 2 {
		return false
	}
	header, _, signature, err := ssotoken.Segments(jws)
	if err != nil {
		return false
	}
	said, err := ssotoken.FlatObject(header, "alg", "kid")
	if err != nil || said["alg"] != string(key.Algorithm()) || said["kid"] != key.ID {
		return false
	}
	return key.Verify(jws[:strings.LastIndexByte(jws, '.')], signature) == nil
}
