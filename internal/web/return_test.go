package web

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const elevate = "https://learn.example.org"

func learnPolicy(t testing.TB) ReturnPolicy {
	t.Helper()
	p, field, problem := NewReturnPolicy([]string{elevate, "https://learn.example.org:8443", "http://localhost:3000", "https://[2001:db8::1]"}, "/home")
	require.Empty(t, field+problem)
	return p
}

func TestReturnTargetsThatAreRefused(t *testing.T) {
	t.Parallel()
	p := learnPolicy(t)
	for _, raw := range []string{
		"", " ", "courses/7", "./courses", "../courses", "?a=b", "#a", ".", "..", "*",
		"//", "//#a", "//?a=b", "%2f", "%2fa", "%2F%2Fevil.example", "//evil.example", "///evil.example", "////evil.example", "//evil.example/courses", `/\evil.example`, `\/evil.example`, `\\evil.example`, `/\/evil.example`,
		"/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", " //evil.example", "//evil.example ", "\x00//evil.example", "/\x00/evil.example",
		"/a//evil.example", "/.//evil.example", "/..//evil.example", "/a/../..//evil.example", "/%2f/evil.example", "/%2fevil.example/%2e%2e",
		"/%5cevil.example", "/%5Cevil.example", "/%09/evil.example", "/%0a/evil.example", "/%0d%0aSet-Cookie:a=b", "/%00", "/%e2%80%a8",
		"/%252fevil.example", "/%25252fevil.example", "/a%252f..%252fb", "/%25", "/..%2f..%2fb", "/%2e%2e/b", "/a/./b", "/a/../b", "/a/..", "/a/.",
		"https:evil.example", "https:/evil.example", "https:///evil.example", "https:" + `\\` + "evil.example", "https:", "https://", "https:learn.example.org", "https:/learn.example.org",
		"http:evil.example", "HTTPS://evil.example", "https://evil.example/", "http://learn.example.org/", "http://localhost/", "http://localhost:3001/", "ws://learn.example.org/",
		"https://learn.example.org.evil.example/", "https://evil-learn.example.org/", "https://learn.example.org-evil.example/", "https://evil.example/learn.example.org", "https://learnXexample.org/",
		"https://a.learn.example.org/", "https://example.org/", "https://learn.example.orgevil.example/", "https://learn.example.org./", "https://learn.example.org..",
		"https://learn.example.org@evil.example/", "https://learn.example.org:443@evil.example/", "https://evil.example@learn.example.org/", "https://user:pw@learn.example.org/", "https://@learn.example.org/", "//learn.example.org@evil.example",
		`https://learn.example.org\@evil.example/`, `https://evil.example\learn.example.org`, "https://evil.example#learn.example.org", "https://evil.example?learn.example.org", "https://evil.example;learn.example.org", "https://evil.example%2flearn.example.org/", "https://evil.example%00learn.example.org",
		"https://learn.example.org:444/", "https://learn.example.org:", "https://learn.example.org:/", "https://learn.example.org:0443/", "https://learn.example.org:44 3/", "https://learn.example.org:https/", "https://learn.example.org:8443:443/", "https://learn.example.org:-1/",
		"https://lеarn.example.org/", "https://learn。example.org/", "https://ｌearn.example.org/", "https://learn.example.org％2f/", "https://xn--larn-e5d.example.org/", "https://%6cearn.example.org/", "/ünïcode", "/a\u2028b", "/\u202emoc",
		"https://[2001:db8::2]/", "https://2001:db8::1/", "https://[2001:db8::1%25eth0]/", "https://[::1]/", "http://[::1]:3000/", "https://[::ffff:127.0.0.1]/", "https://[2001:db8:0:0::1]/", "https://0x7f.1/", "https://2130706433/",
		"javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", " javascript:alert(1)", "javascript://learn.example.org/%0aalert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:" + elevate + "/a", "about:blank", "mailto:a@example.org", "view-source:" + elevate,
		"/" + strings.Repeat("a", MaxTarget), strings.Repeat("a", 10<<10), "/" + strings.Repeat("/", 10<<10), "/" + strings.Repeat("%2e%2e/", 1400),
		"/a\x7f", "/a\x80", "/\xff", "/a b", "/a\"b", "/<script>", "/a^b", "/a`b", "/a{b}", "/a|b", "/%zz", "/%", "/%a", elevate + "//evil.example", elevate + "/%5c", elevate + "/..", elevate + "\\",
	} {
		require.Empty(t, p.allowed(raw), "%q", raw)
		require.Equal(t, "/home", p.Target(raw), "%q", raw)
	}
}

