package outbox_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// sealKey is a key that is not random, for tests.
func sealKey(id string) outbox.SealKey {
	return outbox.SealKey{ID: id, Key: outbox.NewSecret([]byte(strings.Repeat(id+"/0123456789", 4)[:32]))}
}

func sealer(t testing.TB, strict bool, ids ...string) *outbox.Sealer {
	t.Helper()
	cfg := outbox.SealerConfig{Strict: strict}
	for _, id := range ids {
		cfg.Keys = append(cfg.Keys, sealKey(id))
	}
	s, err := outbox.NewSealer(cfg)
	require.NoError(t, err)
	return s
}

func TestNewSealerNamesTheBadField(t *testing.T) {
	t.Parallel()
	long := outbox.NewSecret(bytes.Repeat([]byte("ab"), 17))
	for field, keys := range map[string][]outbox.SealKey{
		"SealerConfig.Keys":        nil,
		"SealerConfig.Keys[0].ID":  {{Key: sealKey("a").Key}},
		"SealerConfig.Keys[1].ID":  {sealKey("a"), sealKey("a")},
		"SealerConfig.Keys[0].Key": {{ID: "a"}},
		"SealerConfig.Keys[1].Key": {sealKey("a"), {ID: "b", Key: long}},
		"SealerConfig.Keys[2].Key": {sealKey("a"), sealKey("b"), {ID: "c", Key: outbox.NewSecret(make([]byte, 32))}},
		"SealerConfig.Keys[2].ID":  {sealKey("a"), sealKey("b"), {ID: strings.Repeat("x", 33), Key: sealKey("c").Key}},
		"SealerConfig.Keys[3].ID":  {sealKey("a"), sealKey("b"), sealKey("c"), {ID: "a b", Key: sealKey("d").Key}},
		"SealerConfig.Keys[4].ID":  {sealKey("a"), sealKey("b"), sealKey("c"), sealKey("d"), {ID: "a\n", Key: sealKey("e").Key}},
	} {
		_, err := outbox.NewSealer(outbox.SealerConfig{Keys: keys})
		requireField(t, err, field)
	}
}

// What is sealed shows nothing, is new each time, and opens for the very message
// that it was sealed for.
func TestSealedProfileOpensForItsMessageAlone(t *testing.T) {
	t.Parallel()
	s := sealer(t, false, "2026")
	for name, profile := range map[string]string{
		"usual": `{"first_name":"Ada","email":"ada@example.org"}`, "one byte": "x", "NUL": "\x00", "sealed looking": "\x00sealed\x01",
		"longest": strings.Repeat("p", outbox.MaxPayload),
	} {
		m := msg("key-1", "U-1")
		m.Profile = []byte(profile)
		sealed, again := s.Seal(m), s.Seal(m)
		require.NotEqual(t, sealed.Profile, again.Profile, name)
		require.Equal(t, profile, string(m.Profile), "the caller's bytes stay")
		if len(profile) > 10 {
			require.NotContains(t, string(sealed.Profile), profile[:10], name)
		}
		require.Len(t, sealed.Profile, len(profile)+8+1+4+12+16, name)
		opened, err := s.Open(sealed)
		require.NoError(t, err, name)
		require.Equal(t, m, opened, name)
		for field, move := range map[string]func(*outbox.Message){
			"destination": func(m *outbox.Message) { m.Destination = "elevate/acme" },
			"key":         func(m *outbox.Message) { m.Key = "key-2" },
			"person":      func(m *outbox.Message) { m.Person = "U-2" },
			"both":        func(m *outbox.Message) { m.Destination, m.Key = "elevatek", "ey-1" },
			"joined":      func(m *outbox.Message) { m.Key, m.Person = "key-1U", "-1" },
		} {
			moved := sealed
			move(&moved)
			opened, err := s.Open(moved)
			require.ErrorIs(t, err, outbox.ErrSealBroken, "%s: %s", name, field)
			require.Nil(t, opened.Profile)
		}
	}
}

func TestMessageWithoutProfileStaysSo(t *testing.T) {
	t.Parallel()
	for _, s := range []*outbox.Sealer{nil, sealer(t, false, "a"), sealer(t, true, "a")} {
		for _, none := range [][]byte{nil, {}} {
			m := msg("key-1", "U-1")
			m.Profile = none
			require.Equal(t, m, s.Seal(m))
			opened, err := s.Open(m)
			require.NoError(t, err)
			require.Equal(t, m, opened)
		}
	}
}

