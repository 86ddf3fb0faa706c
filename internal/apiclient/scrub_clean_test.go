package apiclient

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scrubAll is what Scrub comes to without any short cut: every form of every
// value is looked for in every layer.
func scrubAll(text string, secrets, private []string) string {
	var all []needle
	for _, v := range secrets {
		all = append(all, needles(v, true)...)
	}
	for _, v := range private {
		all = append(all, needles(v, false)...)
	}
	hide := make([]bool, len(text))
	for _, plus := range []byte("+ ") {
		layer, at := text, make([]int, len(text)+1)
		for i := range at {
			at[i] = i
		}
		for range maxLayers + 1 {
			mark := func(from, to int) {
				for i := at[from]; i < at[to]; i++ {
					hide[i] = true
				}
			}
			low := lowerASCII(layer)
			for _, n := range all {
				n.find(low, mark)
			}
			for _, m := range address.FindAllStringIndex(layer, -1) {
				mark(m[0], m[1])
			}
			var more bool
			if layer, at, more = unpercent(layer, at, plus); !more {
				break
			}
		}
	}
	var b strings.Builder
	for i := range len(text) {
		if !hide[i] {
			b.WriteByte(text[i])
		} else if i == 0 || !hide[i-1] {
			b.WriteString(removed)
		}
	}
	return b.String()
}

// The short cuts of Scrub change nothing but the time that it takes. form and
// layers put the value into the text as an encoder would.
func FuzzScrubShortCuts(f *testing.F) {
	f.Add("nothing here ", "value", "", "s3cret/key", uint8(0), uint8(0))
	f.Add("b64 ", " Zo\u00eb O'Brien", " x", "code", uint8(9), uint8(1))
	f.Add("\u0130\u212a ", "\u0131d\u00df K", "%25", "%41<", uint8(3), uint8(2))
	f.Add("x%2", "jane@example.org", "0y", "\xff\xfe?>", uint8(7), uint8(3))
	f.Add("opcode ", "Adam ", "", "???~~~", uint8(1), uint8(0))
	f.Fuzz(func(t *testing.T, before, value, after, secret string, form, layers uint8) {
		c, err := New(Config{Secrets: []string{secret}})
		require.NoError(t, err)
		text := before + value + after
		for _, v := range []string{value, secret} {
			if forms := needles(v, false); len(forms) > 0 {
				text += forms[int(form)%len(forms)].form + after
			}
		}
		for range layers % 4 {
			text = url.QueryEscape(text)
		}
		require.Equal(t, scrubAll(text, []string{secret}, nil), c.Scrub(text))
		want := scrubAll(text, []string{secret}, []string{value, "Ada"})
		for range 2 { // what was seen in a text before says nothing about what is private now
			require.Equal(t, want, c.Scrub(text, value, "Ada"))
		}
	})
}

// All that is needed of a value is in each of its forms, or it counts as there.
func TestAbsentSeesEveryForm(t *testing.T) {
	t.Parallel()
	for _, v := range []string{
		"Ada", "7", " ", "Zo\u00eb O'Brien/\u0141uk", `p@ss/w"ö\r<d>&'+ =`, "\u0131\u017f\u212a", "????", "~~~", "\xff\xfe", " Janette ", "Adam ",
		strings.Repeat("a b&", 60), "jane.doe+shop@members.example.org", "李小龍", "ǅ-x", `\u0041`, "%41%42",
	} {
		for _, n := range needles(v, true) {
			require.False(t, absent(n.form, v), "%q as %q", v, n.form)
			require.False(t, lookAt("x"+n.form+"y").absent(v), "%q as %q", v, n.form)
		}
	}
	require.True(t, absent(`{"success":true}`, "Ada"))
	require.True(t, absent(`{"success":true}`, "jane@example.org"))
}

// That a text was clean says nothing about another person, or another text.
func TestScrubOfATextSeenBefore(t *testing.T) {
	t.Parallel()
	c, err := New(Config{Secrets: []string{"5up3r-s3cr3t"}})
	require.NoError(t, err)
	for range 2 {
		for _, s := range []struct{ text, private, want string }{
			{"registered Adalbert", "Grace", "registered Adalbert"},
			{"registered Adalbert", "Adalbert", "registered [removed]"},
			{"registered Grace ok", "Adalbert", "registered Grace ok"},
			{"registered Grace ok", "Grace", "registered [removed] ok"},
			{"code 5up3r-s3cr3t !", "Grace", "code [removed] !"},
			{"mail a@example.org.", "Grace", "mail [removed]."},
		} {
			require.Equal(t, s.want, c.Scrub(s.text, s.private))
		}
	}
}

// A success that says what the last one said costs nothing.
func TestScrubOfACleanTextAllocatesNothing(t *testing.T) {
	c, err := New(Config{Secrets: []string{"5up3r-s3cr3t/key+1"}})
	require.NoError(t, err)
	text := `{"success":true,"product_url":"https://elevate.example.org/products/course-1"}`
	require.Zero(t, testing.AllocsPerRun(100, func() { c.Scrub(text, "ada@example.org", "Ada", "Byron", "u-00000001") }))
}

func BenchmarkScrub(b *testing.B) {
	c, err := New(Config{Secrets: []string{"5up3r-s3cr3t/key+1"}})
	require.NoError(b, err)
	for name, text := range map[string]string{
		"clean": `{"success":true,"product_url":"https://elevate.example.org/products/course-1"}`,
		"echo":  `{"success":true,"email":"ada@example.org","product_url":"https://elevate.example.org/products/course-1"}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Scrub(text, "ada@example.org", "Ada", "Byron", "u-00000001")
			}
		})
	}
}
