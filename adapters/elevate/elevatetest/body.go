package elevatetest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
	"github.com/amsbridge/amsbridge/internal/strictjson"
)

// refusals collects what is wrong with a call's form.
type refusals struct {
	violations []string
	refusal    *answer // for the first violation; nil if there is none
}

func (rs *refusals) refuse(status int, text string) {
	rs.violations = append(rs.violations, text)
	if rs.refusal == nil {
		rs.refusal = &answer{status: status, text: text}
	}
}

// readObject reads the JSON object that a call must post. It returns nil where there is none. A call
// with an object may still be refused.
func (rs *refusals) readObject(w http.ResponseWriter, r *http.Request) map[string]any {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if r.Method != http.MethodPost {
		rs.refuse(http.StatusMethodNotAllowed, "the method is not POST")
		rs.refusal.allow = http.MethodPost
		return nil
	}
	if problem := formProblem(r); problem != "" {
		rs.refuse(http.StatusUnsupportedMediaType, problem)
	}
	if r.URL.RawQuery != "" {
		rs.refuse(http.StatusBadRequest, "the URL has a query, which logs would keep")
	}
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		rs.refuse(http.StatusRequestEntityTooLarge, "the body is longer than 64 KiB")
		return nil
	}
	if err != nil {
		rs.refuse(http.StatusBadRequest, "the body was cut off")
		return nil
	}
	var object map[string]any
	if bad := strictjson.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &object); bad != nil {
		rs.refuse(http.StatusBadRequest, bad.About("the body"))
		return nil
	}
	return object
}

// refuseUnknown refuses each field of an object that is neither at nor below one of these paths.
// "nobody" says in the refusal who does not name the field.
func (rs *refusals) refuseUnknown(object map[string]any, known []string, nobody string) {
	for _, path := range slices.Sorted(slices.Values(fieldpath.All(object))) {
		if !slices.ContainsFunc(known, func(k string) bool { return k == path || strings.HasPrefix(path, k+".") }) {
			rs.refuse(http.StatusUnprocessableEntity, nobody+" the field "+shown(path))
		}
	}
}

// formProblem says why a request's body cannot be the JSON of the vendor's text.
func formProblem(r *http.Request) string {
	t, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, named := params["charset"]
	switch {
	case err != nil || t != "application/json":
		return "the content type is not application/json"
	case named && !strings.EqualFold(charset, "utf-8"):
		return "the content type's charset is not UTF-8" // RFC 8259 section 8.1
	case r.Header.Get("Content-Encoding") != "":
		return "the body is encoded"
	}
	return ""
}

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// shown returns the name of an unexpected field as the journal may hold it. A name of another form may
// be a misplaced value.
func shown(path string) string {
	if fieldName.MatchString(path) {
		return path
	}
	return "whose name is not shown"
}
