package ssokeys

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
)

func TestLifetimeOfASet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cache, age string
		want       time.Duration
	}{
		{"", "", setLifetime},
		{"public", "", setLifetime},
		{"public, max-age=600", "", 10 * time.Minute},
		{"MAX-AGE=\"600\"", "", 10 * time.Minute},
		{"public,max-age=600", "120", 8 * time.Minute},
		{"max-age=600", "-120", 10 * time.Minute},
		{"max-age=600", "99999999999999999999", minSetLifetime},
		{"max-age=0", "", minSetLifetime},
		{"max-age=-1", "", setLifetime},
		{"max-age=1e3", "", setLifetime},
		{"max-age=", "", setLifetime},
		{"max-age=86400", "", maxSetLifetime},
		{"max-age=9223372036854775808", "", maxSetLifetime},
		{"max-age=9223372036", "", maxSetLifetime},
		{"max-age=600, no-cache", "", minSetLifetime},
		{"No-Store", "", minSetLifetime},
	} {
		require.Equal(t, c.want, lifetimeOf(http.Header{"Cache-Control": {c.cache}, "Age": {c.age}}), c)
	}
}

// One key under two IDs is left out under both, in whatever order they stand, and however often; others stay.
func TestAKeySetHoldsNoKeyUnderTwoIDs(t *testing.T) {
	t.Parallel()
	for _, alg := range []Algorithm{ES256, EdDSA, RS256} {
		key, good := generated(t, alg), generated(t, EdDSA)
		named := func(id string) string {
			var k jose.JSONWebKey
			require.NoError(t, json.Unmarshal([]byte(key), &k))
			k.KeyID = id
			text, err := json.Marshal(k)
			require.NoError(t, err)
			return string(text)
		}
		for _, set := range [][]string{
			{key, named("b"), good},
			{named("b"), good, key},
			{named("b"), named("c"), good, named("d"), key},
			{named("b"), named("c"), good, named("b")},
			{named("b"), named("b"), good, named("c")},
			{named(""), named("b"), good},
		} {
			got, err := parseKeySet([]byte(fuzzSet(set...)))
			require.NoError(t, err)
			require.Len(t, got.keys, 1, set)
			require.Len(t, got.refused, len(set)-2)
			for _, k := range got.keys {
				require.Contains(t, good, k.ID)
			}
		}
	}
}

// FuzzKeySet: whatever an issuer answers, every accepted key is a public key of the three kinds, under
// an ID that the set holds once.
func FuzzKeySet(f *testing.F) {
	good := generated(f, EdDSA)
	for _, seed := range []string{
		fuzzSet(), fuzzSet(good), fuzzSet(good, good), fuzzSet(generated(f, ES256), generated(f, RS256)),
		fuzzSet(`{"kty":"oct","k":"AAAA"}`), fuzzSet(strings.Replace(good, "{", `{"d":"AA",`, 1)), fuzzSet(strings.Replace(good, "{", `{"x5c":["AA"],`, 1)),
		`{"keys":{}}`, `[]`, `{"keys":[[[[]]]]}`, "{\"keys\":[{\"kid\":\"\xff\"}]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		set, err := parseKeySet(body)
		if err != nil {
			require.Empty(t, set.keys)
			return
		}
		require.LessOrEqual(t, len(set.keys), maxSetKeys)
		for id, k := range set.keys {
			require.Equal(t, id, k.ID)
			require.Empty(t, check.Name(id, maxKeyID))
			again, err := k.Checked()
			require.NoError(t, err)
			require.Equal(t, k, again)
			require.Contains(t, []Algorithm{ES256, EdDSA, RS256}, k.Algorithm())
			for other, o := range set.keys {
				require.True(t, other == id || !k.Equal(o), "one key under two IDs")
			}
		}
		for _, err := range set.refused {
			require.Less(t, len(err.Error()), 200)
		}
	})
}

// generated returns the public part of a fresh key as a JWK.
func generated(t testing.TB, alg Algorithm) string {
	t.Helper()
	k, err := Generate(alg)
	require.NoError(t, err)
	public, err := k.Verification()
	require.NoError(t, err)
	text, err := json.Marshal(jose.JSONWebKey{Key: public.Public, KeyID: public.ID})
	require.NoError(t, err)
	return string(text)
}

func fuzzSet(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }
