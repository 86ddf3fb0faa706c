package apiclient

import (
	"regexp"
	"strings"
)

// removed stands where something was taken out.
const removed = "[removed]"

// maxLayers is how often a text is decoded: a query in a URL in a query has
// been encoded three times.
const maxLayers = 3

// address is anything like an e-mail address, whoever's it is, with one of
// atSigns in it.
var address = regexp.MustCompile(
	`(?i)[a-z0-9._%+'\\-]+(?:@|%40|\\u0040|&#64;|&#x40;|&commat;)[a-z0-9-]+(?:\.[a-z0-9-]+)+`)

// atSigns are the '@', escaped or not, with ASCII letters in lower case.
var atSigns = [...]string{"@", "%40", `\u0040`, "&#64;", "&#x40;", "&commat;"}

// Scrub removes the client's secrets, the private values and everything like an
// e-mail address from a text: as they are, whatever the case of ASCII letters,
// and escaped for URLs, forms, JSON and HTML or in base64, and all that under
// up to three layers of percent-encoding.
//
// Secrets of fewer than six bytes and private values of fewer than four are
// removed where they stand as a word of their own: a name like "Al" or a
// password like "code" would otherwise tear every text apart. Such a password
// is then left inside a longer word, where nothing shows that it is one.
func (c *Client) Scrub(text string, private ...string) string {
	if text == "" || c.clean(text, private) {
		return text
	}
	return scrub(text, c.hidden(private))
}

// clean is true when there is nothing to remove. It may be false though there
// is none: it is what makes a success cheap, of which most hold nothing, and
// most say what the last one said.
func (c *Client) clean(text string, private []string) bool {
	seen := &c.seen[len(text)%len(c.seen)]
	g := seen.Load()
	again := g != nil && g.text == text
	if !again {
		if g = lookAt(text); !g.clean() {
			return false
		}
		for _, h := range c.secrets() {
			if !g.absent(h.value) {
				return false
			}
		}
	}
	for _, p := range private {
		if !g.absent(p) && strings.TrimSpace(p) != "" {
			return false
		}
	}
	if !again && len(text) <= maxDetail {
		g.text = strings.Clone(text) // it may be a piece of a long reply, and would keep all of it
		seen.Store(g)
	}
	return true
}

// hidden is a value that no text may hold.
type hidden struct {
	value  string
	secret bool
	// needles are made when they are first needed: most texts hold nothing like
	// the value.
	needles []needle
}

func (h *hidden) forms() []needle {
	if h.needles == nil {
		h.needles = needles(h.value, h.secret)
	}
	return h.needles
}

func (c *Client) hidden(private []string) []hidden {
	secrets := c.secrets()
	all := make([]hidden, 0, len(secrets)+len(private))
	all = append(all, secrets...)
	for _, p := range private {
		if strings.TrimSpace(p) != "" {
			all = append(all, hidden{value: p})
		}
	}
	return all
}

// absent is true when no form of the value can be in the text, which has its
// ASCII letters in lower case. It may be false though none is.
func absent(low, value string) bool {
	if !absentRun(low, value, plain) || strings.TrimSpace(value) != value { // base64 of it may be of a trimmed one
		return false
	}
	var coded [32]byte
	return absentRun(low, string(coded[:encodeSome(&coded, value)]), alphanumeric)
}

// absentRun tells whether some run of such bytes of the value is not in the
// text, whatever the case of letters. All forms of the value have its runs: no
// encoder changes plain bytes, and no kind of base64 differs from another but in
// '+' and '/'.
func absentRun(low, value string, kind uint8) bool {
	var run [16]byte // of a longer one the beginning
	n := 0
	for i := range len(value) {
		if kinds[value[i]]&kind != 0 && n < len(run) {
			run[n] = lower(value[i])
			n++
			continue
		}
		if n > 0 && !strings.Contains(low, string(run[:n])) {
			return true
		}
		n = 0
	}
	return n > 0 && !strings.Contains(low, string(run[:n]))
}

// Kinds of bytes.
const (
	alphanumeric uint8 = 1 << iota
	plain              // no encoder changes it
	sign               // an '@', percent-encoding or an escape of either begins with it
)

var kinds = func() (k [256]uint8) {
	for b := range k {
		switch {
		case 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9':
			k[b] = alphanumeric | plain
		case b == '-' || b == '_' || b == '.':
			k[b] = plain
		case b == '@' || b == '%' || b == '\\' || b == '&':
			k[b] = sign
		}
	}
	return k
}()

func scrub(text string, all []hidden) string {
	s := scrubber{text: text}
	s.search(text, nil, all)
	for _, plus := range []byte("+ ") { // in a form's encoding '+' is a space
		layer, at, more := unpercent(text, nil, plus)
		for n := 0; more && n < maxLayers; n++ {
			s.search(layer, at, all)
			layer, at, more = unpercent(layer, at, plus)
		}
	}
	return s.rest()
}

func holdsAddress(low string) bool {
	for _, sign := range atSigns {
		if strings.Contains(low, sign) {
			return true
		}
	}
	return false
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// lowerASCII keeps every byte in its place, unlike strings.ToLower.
func lowerASCII(s string) string {
	for i := range len(s) {
		if lower(s[i]) != s[i] {
			b := []byte(s)
			for ; i < len(b); i++ {
				b[i] = lower(b[i])
			}
			return string(b)
		}
	}
	return s
}