// No single changed byte goes unseen. One in the mark makes it something that was
// never sealed, which is why there is Strict.
func TestChangedSealIsSeen(t *testing.T) {
	t.Parallel()
	m := msg("key-1", "U-1")
	m.Profile = []byte("ada@example.org")
	sealed := sealer(t, false, "a", "b").Seal(m)
	for i := range sealed.Profile {
		for _, bit := range []byte{1, 0x80, 3} {
			changed := sealed
			changed.Profile = bytes.Clone(sealed.Profile)
			changed.Profile[i] ^= bit
			opened, err := sealer(t, true, "a", "b").Open(changed)
			require.Error(t, err, "byte %d", i)
			require.Nil(t, opened.Profile)
			lax, err := sealer(t, false, "a", "b").Open(changed)
			require.True(t, err != nil || bytes.Equal(lax.Profile, changed.Profile), "byte %d", i)
		}
	}
	for n := range len(sealed.Profile) - 1 {
		cut := sealed
		cut.Profile = sealed.Profile[:n+1]
		_, err := sealer(t, true, "a").Open(cut)
		require.Error(t, err, "cut to %d bytes", n+1)
	}
	longer := sealed
	longer.Profile = append(bytes.Clone(sealed.Profile), 0)
	_, err := sealer(t, true, "a").Open(longer)
	require.ErrorIs(t, err, outbox.ErrSealBroken)
}

// The steps of the comment on Sealer, with messages of every age in the queue.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	m := msg("key-1", "U-1")
	old, both, turned, gone := sealer(t, false, "2026"), sealer(t, false, "2026", "2027"), sealer(t, false, "2027", "2026"), sealer(t, true, "2027")
	require.Contains(t, string(both.Seal(m).Profile), "\x042026", "the first one seals")
	require.Contains(t, string(turned.Seal(m).Profile), "\x042027")
	for _, c := range []struct {
		name         string
		sealed, open *outbox.Sealer
		want         error
	}{
		{"before, by one that has the new key too", old, both, nil},
		{"added, by one that has not", both, old, nil},
		{"turned, by one that is not turned", turned, both, nil},
		{"of before, by one that is turned", old, turned, nil},
		{"turned, by one that was forgotten", turned, old, outbox.ErrSealUnknown},
		{"of before, once the old key is gone", old, gone, outbox.ErrSealUnknown},
		{"by a program without keys", old, nil, outbox.ErrSealUnknown},
	} {
		opened, err := c.open.Open(c.sealed.Seal(m))
		require.ErrorIs(t, err, c.want, c.name)
		if c.want == nil {
			require.Equal(t, m, opened, c.name)
		}
	}
	// A lost key's place is taken by another: what it had sealed is broken then,
	// and no longer waits.
	stranger, err := outbox.NewSealer(outbox.SealerConfig{Keys: []outbox.SealKey{sealKey("2027"), {ID: "2026", Key: sealKey("lost").Key}}})
	require.NoError(t, err)
	_, err = stranger.Open(old.Seal(m))
	require.ErrorIs(t, err, outbox.ErrSealBroken)
}

func TestOnlyAStrictSealerRefusesWhatIsNotSealed(t *testing.T) {
	t.Parallel()
	m := msg("key-1", "U-1")
	for _, s := range []*outbox.Sealer{nil, sealer(t, false, "a")} {
		opened, err := s.Open(m)
		require.NoError(t, err)
		require.Equal(t, m, opened)
	}
	opened, err := sealer(t, true, "a").Open(m)
	require.ErrorIs(t, err, outbox.ErrNotSealed)
	require.Nil(t, opened.Profile)
	require.Equal(t, m, (*outbox.Sealer)(nil).Seal(m))
}

// What version 1 of the form looks like never changes: rows in it may be waiting.
func TestSealedFormNeverChanges(t *testing.T) {
	t.Parallel()
	s := sealer(t, true, "2026")
	m := msg("key-1", "U-1")
	var err error
	m.Profile, err = hex.DecodeString(goldenSealed)
	require.NoError(t, err)
	require.Equal(t, "\x00sealed\x01\x042026", string(m.Profile[:13]))
	opened, err := s.Open(m)
	require.NoError(t, err)
	require.Equal(t, `{"first_name":"Ada"}`, string(opened.Profile))
	m.Profile[7] = 2
	_, err = s.Open(m)
	require.ErrorIs(t, err, outbox.ErrSealUnknown, "another version of the form")
}

// goldenSealed was sealed once with the key "2026/0123456789…".
const goldenSealed = "007365616c65640104323032366d224b06961f107cb5711d0c636400ca932cfdd4838837b2e7220072164995dd6223f3e4ada29faa740fc78733c8c937"

