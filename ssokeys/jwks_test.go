package ssokeys_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func served(t testing.TB, h http.Handler, method string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/.well-known/jwks.json", http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// kids returns the IDs of the set, and each key's members by name.
func kids(t testing.TB, rec *httptest.ResponseRecorder) (ids []string, members []map[string]string) {
	t.Helper()
	require.Equal(t, http.StatusOK, rec.Code)
	var set struct {
		Keys []map[string]string `json:"keys"`
	}
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &set))
	require.NotNil(t, set.Keys)
	ids = []string{}
	for _, k := range set.Keys {
		ids = append(ids, k["kid"])
	}
	return ids, set.Keys
}

func TestJWKSHoldsPublicMembersOnly(t *testing.T) {
	t.Parallel()
	now := keytest.Time
	later := keytest.Time().Add(24 * time.Hour)
	shared := ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.ES256, "b-shared"), RetireAt: keytest.Time()}
	first := keytest.Ring(t, now, shared, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "c"), ActiveFrom: later})
	second := keytest.Ring(t, now, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.RS256, "a")}, shared,
		ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "revoked"), Revoked: true}, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "retired"), RetireAt: keytest.Time().Add(-ssokeys.RetiringFor)})
	h, err := ssokeys.NewJWKS(ssokeys.JWKSConfig{Rings: []*ssokeys.Ring{
		first, second, first,
		keytest.Ring(t, now, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.HS256, "secret")}),
		keytest.Ring(t, now, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "d")}),
	}})
	require.NoError(t, err)
	rec := served(t, h, http.MethodGet)
	ids, keys := kids(t, rec)
	require.Equal(t, []string{"a", "b-shared", "c", "d"}, ids)
	for i, want := range []struct{ alg, names string }{
		{"RS256", "[alg e kid kty n use]"},
		{"ES256", "[alg crv kid kty use x y]"},
		{"EdDSA", "[alg crv kid kty use x]"},
		{"EdDSA", "[alg crv kid kty use x]"},
	} {
		require.Equal(t, want.names, fmt.Sprint(sortedNames(keys[i])))
		require.Equal(t, []string{want.alg, "sig"}, []string{keys[i]["alg"], keys[i]["use"]})
	}
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &set))
	for _, k := range set.Keys {
		require.True(t, k.IsPublic() && k.Valid())
	}
	require.Equal(t, "application/jwk-set+json", rec.Header().Get("Content-Type"))
	require.Equal(t, "public, max-age=300", rec.Header().Get("Cache-Control"))
	require.Equal(t, "nosniff", rec.Header().Get("X-Content-Type-Options"))

	require.NoError(t, first.Revoke("b-shared"))
	ids, _ = kids(t, served(t, h, http.MethodGet))
	require.Equal(t, []string{"a", "c", "d"}, ids, "revoked in one ring is revoked, at once")

	require.NoError(t, first.Replace([]ssokeys.RingKey{{Key: keytest.Generated(t, ssokeys.EdDSA, "a")}}))
	ids, _ = kids(t, served(t, h, http.MethodGet))
	require.Equal(t, []string{"d"}, ids, "an ID of two keys")
}

func sortedNames(members map[string]string) (names []string) {
	for _, name := range []string{"alg", "crv", "d", "dp", "dq", "e", "k", "kid", "kty", "n", "oth", "p", "q", "qi", "use", "x", "x5c", "y"} {
		if _, ok := members[name]; ok {
			names = append(names, name)
		}
	}
	if len(names) != len(members) {
		return nil
	}
	return names
}

func TestJWKSOverHTTP(t *testing.T) {
	t.Parallel()
	clock := keytest.NewClock(keytest.Time())
	ring := keytest.Ring(t, clock.Now, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "a"), RetireAt: keytest.Time().Add(time.Hour)}, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "b")})
	h, err := ssokeys.NewJWKS(ssokeys.JWKSConfig{Rings: []*ssokeys.Ring{ring}, MaxAge: time.Hour})
	require.NoError(t, err)
	got := served(t, h, http.MethodGet)
	tag := got.Header().Get("ETag")
	require.Regexp(t, `^"[A-Za-z0-9_-]{24}"$`, tag)
	require.Equal(t, "public, max-age=3600", got.Header().Get("Cache-Control"))
	require.Equal(t, tag, served(t, h, http.MethodGet).Header().Get("ETag"))

	head := served(t, h, http.MethodHead)
	require.Equal(t, http.StatusOK, head.Code)
	require.Empty(t, head.Body.String())
	require.Equal(t, got.Header(), head.Header())
	require.Equal(t, fmt.Sprint(got.Body.Len()), head.Header().Get("Content-Length"))

	for _, match := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			same := served(t, h, method, "If-None-Match", match)
			require.Equal(t, http.StatusNotModified, same.Code, match)
			require.Empty(t, same.Body.String())
			require.Equal(t, tag, same.Header().Get("ETag"))
			require.Equal(t, "public, max-age=3600", same.Header().Get("Cache-Control"))
		}
	}
	clock.Advance(time.Hour)
	require.Equal(t, http.StatusNotModified, served(t, h, http.MethodGet, "If-None-Match", tag).Code, "retiring is published as active is")
	clock.Advance(ssokeys.RetiringFor)
	fresh := served(t, h, http.MethodGet, "If-None-Match", tag)
	ids, _ := kids(t, fresh)
	require.Equal(t, []string{"b"}, ids)
	require.NotEqual(t, tag, fresh.Header().Get("ETag"))
	require.NoError(t, ring.Revoke("b"))
	none := served(t, h, http.MethodGet)
	ids, _ = kids(t, none)
	require.Empty(t, ids)
	require.Equal(t, `{"keys":[]}`, none.Body.String())

	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch} {
		refused := served(t, h, method)
		require.Equal(t, http.StatusMethodNotAllowed, refused.Code)
		require.Equal(t, "GET, HEAD", refused.Header().Get("Allow"))
		require.NotContains(t, refused.Body.String(), "kid")
		require.Empty(t, refused.Header().Get("Cache-Control"))
	}
}

func TestNewJWKSNamesTheBadField(t *testing.T) {
	t.Parallel()
	ring := keytest.Ring(t, nil, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "a")})
	for _, c := range []struct {
		field string
		cfg   ssokeys.JWKSConfig
	}{
		{"Rings", ssokeys.JWKSConfig{}},
		{"Rings[1]", ssokeys.JWKSConfig{Rings: []*ssokeys.Ring{ring, nil}}},
		{"MaxAge", ssokeys.JWKSConfig{Rings: []*ssokeys.Ring{ring}, MaxAge: -time.Second}},
		{"MaxAge", ssokeys.JWKSConfig{Rings: []*ssokeys.Ring{ring}, MaxAge: 1500 * time.Millisecond}},
		{"MaxAge", ssokeys.JWKSConfig{Rings: []*ssokeys.Ring{ring}, MaxAge: 25 * time.Hour}},
	} {
		_, err := ssokeys.NewJWKS(c.cfg)
		require.Equal(t, "ssokeys: JWKSConfig."+c.field, keytest.BadField(t, err))
	}
}
