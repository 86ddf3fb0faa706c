package apiclient_test

import (
	"encoding/base64"
	"html"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/apiclient"
)

// hostile is full of escapes of escapes.
var hostile = strings.Repeat(`%2525252541+&amp;amp;amp;lt;\\\\u0041`, 256<<10/37)

// A hostile reply cannot make the client use much memory.
//
//nolint:paralleltest // other tests would allocate too
func TestScrubbingAllocatesLittle(t *testing.T) {
	c := newClient(t, nil)
	for _, text := range []string{
		hostile, strings.Repeat(`%25255cu0026amp;%25+`, 256<<10/20), strings.Repeat(`&#37;25&#92;u0026&amp;#37;41\u005c%5c+%2b`, 256<<10/41),
		strings.Repeat(secret, 256<<10/len(secret)),
	} {
		require.Less(t, allocated(func() { c.Scrub(text, private, "Jane", "Doe", "U-0000001") }), uint64(24<<20), text[:20])
		require.Less(t, allocated(func() { c.Quote(text, 1000, private, "Jane", "Doe", "U-0000001") }), uint64(1<<20), text[:20])
	}
}

// allocated returns how many bytes a call allocates.
func allocated(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// No text around a value exhausts the search.
func TestScrubFindsValuesInNoise(t *testing.T) {
	t.Parallel()
	const key = `p@ss/w"ord<d>&'+ =9`
	c := newClient(t, func(cfg *apiclient.Config) { cfg.Secrets = []string{key} })
	for _, noise := range []string{
		`<a href="/x?a=1&amp;b=2+3">100%25 C:\temp\u0041</a>`,
		`q=%252525253D+a &amp;amp;amp;lt; \\\\\\\\u0041 {"u":"https:\/\/x\/?r=https%253A%252F%252Fy%253Fa%253D1%2526amp%253Bb"}`,
		hostile[:37*50],
	} {
		for _, form := range []string{key, quoted(key), html.EscapeString(key), base64.RawStdEncoding.EncodeToString([]byte(key)), url.PathEscape(key), url.QueryEscape(key)} {
			for layer := range 4 {
				require.Regexp(t, `BEGIN \[removed\](%(25)*3D)* END`, c.Scrub(noise+" BEGIN "+form+" END "+noise), "%d", layer)
				form = url.QueryEscape(form)
			}
		}
	}
}

// An escape that begins before a value does not hide the value.
func TestScrubFindsValuesAfterHalfAnEscape(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"5up3r-s3cr3t/key+1", `41%42c&<"`, "u0041 &/lt;", "amp;&/<>", "nothing/to \"see\""} {
		c := newClient(t, func(cfg *apiclient.Config) { cfg.Secrets = []string{key} })
		for _, half := range []string{"%", "%2", "100%", "&", `\`, `\\`, "&#", "&#x", `\u00`, `\u`} {
			for name, encode := range encoders {
				if name == "named HTML" || name == "plain JSON" || name == "PHP" || name == ".NET" {
					continue // such forms are found only by unescaping
				}
				require.Regexp(t, `removed\]=* end`, c.Scrub("begin "+half+encode(key)+" end"), "%s %s %s", half, name, key)
			}
		}
	}
}

// Upper case reaches the escapes too.
func TestScrubFindsEscapesInUpperCase(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil)
	for _, encode := range encoders {
		v := "\u674e & \u9f8d/\u00eb"
		require.Equal(t, "<[removed]>", padding.ReplaceAllString(strings.ReplaceAll(c.Scrub("<"+strings.ToUpper(encode(v))+">", v), "]=", "]"), "[removed]"))
	}
}

// Quote cuts a text before it scrubs, and shows no part of a value at the cut.
func TestQuote(t *testing.T) {
	t.Parallel()
	c := newClient(t, nil)
	require.Equal(t, "the [removed] key", c.Quote("the\x00"+secret+" key", 100))
	require.Equal(t, "abc", c.Quote("abcdef", 3))
	for before := range 3000 {
		require.NotContains(t, c.Quote(strings.Repeat("x", before)+url.QueryEscape(secret)+strings.Repeat("x", 3000), 1000), "s3c", before)
	}
}
