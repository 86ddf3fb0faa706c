package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// checked runs the program and asks that it prints no secret of the environment.
func checked(t *testing.T, env map[string]string, args ...string) (status int, out, problems string) {
	t.Helper()
	var o, p bytes.Buffer
	status = run(t.Context(), args, func(name string) string { return env[name] }, &o, &p)
	for _, secret := range env {
		require.NotContains(t, o.String()+p.String(), secret)
	}
	return status, o.String(), p.String()
}

// wrongs are the lines that say what is wrong.
func wrongs(out string) (lines []string) {
	for line := range strings.Lines(out) {
		if rest, found := strings.CutPrefix(line, "  wrong "); found {
			lines = append(lines, strings.TrimSpace(rest))
		}
	}
	return lines
}

func TestSandboxesAreAsTheyShouldBe(t *testing.T) {
	t.Parallel()
	status, out, problems := checked(t, nil, "-sandbox")
	require.Zero(t, status, out)
	require.Empty(t, problems)
	require.Empty(t, wrongs(out))
	for _, line := range []string{
		"Elevate\n", "Notified\n", "  good         remote product ID course-101: ", "  good         add-on key 9985: ",
		"  not checked  add-on key 10342: ", "  not checked  registration: ", "12 good, 0 wrong, 9 not checked\n",
	} {
		require.Contains(t, out, line)
	}
}

// sandboxes are both, with the environment and flags that open them.
func sandboxes(t *testing.T) (env map[string]string, flags func(change ...string) []string) {
	t.Helper()
	var o options
	end, err := o.useSandboxes(t.Context())
	require.NoError(t, err)
	t.Cleanup(end)
	env = map[string]string{
		"AMSBRIDGE_ELEVATE_KEY": o.elevateKey, "AMSBRIDGE_NOTIFIED_AUTH_CODE": o.notifiedAuthCode,
		"AMSBRIDGE_NOTIFIED_CREDENTIALS": o.notifiedCredentials,
	}
	return env, func(change ...string) []string {
		return append([]string{
			"-allow-loopback-http", "-elevate-endpoint", o.elevateEndpoint, "-elevate-profile", "guessed", "-elevate-report", o.elevateReport,
			"-notified-url", o.notifiedURL, "-notified-show", "4711", "-notified-user", "U-1001",
		}, change...)
	}
}

// Each row is one thing that is wrong. The last of two flags counts.
func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	notFound := server.URL
	for name, c := range map[string]struct {
		flags []string
		env   map[string]string
		want  []string // how the wrong lines begin
	}{
		"nothing":                 {},
		"Elevate's path":          {flags: []string{"-elevate-endpoint", notFound}, want: []string{"endpoint: "}},
		"Elevate's host":          {flags: []string{"-elevate-endpoint", "https://elevate.invalid/api"}, want: []string{"host elevate.invalid: "}},
		"the report's key":        {env: map[string]string{"AMSBRIDGE_ELEVATE_REPORT_KEY": "another planted key"}, want: []string{"Report API's key: "}},
		"the report's address":    {flags: []string{"-elevate-report", notFound}, want: []string{"report profile: "}},
		"Notified's credentials":  {env: map[string]string{"AMSBRIDGE_NOTIFIED_CREDENTIALS": "another planted one"}, want: []string{"credentials: "}},
		"Notified's address":      {flags: []string{"-notified-url", notFound + "/api"}, want: []string{"API: "}},
		"the show":                {flags: []string{"-notified-show", "5"}, want: []string{"show key 5: "}},
		"the package":             {flags: []string{"-notified-package", "7"}, want: []string{"show package key 7: "}},
		"the known user":          {flags: []string{"-notified-user", "U-nowhere"}, want: []string{"known user: "}},
		"both platforms at once":  {flags: []string{"-elevate-endpoint", notFound, "-notified-show", "5"}, want: []string{"endpoint: ", "show key 5: "}},
		"an add-on, not seen yet": {flags: []string{"-notified-add-ons", "9985, 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, flags := sandboxes(t)
			for name, value := range c.env {
				env[name] = value
			}
			status, out, problems := checked(t, env, flags(c.flags...)...)
			require.Empty(t, problems)
			lines := wrongs(out)
			require.Len(t, lines, len(c.want), out)
			for i, start := range c.want {
				require.True(t, strings.HasPrefix(lines[i], start), lines[i])
			}
			require.Equal(t, min(1, len(c.want)), status)
		})
	}
}

