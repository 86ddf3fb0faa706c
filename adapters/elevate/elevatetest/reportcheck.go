package elevatetest

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
)

// reportInput is a report call as it was read.
type reportInput struct {
	since      time.Time
	page       int
	violations []string
	refusal    *answer // of the form; nil when the form is right
}

func (in *reportInput) refuse(status int, text string) {
	in.violations = append(in.violations, text)
	if in.refusal == nil {
		in.refusal = &answer{status: status, text: text}
	}
}

// readReport checks a call: its form, its key, and that every field is there,
// with the profile's value, and no other.
func (s *Server) readReport(r *http.Request, body []byte, readErr error) reportInput {
	in := reportInput{page: 1}
	if r.Method != http.MethodPost {
		in.refuse(http.StatusMethodNotAllowed, "the method is not POST")
		in.refusal.allow = http.MethodPost
		return in
	}
	if problem := formProblem(r); problem != "" {
		in.refuse(http.StatusUnsupportedMediaType, problem)
	}
	if r.URL.RawQuery != "" {
		in.refuse(http.StatusBadRequest, queryProblem)
	}
	if tooLong := new(http.MaxBytesError); errors.As(readErr, &tooLong) {
		in.refuse(http.StatusRequestEntityTooLarge, "the body is longer than 64 KiB")
		return in
	}
	o, problem := readObject(body, readErr)
	if problem != "" {
		in.refuse(http.StatusBadRequest, problem)
		return in
	}
	if key, _ := o["api_key"].(string); subtle.ConstantTimeCompare([]byte(key), []byte(s.cfg.ReportKey)) != 1 {
		in.refuse(http.StatusUnauthorized, "the api_key is missing or wrong")
	}
	s.readReportFields(o, &in)
	return in
}

func (s *Server) readReportFields(o map[string]any, in *reportInput) {
	p := s.cfg.ReportProfile
	no := func(text string) { in.refuse(http.StatusUnprocessableEntity, text) }
	for _, f := range []struct {
		name string
		want json.RawMessage
	}{
		{"format", p.Format},
		{"labels", p.Labels},
		{"resource", json.RawMessage(`"productRegistration"`)},
		{"fields", p.Fields},
	} {
		if v, there := o[f.name]; !there {
			no("the field " + f.name + " is missing")
		} else if !sameJSON(v, f.want) {
			no("the field " + f.name + " is not as the profile has it")
		}
	}
	filters, _ := o["filters"].(map[string]any)
	filter, _ := filters["transaction_at"].(map[string]any)
	text, _ := filter[">="].(string)
	since, err := time.ParseInLocation(p.TimeLayouts[0], text, s.reportZone())
	if len(filters) != 1 || len(filter) != 1 || err != nil {
		no(`the field filters is not {"transaction_at":{">=": a time as the profile writes it}}`)
	}
	in.since = since
	known := []string{"api_key", "format", "labels", "resource", "fields", "filters"}
	number := func(path string) int {
		known = append(known, path)
		v, _ := fieldpath.Get(o, path)
		n, _ := v.(json.Number)
		i, err := strconv.Atoi(n.String())
		if err != nil || i < 1 || i > 1_000_000 {
			no("the field " + path + " is not a number from 1")
			return 1
		}
		return i
	}
	if p.PageField != "" {
		in.page = number(p.PageField)
	}
	if p.PageSizeField != "" && number(p.PageSizeField) != p.PageSize {
		no("the field " + p.PageSizeField + " is not as the profile has it")
	}
	for _, path := range slices.Sorted(slices.Values(fieldpath.All(o))) {
		if !slices.ContainsFunc(known, func(k string) bool { return path == k || strings.HasPrefix(path, k+".") }) {
			no("nobody names the field " + shown(path))
		}
	}
}
