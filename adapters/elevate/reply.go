package elevate

import (
	"encoding/json"
	"strings"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
	"github.com/amsbridge/amsbridge/internal/strictjson"
)

// verdict is the meaning of a reply's body.
type verdict uint8

const (
	verdictUnclear  verdict = iota
	verdictUnmarked         // the reply says neither success nor error: a Product URL decides
	verdictDone
	verdictRefused
)

// answer is a reply's body as the profile reads it. Its texts are the platform's and not scrubbed yet.
type answer struct {
	verdict verdict
	// problem says in our words what is unclear.
	problem string
	// text is the platform's text of an error.
	text string
	// url is the unchecked Product URL.
	url string
}

// read interprets the body of a reply. verdictDone needs no error, and a success field that says yes or, with
// AcceptUnmarked, is missing.
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

// jsonText prepares a reply for a strict reader: some servers send a byte order mark, or a stray byte
// of another encoding, in otherwise valid JSON.
func jsonText(body string) []byte {
	return []byte(strings.ToValidUTF8(strings.TrimPrefix(body, "\ufeff"), "\ufffd"))
}

// truth reads a success field. Both results are false for an unknown value.
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

// empty tells whether an error field reports no error.
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

// text returns an error field as readable text.
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
