package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// opened is load and newSandboxes, as serve calls them.
func opened(t *testing.T, text string) error {
	t.Helper()
	file := configured(t, text)
	require.NoError(t, writeBeside(file, "bad.json", `{"auth": 1}`))
	cfg, err := load(file, "")
	if err != nil {
		return err
	}
	_, err = newSandboxes(cfg, "http://127.0.0.1")
	return err
}

// notifiedWith is a configuration whose Notified has one account and these
// further fields.
func notifiedWith(fields string) string {
	return `{"notified": {"accounts": [{"area": "a"}], ` + fields + `}}`
}

func TestConfigErrorsNameTheField(t *testing.T) {
	t.Parallel()
	const show = `"shows": [{"key": 1, "area": "a", "packages": [{"name": "p"}]}]`
	for text, want := range map[string]string{
		``:                                    "config is not JSON from line 1 on",
		`{"elevate": {`:                       "config is not JSON from line 1 on",
		"{\n\"elevate\":\n!":                  "config is not JSON from line 3 on",
		`{} {}`:                               "config is followed by more text",
		`[]`:                                  "config is not an object",
		"{\"a\xff\": 1}":                      "config is not valid UTF-8",
		`{"": 5}`:                             "config. is not a known field",
		`{"elevate": {"kye": "secret"}}`:      "config.elevate.kye is not a known field",
		`{"elevate": {}, "elevate": {}}`:      "config.elevate stands there twice",
		`{"elevate": {}, "Elevate": {}}`:      "config.Elevate is not a known field",
		"{\n\"elevate\": {\"products\": {}}}": "config.elevate.products is not a list",
		`{"elevate": {"products": ["x"]}}`:    "config.elevate.products[0] is not an object",
		`{"elevate": {"products": [null]}}`:   "config.elevate.products[0] is null; leave it out instead",
		`{"elevate": {"products": [{}, {"remote_product_id": "x"}]}}`:                         "elevate.products[0].remote_product_id is empty",
		`{"elevate": {"products": [{"remote_product_id": "x"}, {"remote_product_id": "x"}]}}`: "elevate.products[1].remote_product_id is listed twice",
		`{"elevate": {"products": [{"slug": "x"}, {"slug": "y", "slug": "z"}]}}`:              "elevate.products[1].slug stands there twice",
		`{"elevate": {"products": [{"remote_product_id": "x", "slug": "A B"}]}}`:              "elevate.products[0].slug is not of the form [a-z0-9-]+",
		`{"elevate": {"products": [{"remote_product_id": 7}]}}`:                               "elevate.products[0].remote_product_id is not a text",
		`{"elevate": {"products": [{"closed": "no"}]}}`:                                       "elevate.products[0].closed is not true or false",
		`{"elevate": {"key": ["secret"]}}`:                                                    "elevate.key is not a text",
		`{"elevate": {"profile_file": "none.json"}}`:                                          "elevate.profile_file: open ",
		`{"elevate": {"profile_file": "bad.json"}}`:                                           "config.elevate.profile_file: profile.auth",
		`{"elevate": {"upsert_delay": "2m"}}`:                                                 "elevate.upsert_delay is not a time",
		`{"base_url": "sandbox.example.org"}`:                                                 "base_url is not http or https and a host",
		`{"base_url": "https://u:p@sandbox.example.org"}`:                                     "base_url is not http or https and a host",
		`{}`:                               "notified.accounts is empty",
		`{"notified": {"accounts": [{}]}}`: "notified.accounts[0].area is not 1 to 255 bytes",
		`{"notified": {"accounts": [{"area": "a", "auth_code": "` + strings.Repeat("x", 81) + `"}]}}`: "notified.accounts[0].auth_code is not 1 to 80 bytes",
		notifiedWith(`"re_add": "perhaps"`):                  "notified.re_add is not ",
		notifiedWith(`"upsert_delay": "1"`):                  "notified.upsert_delay is not a time",
		notifiedWith(`"upsert_delay": "-1s"`):                "notified.upsert_delay is not a time",
		notifiedWith(`"names": {"add_on_output": "a b"}`):    "notified.names.add_on_output is not of the form",
		notifiedWith(`"registration_id_output": "a b"`):      "notified.registration_id_output is not ",
		notifiedWith(`"extra_params": ["a", "b c"]`):         "notified.extra_params[1] is not ",
		notifiedWith(`"shows": [{"key": 1, "area": "b"}]`):   "notified.shows[0].area is no account's",
		notifiedWith(`"shows": [{"key": 1.5, "area": "a"}]`): "notified.shows[0].key is not a whole number",
		notifiedWith(`"shows": [{"key": 1e3, "area": "a"}]`): "notified.shows[0].key is not a whole number",
		notifiedWith(`"shows": [{"key": "1", "area": "a"}]`): "notified.shows[0].key is not a whole number",
		notifiedWith(`"shows": [{"key": -1, "area": "a"}]`):  "notified.shows[0].key is not ",
		notifiedWith(`"shows": [{"key": 1, "area": "a", "packages": [{"name": "p", "add_ons": [{"key": 2, "refers_to": "q"}]}]}]`): "notified.shows[0].packages[0].add_ons[0].refers_to is not another package",
		notifiedWith(`"people": [{"id": "u", "area": "b"}]`):                                                                       "notified.people[0].area is no account's",
		notifiedWith(`"people": [{"area": "a"}]`):                                                                                  "notified.people[0] has no id",
		notifiedWith(show + `, "people": [{"id": "u", "area": "a", "registrations": [{"show": 2, "package": "p"}]}]`):              "notified.people[0].registrations[0].show is no show",
		notifiedWith(show + `, "people": [{"id": "u", "area": "a", "registrations": [{"show": 1, "package": "q"}]}]`):              "notified.people[0].registrations[0].package is none",
	} {
		err := opened(t, text)
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "secret")
		require.NotContains(t, err.Error(), "test", "the names are the file's")
		require.True(t, strings.HasPrefix(err.Error(), "config"), err)
	}
	require.NoError(t, opened(t, notifiedWith(show+`, "people": [{"id": "u", "area": "a", "registrations": [{"show": 1, "package": "p"}]}]`)))
}

