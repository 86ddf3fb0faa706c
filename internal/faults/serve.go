package faults

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

const (
	garbage   = "\x00\xff\xfe}{<<>>&&&;;;"
	loginPage = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>" +
		"<body><form method=\"post\" action=\"/login\"><input name=\"user\">" +
		"<input type=\"password\" name=\"password\"></form></body></html>\n"
)

// Serve answers one call. act carries the call out and writes the regular answer. It is called once, or
// not at all where the fault strikes before the effect. The request's body must have been read, or
// Serve does not notice that the caller goes away. Serve cuts a connection by panicking with
// [http.ErrAbortHandler], which only a server recovers: a handler that a test calls directly passes the
// panic on. Release all holds before closing the server.
func (f Fault) Serve(w http.ResponseWriter, r *http.Request, act http.HandlerFunc) {
	switch f.Kind {
	case None:
		act(w, r)
	case Slow:
		if !wait(r, f.Delay) {
			panic(http.ErrAbortHandler)
		}
		act(w, r)
	case CutBefore:
		panic(http.ErrAbortHandler)
	case CutAfter:
		act(newKept(), r)
		panic(http.ErrAbortHandler)
	case Truncate:
		answer := newKept()
		act(answer, r)
		answer.truncate(w)
		panic(http.ErrAbortHandler)
	case HoldAfter:
		answer := newKept()
		act(answer, r)
		if !f.Hold.wait(r.Context().Done(), f.Delay) {
			panic(http.ErrAbortHandler)
		}
		answer.send(w)
	default:
		if f.Effect {
			act(newKept(), r)
		}
		f.answer(w)
	}
}

// answer writes the fault's own answer.
func (f Fault) answer(w http.ResponseWriter) {
	status, kind, body := http.StatusInternalServerError, "text/plain; charset=utf-8", f.Kind.String()+"\n"
	switch f.Kind {
	case Throttle:
		status = http.StatusTooManyRequests
	case Unavailable:
		status = http.StatusServiceUnavailable
	case Unauthorized:
		status = http.StatusUnauthorized
	case Forbidden:
		status = http.StatusForbidden
	case Redirect:
		status = http.StatusFound
		w.Header().Set("Location", "https://login.invalid/")
	case LoginPage:
		status, kind, body = http.StatusOK, "text/html; charset=utf-8", loginPage
	case Garbage:
		status, kind, body = http.StatusOK, "application/octet-stream", f.Body
		if body == "" {
			body = garbage
		}
	case Reply:
		status, kind, body = cmp.Or(f.Status, http.StatusOK), cmp.Or(f.ContentType, "application/json"), f.Body
	}
	if f.RetryAfter != "" && (f.Kind == Throttle || f.Kind == Unavailable) {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the caller may be gone
}

// wait waits for d, and returns false if the caller goes away first.
func wait(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// kept is an answer that is not sent yet.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newKept() *kept { return &kept{header: http.Header{}, status: http.StatusOK} }

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }

func (k *kept) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), k.header)
	w.WriteHeader(k.status)
	_, _ = w.Write(k.body.Bytes()) // the caller may be gone
}

// truncate announces the whole body and sends half of it.
func (k *kept) truncate(w http.ResponseWriter) {
	maps.Copy(w.Header(), k.header)
	w.Header().Set("Content-Length", strconv.Itoa(max(k.body.Len(), 1)))
	w.WriteHeader(k.status)
	_, _ = w.Write(k.body.Bytes()[:k.body.Len()/2]) // the caller may be gone
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}