func TestReturnTargetsThatAreAllowed(t *testing.T) {
	t.Parallel()
	p := learnPolicy(t)
	for raw, want := range map[string]string{
		"/":                                   "/",
		"/courses/7":                          "/courses/7",
		"/courses/":                           "/courses/",
		"/courses?a=b&c=%20d#part":            "/courses?a=b&c=%20d#part",
		"/a?next=//evil.example":              "/a?next=//evil.example",
		"/a?next=https://evil.example/%5c":    "/a?next=https://evil.example/%5c",
		"/a#//evil.example":                   "/a#//evil.example",
		"/@evil.example":                      "/@evil.example",
		"/a:b@c":                              "/a:b@c",
		"/caf%C3%A9":                          "/caf%C3%A9",
		"/a%20b":                              "/a%20b",
		elevate:                               elevate,
		elevate + "/courses/7?a=b":            elevate + "/courses/7?a=b",
		"HTTPS://learn.example.org/":          "https://learn.example.org/",
		"https://LEARN.example.ORG/A":         "https://LEARN.example.ORG/A",
		"https://learn.example.org:443/a":     "https://learn.example.org:443/a",
		"https://learn.example.org:8443/a":    "https://learn.example.org:8443/a",
		"http://localhost:3000/a":             "http://localhost:3000/a",
		"https://[2001:db8::1]/a":             "https://[2001:db8::1]/a",
		"https://[2001:DB8::1]:443/a":         "https://[2001:DB8::1]:443/a",
		"/" + strings.Repeat("a", 1023):       "/" + strings.Repeat("a", 1023),
		"/javascript:alert(1)":                "/javascript:alert(1)",
		"/a?b=javascript:alert(1)":            "/a?b=javascript:alert(1)",
		"https://learn.example.org?a=/../../": "https://learn.example.org?a=/../../",
	} {
		require.Equal(t, want, p.allowed(raw))
	}
	var none ReturnPolicy
	require.Equal(t, "/a", none.Target("/a"))
	require.Empty(t, none.Target(elevate+"/a"), "no origin is allowed unless it is listed")
}

func TestReturnOrigins(t *testing.T) {
	t.Parallel()
	for _, o := range []string{
		"", "*", "learn.example.org", "https://", "https://learn.example.org/", "https://learn.example.org/a", "https://learn.example.org?a", "https://learn.example.org#a",
		"https://LEARN.example.org", "HTTPS://learn.example.org", "https://learn.example.org:443", "https://learn.example.org:", "https://*.example.org", "https://u@learn.example.org",
		"http://learn.example.org", "http://localhost:80", "http://127.0.0.2", "ftp://learn.example.org", "https://lеarn.example.org", "https://[2001:DB8::1]", "https://learn.example.org ", "null",
	} {
		_, field, problem := NewReturnPolicy([]string{elevate, o}, "")
		require.Equal(t, "ReturnOrigins[1]", field, "%q", o)
		require.NotEmpty(t, problem)
	}
	for _, fallback := range []string{"//evil.example", "https://evil.example/", "home", `/\evil.example`} {
		_, field, _ := NewReturnPolicy([]string{elevate}, fallback)
		require.Equal(t, "DefaultReturn", field, fallback)
	}
}

// asBrowsersRead does what browsers do before they parse (WHATWG URL, basic URL parser): they drop tabs
// and line feeds, trim controls, and read a backslash as a slash.
var asBrowsersRead = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/")

// FuzzReturnTarget: what is accepted is on an allowed origin, or on none and begins with exactly one
// slash, both for net/url and for browsers.
func FuzzReturnTarget(f *testing.F) {
	p := learnPolicy(f)
	p.fallback = ""
	for _, seed := range []string{
		"/", "/a?b#c", "//evil.example", `/\evil.example`, "/%2f%2fevil.example", elevate + "/a", "https://learn.example.org:8443/", "https://[2001:db8::1]/a",
		"https://user@learn.example.org/", "https:evil.example", "javascript:alert(1)", "/\t/evil.example", "/.//evil.example", "//#a", "//?a", "%2f", "HTTPS://LEARN.example.org:443/", "/%25%32%66",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		to := p.Target(raw)
		if to == "" {
			return
		}
		require.LessOrEqual(t, len(to), MaxTarget)
		require.Equal(t, to, p.Target(to), "what was accepted is accepted again, unchanged")
		for _, text := range []string{to, asBrowsersRead.Replace(strings.TrimFunc(to, func(r rune) bool { return r <= ' ' }))} {
			u, err := url.Parse(text)
			require.NoError(t, err)
			require.Nil(t, u.User)
			if u.Scheme == "" && u.Host == "" {
				require.True(t, strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//"), text)
			} else {
				require.Contains(t, p.origins, Origin(u))
			}
			for name := range strings.SplitSeq(strings.ReplaceAll(u.EscapedPath(), "%2F", "/"), "/") {
				require.NotContains(t, []string{"..", "."}, name)
			}
		}
	})
}