func TestSampleIsAConfiguration(t *testing.T) {
	t.Parallel()
	var out, problems bytes.Buffer
	require.Zero(t, run(context.Background(), []string{"-sample"}, &out, &problems))
	require.Empty(t, problems.String())
	require.NoError(t, opened(t, out.String()))
}

func TestCredentialsAreMadeAtEachStart(t *testing.T) {
	t.Parallel()
	one, err := load("", "")
	require.NoError(t, err)
	two, err := load("", "")
	require.NoError(t, err)
	require.NotEqual(t, one.Elevate.Key, two.Elevate.Key)
	require.NotEqual(t, one.Notified.Accounts, two.Notified.Accounts)
	require.Equal(t, one.Elevate.Key, one.Elevate.ReportKey)
	given, err := load(configured(t, `{"elevate": {"key": "mine"}, "notified": {"accounts": [{"area": "a", "auth_code": "c", "credentials": "d"}]}}`), "")
	require.NoError(t, err)
	require.Equal(t, "mine", given.Elevate.Key)
	require.Equal(t, []accountConfig{{"a", "c", "d"}}, given.Notified.Accounts)
}

// A staging shop keeps its settings when the sandboxes start again.
func TestCredentialsSurviveARestart(t *testing.T) {
	t.Parallel()
	kept := filepath.Join(t.TempDir(), "kept.json")
	settings := func(p *running) []string {
		return []string{p.printed("key, sent as body"), p.printed("api_key"), p.printed("APIUserAuthCode"), p.printed("APIUserCredentials")}
	}
	first := start(t, "-credentials", kept)
	first.stop()
	second := start(t, "-credentials", kept)
	require.Equal(t, settings(first), settings(second))
	info, err := os.Stat(kept)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "its owner's alone")
	found, err := os.ReadDir(filepath.Dir(kept))
	require.NoError(t, err)
	require.Len(t, found, 1, "nothing else is left behind")

	// The configuration's own come first, and new accounts get new ones beside those that are kept.
	two := configured(t, `{"elevate": {"key": "mine"}, "notified": {"accounts": [{"area": "association"}, {"area": "b"}]}}`)
	cfg, err := load(two, kept)
	require.NoError(t, err)
	require.Equal(t, "mine", cfg.Elevate.Key)
	require.Equal(t, settings(first)[2], cfg.Notified.Accounts[0].AuthCode)
	again, err := load(two, kept)
	require.NoError(t, err)
	require.Equal(t, cfg.Notified.Accounts, again.Notified.Accounts)
	sample, err := load("", kept)
	require.NoError(t, err)
	require.Equal(t, settings(first)[0], sample.Elevate.Key, "kept while the configuration named its own")

	for text, want := range map[string]string{
		"": "the file is not JSON", "[]": "the file is not an object", `{"elevate.key": 5}`: "a field of the file is not a text",
		`{"elevate.key": "secret", "elevate.key": "secret"}`: "twice",
	} {
		require.NoError(t, os.WriteFile(kept, []byte(text), 0o600))
		_, err := load("", kept)
		require.ErrorContains(t, err, "-credentials: ")
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
		left, err := os.ReadFile(kept)
		require.NoError(t, err)
		require.Equal(t, text, string(left), "what cannot be read is not replaced")
	}
	_, err = load("", filepath.Join(filepath.Dir(kept), "none", "kept.json"))
	require.ErrorContains(t, err, "-credentials: ")
}

