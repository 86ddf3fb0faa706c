package elevate

import (
	"encoding/json"
	"strings"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
	"github.com/amsbridge/amsbridge/internal/strictjson"
)

// verdict is what a reply's body says.
type verdict uint8

const (
	verdictUnclear  verdict = iota
	verdictUnmarked         // neither success nor error is said: a Product URL decides
	verdictDone
	verdictRefused
)

// answer is a reply's body, read by a profile. Its texts are the platform's own
// and not scrubbed yet.
type answer struct {
	verdict verdict
	// problem says what is unclear, in our own words.
	problem string
	// text is what the platform said of an error.
	text string
	// url is the Product URL as it came, unchecked.
	url string
}

// read understands the body of a reply. Done needs a success field that says
// yes, and no error beside it.
func (p *Profile) read(body string) answer {
	var o map[string]any
	if err := strictjson.Unmarshal(jsonText(body), &o); err != nil {
		return answer{problem: err.About("the reply")}
	}
	a := answer{verdict: verdictUnmarked, problem: "the reply says neither success nor error"}
	if v, ok := fieldpath.Get(o, p.ProductURL); ok && !empty(v) {
		a.url = text(v)
	}
	for _, path := range p.Errors {
		if v, ok := fieldpath.Get(o, path); ok && !empty(v) {
			a.verdict, a.text = verdictRefused, strings.TrimSpace(a.text+" "+text(v))
		}
	}
	if a.verdict == verdictRefused {
		return a
	}
	marker, marked := any(nil), false
	if p.Success != "" {
		marker, marked = fieldpath.Get(o, p.Success)
	}
	yes, no := truth(marker)
	switch {
	case no:
		a.verdict = verdictRefused
	case yes, !marked && p.AcceptUnmarked:
		a.verdict = verdictDone
	case marked:
		a.verdict, a.problem = verdictUnclear, "the reply's success field is neither yes nor no"
	}
	return a
}

// jsonText is a reply as a strict reader takes it: some servers send a byte order
// mark, or a letter of another encoding somewhere, and mean JSON.
func jsonText(body string) []byte {
	return []byte(strings.ToValidUTF8(strings.TrimPrefix(body, "\ufeff"), "\ufffd"))
}

// truth reads a success field; both are false for what it does not know.
func truth(v any) (yes, no bool) {
	s := ""
	switch v := v.(type) {
	case bool:
		return v, !v
	case json.Number:
		s = v.String()
	case string:
		s = strings.ToLower(v)
	}
	switch s {
	case "true", "1", "ok", "success":
		return true, false
	case "false", "0", "error", "failed", "failure":
		return false, true
	}
	return false, false
}

// empty tells whether an error field says that there is none.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case json.Number:
		return v.String() == "0"
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// text returns an error field as a person reads it.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
