package elevatetest

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
)

// reportInput is the content of a report call.
type reportInput struct {
	refusals
	since time.Time
	page  int
}

// readReport checks a call: its form, its key, and that it has exactly the expected fields, with the
// profile's values.
func (s *Server) readReport(w http.ResponseWriter, r *http.Request) reportInput {
	in := reportInput{page: 1}
	o := in.readObject(w, r)
	if o == nil {
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
	in.refuseUnknown(o, known, "nobody names")
}
