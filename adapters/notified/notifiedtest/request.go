package notifiedtest

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// lasCmd and a module must be the first parameter, in exactly these bytes.
const lasCmd = "LASCmd=AI:4;F:APIUTILS!"

// Sizes in the vendor's text. Whether they mean bytes or characters is unknown; the sandbox counts
// bytes, the stricter reading.
const (
	maxExternalUserID = 255
	maxEMailAddress   = 255
)

var sizes = map[string]int{
	"APIUserAuthCode": 80, "APIUserCredentials": 80,
	"OpCodeList": 20, "OutputFormat": 1, "LookupByExternalUserID": 1,
	"ExternalUserID": maxExternalUserID, "EMailAddress": maxEMailAddress, "AddOnsChangeList": 8000,
}

// common are the parameters of every call. The vendor's text lists the last three as M's; that every
// opcode accepts them is a guess, since public code of others always sends ShowKey.
var common = []string{
	"LASCmd", "APIUserAuthCode", "APIUserCredentials", "OpCodeList", "OutputFormat", "LookupByExternalUserID",
	"ExternalUserID", "EMailAddress", "ShowKey",
}

// maxBody is more than the longest allowed call takes when percent-encoded.
const maxBody = 64 << 10

type params map[string]string

// request is the content of a call.
type request struct {
	params     params
	module     string // empty where LASCmd is wrong
	violations []string
}

// violates adds a violation. Those after the twentieth are dropped.
func (q *request) violates(format string, args ...any) {
	if len(q.violations) < 20 {
		q.violations = append(q.violations, fmt.Sprintf(format, args...))
	}
}

// read takes the parameters from the raw query and, in a POST, from the form. The standard library's
// query parser would drop a pair with a raw semicolon.
func (s *Server) read(r *http.Request) request {
	q := request{params: params{}}
	raw := r.URL.RawQuery
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	var form string
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case err != nil:
		q.violates("the body cannot be read")
	case len(body) > maxBody:
		q.violates("the body is longer than 64 KiB")
	case len(body) == 0:
	case r.Method != http.MethodPost:
		q.violates("a %s has a body", r.Method)
	case kind != "application/x-www-form-urlencoded":
		q.violates("the body is no form")
	default:
		form = string(body)
	}
	// Where LASCmd belongs in a POST is unknown: here first in the URL, or first in the form where the
	// URL has no parameters.
	all := strings.Trim(raw+"&"+form, "&")
	first, _, _ := strings.Cut(all, "&")
	q.module, _ = strings.CutPrefix(first, lasCmd)
	if _, known := modules[q.module]; !known {
		q.module = ""
		q.violates("LASCmd is not the first parameter in the very form %s", lasCmd+moduleOpCodes)
	}
	for pair := range strings.SplitSeq(all, "&") {
		q.take(pair)
	}
	q.check()
	q.checkNames(s)
	return q
}

func (q *request) take(pair string) {
	rawName, rawValue, ok := strings.Cut(pair, "=")
	name, err1 := url.QueryUnescape(rawName)
	value, err2 := url.QueryUnescape(rawValue)
	switch _, twice := q.params[name]; {
	case !ok:
		q.violates("a parameter has no value")
	case errors.Join(err1, err2) != nil:
		q.violates("a parameter is not percent-encoded well")
	case !utf8.ValidString(name + value):
		q.violates("a parameter is not valid UTF-8")
	case twice:
		q.violates("%s is there twice", shown(name))
	default:
		q.params[name] = value
	}
}

func (q *request) check() {
	for name, limit := range sizes {
		if len(q.params[name]) > limit {
			q.violates("%s is longer than %d bytes", name, limit)
		}
	}
	m := modules[q.module]
	if f, ok := q.params["OutputFormat"]; ok && m.formats != "" && (len(f) != 1 || !strings.Contains(m.formats, f)) {
		last := len(m.formats) - 1
		q.violates("OutputFormat is not %s", strings.TrimPrefix(strings.Join(strings.Split(m.formats[:last], ""), ", ")+
			" or "+m.formats[last:], " or "))
	}
	if l, ok := q.params["LookupByExternalUserID"]; ok && l != "0" && l != "1" {
		q.violates("LookupByExternalUserID is not 0 or 1")
	}
	if q.params["OpCodeList"] == "" && !m.noOpCodes {
		q.violates("OpCodeList is missing")
	}
}

// checkNames reports parameters that none of the call's opcodes takes.
func (q *request) checkNames(s *Server) {
	allowed := slices.Concat(common, s.cfg.ExtraParams, modules[q.module].params)
	if q.module == moduleOpCodes || q.module == "" {
		for _, letter := range q.params["OpCodeList"] {
			allowed = append(allowed, s.opCodes[letter].params...)
		}
	}
	for name := range q.params {
		if !slices.Contains(allowed, name) {
			q.violates("%s is no parameter of these opcodes", shown(name))
		}
	}
	slices.Sort(q.violations)
}

// shownOpCodes returns the OpCodeList for the journal. A list with unknown letters may be a misplaced
// secret.
func (s *Server) shownOpCodes(q request) string {
	list := q.params["OpCodeList"]
	if q.module == moduleEvents && slices.Contains(eventOpCodes, list) || q.module == moduleSetup {
		return list
	}
	unknown := func(letter rune) bool { return s.opCodes[letter].do == nil }
	if len(list) > sizes["OpCodeList"] || strings.ContainsFunc(list, unknown) {
		return "(unknown)"
	}
	return list
}

// digits reads a positive whole number that is written with digits alone.
func digits(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n > 0
}

// shown returns a parameter's name for a violation. A name of another form may be a misplaced secret.
func shown(name string) string {
	if isName(name) {
		return name
	}
	return "a parameter with a strange name"
}

func isName(s string) bool { return nameForm.MatchString(s) }

var nameForm = regexp.MustCompile(`^[A-Za-z0-9_]{1,40}$`)
