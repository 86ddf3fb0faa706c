package elevate

import (
	"encoding/json"
	"slices"
	"strconv"
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
	// deeper says that the URL was not at the profile's path, but deeper in the reply: it is a link, and
	// says nothing of success.
	deeper bool
}

// read interprets the body of a reply. verdictDone needs no error, and a success field that says yes or, with
// AcceptUnmarked, none.
func (p *Profile) read(body string) answer {
	var o map[string]any
	if err := strictjson.Unmarshal([]byte(strings.TrimPrefix(body, "\ufeff")), &o); err != nil {
		return answer{problem: err.About("the reply")}
	}
	a := answer{verdict: verdictUnmarked, problem: "the reply says neither success nor error"}
	a.url, a.deeper = p.findURL(o)
	refused := false
	for _, path := range p.Errors {
		if v, ok := fieldpath.Get(o, path); ok && !p.noError(v) {
			refused, a.text = true, strings.TrimSpace(a.text+" "+text(v))
		}
	}
	marked, done := false, false
	for _, path := range p.Success {
		v, ok := fieldpath.Get(o, path)
		yes, no := truth(v)
		marked, done, refused = marked || ok, done || yes, refused || no
	}
	switch {
	case refused:
		a.verdict = verdictRefused
	case done, !marked && p.AcceptUnmarked:
		a.verdict = verdictDone
	case marked:
		a.verdict, a.problem = verdictUnclear, "the reply's success field is neither yes nor no"
	}
	return a
}

// findURL returns the Product URL: the text at the profile's path, or the url or href of an object there. Where
// nothing is there, it is the only field of that name deeper in the reply.
func (p *Profile) findURL(o map[string]any) (found string, deeper bool) {
	v, _ := fieldpath.Get(o, p.ProductURL)
	if inner, ok := v.(map[string]any); ok {
		if v, ok = inner["url"]; !ok {
			v = inner["href"]
		}
	}
	if v != nil && !isEmpty(v) {
		return text(v), false
	}
	for _, path := range fieldpath.All(o) {
		if !strings.HasSuffix(path, "."+p.ProductURL) {
			continue
		}
		v, _ := fieldpath.Get(o, path)
		if s, ok := v.(string); ok && found == "" {
			found, deeper = s, true
		} else {
			return "", false
		}
	}
	return found, deeper
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
		s = strings.ToLower(strings.TrimSpace(v))
	}
	switch s {
	case "true", "1", "ok", "success", "yes":
		return true, false
	case "false", "0", "error", "failed", "failure", "no":
		return false, true
	}
	// Three digits are a status of HTTP, said again in the body.
	ofHTTP := len(s) == 3 && strings.Trim(s, "0123456789") == ""
	return ofHTTP && s[0] == '2', ofHTTP && (s[0] == '4' || s[0] == '5')
}

// noError tells whether an error field reports no error: null, false, zero in any form, a text that is empty, spells
// one of them or is one of the profile's, whatever stands around its words, or a list or an object of nothing else.
func (p *Profile) noError(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case json.Number:
		return isZero(v.String())
	case string:
		said := strings.Trim(strings.ToLower(v), " \t\r\n.!")
		return said == "" || isZero(said) || slices.Contains([]string{"none", "null", "nil", "n/a", "false"}, said) ||
			slices.ContainsFunc(p.NoError, func(none string) bool {
				return strings.EqualFold(strings.Trim(none, " \t\r\n.!"), said)
			})
	case []any:
		return !slices.ContainsFunc(v, func(inner any) bool { return !p.noError(inner) })
	case map[string]any:
		for _, inner := range v {
			said, _ := inner.(string)
			ok := slices.Contains([]string{"ok", "success"}, strings.ToLower(strings.TrimSpace(said))) // beside a code of 0
			if !ok && !p.noError(inner) {
				return false
			}
		}
		return true
	}
	return false
}

// isEmpty tells whether a value holds nothing, by no profile's texts.
func isEmpty(v any) bool { return new(Profile).noError(v) }

// isZero tells whether a text is a number that is zero.
func isZero(s string) bool {
	f, err := strconv.ParseFloat(s, 64)
	return err == nil && f == 0
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