// Keys and profiles show in nothing that is printed, logged, encoded or returned.
func TestSealShowsNeitherKeyNorProfile(t *testing.T) {
	t.Parallel()
	const key, text = "planted-key-of-a-test-0123456789", "planted@example.org"
	secret := outbox.NewSecret([]byte(key))
	require.Len(t, key, 32)
	cfg := outbox.SealerConfig{Keys: []outbox.SealKey{{ID: "2026", Key: secret}}, Strict: true}
	s, err := outbox.NewSealer(cfg)
	require.NoError(t, err)
	operator, err := outbox.NewOperator(&noted{}, outbox.OperatorConfig{EraseKey: secret})
	require.NoError(t, err)
	hidden := struct {
		cfg outbox.SealerConfig
		s   *outbox.Sealer
	}{cfg, s}
	var log bytes.Buffer
	for _, v := range []any{
		secret, &secret, cfg, &cfg, cfg.Keys, s, *s, hidden, &hidden, operator, *operator,
		outbox.OperatorConfig{EraseKey: secret},
		outbox.SenderConfig{Profiles: outbox.Profiles{Seal: s}},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
		if b, err := json.Marshal(v); err == nil { // a config with functions has no JSON
			log.Write(b)
		}
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
	}
	m := msg("key-1", "U-1")
	m.Profile = []byte(text)
	sealed := s.Seal(m)
	sealed.Key = "another"
	_, broken := s.Open(sealed)
	_, plain := s.Open(m)
	_, unknown := (*outbox.Sealer)(nil).Open(sealed)
	_, bad := outbox.NewSealer(outbox.SealerConfig{Keys: []outbox.SealKey{{ID: key + text, Key: outbox.NewSecret([]byte(key + "!"))}}})
	_, short := outbox.NewOperator(&noted{}, outbox.OperatorConfig{EraseKey: outbox.NewSecret([]byte(key[:31]))})
	for _, err := range []error{broken, plain, unknown, bad, short} {
		require.Error(t, err)
		fmt.Fprintf(&log, "%v %+v %#v\n", err, err, err)
	}
	for _, form := range []string{
		key, key[:16], text, hex.EncodeToString([]byte(key))[:16], base64.StdEncoding.EncodeToString([]byte(key))[:16],
		strings.Trim(fmt.Sprint([]byte(key[:8])), "[]"), "0x70, 0x6c",
	} {
		require.NotContains(t, strings.ToLower(log.String()), strings.ToLower(form))
	}
}

// Whatever the database holds: no panic, one of the three errors, and nothing
// passes for opened that the key did not seal.
func FuzzOpenSealed(f *testing.F) {
	s := sealer(f, false, "a", "2026")
	m := msg("key-1", "U-1")
	f.Add([]byte("\x00sealed\x01"), false)
	f.Add([]byte("\x00sealed\x01\xffa"), true)
	f.Add([]byte("\x00sealed\x01\x01a"), true)
	f.Add([]byte("\x00sealed\x01\xff"+strings.Repeat("a", 255)), false)
	f.Add([]byte("\x00sealed\x01\xff"+strings.Repeat("a", 300)), true)
	f.Add([]byte("\x00sealed\x02\x01a"), false)
	f.Add([]byte(`{"email":"ada@example.org"}`), true)
	f.Add(s.Seal(m).Profile, false)
	f.Fuzz(func(t *testing.T, stored []byte, strict bool) {
		own := sealer(t, strict, "a")
		m := m
		m.Profile = stored
		opened, err := own.Open(m)
		switch {
		case err != nil:
			require.True(t, errors.Is(err, outbox.ErrSealBroken) || errors.Is(err, outbox.ErrSealUnknown) || errors.Is(err, outbox.ErrNotSealed))
			require.Nil(t, opened.Profile)
		case bytes.HasPrefix(stored, []byte("\x00sealed")):
			require.Equal(t, "p", string(opened.Profile), "the only profile that key a sealed here")
		default:
			require.Equal(t, stored, opened.Profile)
			require.True(t, !strict || len(stored) == 0)
		}
		again, err := own.Open(own.Seal(m))
		require.NoError(t, err)
		require.Equal(t, stored, again.Profile)
	})
}

func ExampleSealer() {
	load := func(name string) outbox.Secret { return outbox.NewSecret(bytes.Repeat([]byte(name), 4)) } // from where secrets are kept
	s, err := outbox.NewSealer(outbox.SealerConfig{Keys: []outbox.SealKey{
		{ID: "2027", Key: load("key 2027")}, // seals from now on
		{ID: "2026", Key: load("key 2026")}, // opens what waits since last year
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := outbox.Message{Destination: "elevate", Key: "key-1", Person: "U-1", Profile: []byte(`{"email":"ada@example.org"}`)}
	sealed := s.Seal(m)
	fmt.Println(bytes.Contains(sealed.Profile, []byte("ada")))
	opened, err := s.Open(sealed)
	fmt.Println(string(opened.Profile), err)
	sealed.Key = "key-2"
	_, err = s.Open(sealed)
	fmt.Println(err)
	// Output:
	// false
	// {"email":"ada@example.org"} <nil>
	// outbox: the sealed profile does not open: it was changed, or is another message's
}