func TestBadStarts(t *testing.T) {
	t.Parallel()
	taken := start(t)
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"-h"}, 0, "-config"},
		{[]string{"-verbose"}, 2, "-verbose"},
		{[]string{"serve"}, 2, `"serve" is no flag`},
		{[]string{"-addr", "0.0.0.0:0"}, 1, "no loopback address"},
		{[]string{"-addr", ":0"}, 1, "no login: say -public"},
		{[]string{"-addr", "[::]:0"}, 1, "no loopback address"},
		{[]string{"-addr", "192.0.2.1:0"}, 1, "no loopback address"},
		{[]string{"-addr", "127.0.0.1"}, 1, "-addr: "},
		{[]string{"-addr", strings.TrimPrefix(taken.base, "http://")}, 1, "address already in use"},
		{[]string{"-config", filepath.Join(t.TempDir(), "none.json")}, 1, "-config: open "},
		{[]string{"-addr", "127.0.0.1:0", "-config", configured(t, `{"elevate": 1}`)}, 1, "sandbox: config.elevate is not an object\n"},
		{[]string{"-addr", "127.0.0.1:0", "-config", configured(t, `{"elevate": {"key": "ключ", "products": [{"remote_product_id": "c"}]}, "notified": {"accounts": [{"area": "a"}]}}`)}, 1, "sandbox: config.elevate.key is what no client can send"},
		{[]string{"-addr", "127.0.0.1:0", "-config", configured(t, `{"elevate": {"products": [{"remote_product_id": " ", "slug": "c"}]}, "notified": {"accounts": [{"area": "a"}]}}`)}, 1, "sandbox: config.elevate.products[0].remote_product_id is empty"},
		{[]string{"-addr", "127.0.0.1:0", "-config", configured(t, `{"elevate": {"products": [{}]}}`)}, 1, "sandbox: config.elevate.products[0].remote_product_id is empty"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // for one that starts after all
		defer cancel()
		var out, problems bytes.Buffer
		require.Equal(t, c.status, run(ctx, c.args, &out, &problems), c.args)
		require.Contains(t, problems.String(), c.want)
		require.Empty(t, out.String())
	}
}

func TestPublicAddressAndBaseURL(t *testing.T) {
	t.Parallel()
	file := configured(t, `{"base_url": "https://sandbox.example.org", "elevate": {"products": [{"remote_product_id": "c"}]}, "notified": {"accounts": [{"area": "a"}]}}`)
	p := start(t, "-config", file)
	require.Equal(t, "https://sandbox.example.org/api/registration", p.printed("Registration API"))
	public := start(t, "-addr", "0.0.0.0:0", "-public")
	require.Contains(t, public.out, "has no login")
	require.Regexp(t, `^http://localhost:\d+/scripts/Server.nxp$`, public.printed("API"))
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"elevate": {"key": "k", "products": [{"remote_product_id": "c", "appears_after": 1}]}, "notified": {"accounts": [{"area": "a"}]}}`))
	f.Add([]byte(`{"elevate": {"products": [{"closed": true}, 1]}}`))
	f.Add([]byte("{\"notified\": {\"shows\": [{\"key\": 1e9}]}} \xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var cfg config
		if err := unmarshal(b, &cfg); err != nil {
			require.True(t, strings.HasPrefix(err.Error(), "config"), "%v", err)
			return
		}
		if cfg.Elevate.ProfileFile = ""; cfg.complete(os.TempDir(), &maker{kept: map[string]string{}}) == nil {
			_, _ = newSandboxes(cfg, "http://127.0.0.1") // must not panic
		}
	})
}
