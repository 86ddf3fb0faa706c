package chaos

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"strings"
)

// echo makes a platform repeat what it was sent in every answer that a fault
// makes: as it came, escaped for JSON, and escaped for HTML.
func echo(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		var sent strings.Builder
		sent.WriteString(r.Method + " " + r.RequestURI + "\n")
		_ = r.Header.Write(&sent) // a Builder never fails
		sent.Write(body)
		quoted, err := json.Marshal(sent.String())
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.ServeHTTP(&echoing{w, "\n" + sent.String() + "\n" + string(quoted) + "\n" + html.EscapeString(sent.String()), false}, r)
	})
}

// echoing writes the echo before an answer's own body.
type echoing struct {
	http.ResponseWriter
	text string
	done bool
}

func (e *echoing) WriteHeader(status int) {
	e.ResponseWriter.WriteHeader(status)
	kind := e.Header().Get("Content-Type")
	if !e.done && (status != http.StatusOK || strings.HasPrefix(kind, "text/html") || kind == "application/octet-stream") {
		_, _ = io.WriteString(e.ResponseWriter, e.text) // the caller may be gone
	}
	e.done = true
}

// Flush sends what was written, as half an answer wants it.
func (e *echoing) Flush() {
	if f, ok := e.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}
