package elevatetest

import (
	"bytes"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/amsbridge/amsbridge/internal/strictjson"
)

const queryProblem = "the URL has a query, which logs would keep"

// formProblem says why a body cannot be JSON as the vendor's text wants it.
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

// readObject reads the body, or says what is wrong with it.
func readObject(body []byte, readErr error) (map[string]any, string) {
	if readErr != nil {
		return nil, "the body was cut off"
	}
	var o map[string]any
	if err := strictjson.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &o); err != nil {
		return nil, err.About("the body")
	}
	return o, ""
}

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// shown is the name of a field that nobody expected. A name of another form may
// be a value that slipped into its place.
func shown(path string) string {
	if fieldName.MatchString(path) {
		return path
	}
	return "whose name is not shown"
}