func TestOnePlatformAlone(t *testing.T) {
	t.Parallel()
	env, flags := sandboxes(t)
	endpoint := flags()[2]
	delete(env, "AMSBRIDGE_NOTIFIED_AUTH_CODE")
	delete(env, "AMSBRIDGE_NOTIFIED_CREDENTIALS")
	status, out, _ := checked(t, env, "-allow-loopback-http", "-elevate-endpoint", endpoint, "-elevate-profile", "guessed")
	require.Zero(t, status)
	require.Contains(t, out, "Elevate\n")
	require.NotContains(t, out, "Notified\n")
}

func TestProfileFile(t *testing.T) {
	t.Parallel()
	env, flags := sandboxes(t)
	file := filepath.Join(t.TempDir(), "profile.json")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	write(`{
		"name": "the vendor's page", "auth": "basic", "first_name": "first", "last_name": "last", "email": "mail", "user_id": "uid",
		"remote_product_id": "product", "confirmation": "mail_them", "confirmation_on": 1, "confirmation_off": 0, "product_url": "url"
	}`)
	status, _, problems := checked(t, env, flags("-elevate-profile", file)...)
	require.Equal(t, 2, status)
	require.Contains(t, problems, "AMSBRIDGE_ELEVATE_USER and AMSBRIDGE_ELEVATE_PASSWORD")
	env["AMSBRIDGE_ELEVATE_USER"], env["AMSBRIDGE_ELEVATE_PASSWORD"] = "planted-user", "planted-password"
	status, out, _ := checked(t, env, flags("-elevate-profile", file)...)
	require.Zero(t, status)
	require.Contains(t, out, `profile "the vendor's page"`)
	require.NotContains(t, out, "our guess")
	write(`{"nmae": 1}`)
	status, _, problems = checked(t, env, flags("-elevate-profile", file)...)
	require.Equal(t, 2, status)
	require.Contains(t, problems, "profile.nmae")
}

func TestWhatCannotBeChecked(t *testing.T) {
	t.Parallel()
	key := map[string]string{"AMSBRIDGE_ELEVATE_KEY": "planted-key", "AMSBRIDGE_NOTIFIED_AUTH_CODE": "planted-code"}
	elevate := []string{"-elevate-endpoint", "https://elevate.invalid/api", "-elevate-profile", "guessed"}
	for _, c := range []struct {
		env   map[string]string
		args  []string
		wants string
	}{
		{nil, nil, "-sandbox shows how it looks"},
		{nil, []string{"-key", "x"}, "not defined: -key"},
		{nil, []string{"elevate"}, "is no flag"},
		{nil, []string{"-sandbox", "-notified-show", "1"}, "goes with no other flag"},
		{nil, []string{"-elevate-profile", "guessed"}, "-elevate-endpoint is missing"},
		{nil, elevate, "AMSBRIDGE_ELEVATE_KEY"},
		{key, elevate[:2], "The vendor's public page"},
		{key, append(elevate[:2:2], "-elevate-profile", "no-such-file.json"), "no-such-file.json"},
		{key, append(elevate[:4:4], "-elevate-endpoint", "http://elevate.invalid"), "Endpoint is not an https URL"},
		{key, append(elevate[:4:4], "-elevate-report", "ftp://x"), "Endpoint is not an https URL"},
		{nil, append(elevate[:4:4], "-notified-show", "1"), "AMSBRIDGE_ELEVATE_KEY"},
		{nil, []string{"-notified-show", "1"}, "AMSBRIDGE_NOTIFIED_AUTH_CODE"},
		{key, []string{"-notified-show", "1"}, "AMSBRIDGE_NOTIFIED_CREDENTIALS"},
		{
			map[string]string{"AMSBRIDGE_NOTIFIED_AUTH_CODE": "planted-code", "AMSBRIDGE_NOTIFIED_CREDENTIALS": "planted-secret"},
			[]string{"-notified-add-ons", "1,x"},
			"-notified-add-ons",
		},
	} {
		status, out, problems := checked(t, c.env, c.args...)
		require.Equal(t, 2, status, c.args)
		require.Empty(t, out)
		require.Contains(t, problems, c.wants)
	}
	status, _, problems := checked(t, nil, "-h")
	require.Zero(t, status)
	require.Contains(t, problems, "-elevate-endpoint URL")
}

func TestTextsOfPlatformsAreInert(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a\uFFFD[2Jb \uFFFDgpj\uFFFD\uFFFD é 7", inert("a\x1b[2Jb \u202egpj\u2028\r é 7"))
}

func TestAnInterruptedCheckEnds(t *testing.T) {
	t.Parallel()
	env, flags := sandboxes(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out bytes.Buffer
	require.Equal(t, 2, run(ctx, flags(), func(name string) string { return env[name] }, &out, &out))
	require.Empty(t, wrongs(out.String()), "nothing is called wrong that was not looked at")
	require.Contains(t, out.String(), "ended before all was looked at")
}
