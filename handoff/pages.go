package handoff

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/pages"
)

func (h *Handlers) problem(w http.ResponseWriter, status int, title string, text ...string) {
	h.pages.Write(w, status, pages.Page{Name: "problem", Title: title, Text: text})
}

func (h *Handlers) tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "60")
	h.problem(w, http.StatusTooManyRequests, "Please wait a minute", "There were too many attempts.")
}

// retry shows a page that offers the same link again. It names no cause, since none would help the
// member.
func (h *Handlers) retry(w http.ResponseWriter, r *http.Request, p Platform) {
	h.pages.Write(w, http.StatusServiceUnavailable, pages.Page{
		Name: "problem", Title: p.Title + " cannot be reached just now",
		Text:  []string{"Nothing is lost. Please try again in a moment."},
		Links: []pages.Link{{URL: ownURL(r), Text: "Try again"}},
	})
}

// notSigned says that no token was signed. What the SSO refuses will be refused the next time too; the
// audit says what it is.
func (h *Handlers) notSigned(w http.ResponseWriter, r *http.Request, p Platform, err error) {
	var input *amsbridge.InputError
	if !errors.As(err, &input) {
		h.retry(w, r, p)
		return
	}
	h.cannot(w, "Something in your account is not as "+p.Title+" can read it")
}

// cannot says what keeps a member out until somebody changes it.
func (h *Handlers) cannot(w http.ResponseWriter, why string) {
	h.problem(w, http.StatusForbidden, "We cannot take you there", why+", and trying again does not help. Please ask us.")
}

func (h *Handlers) noProduct(w http.ResponseWriter, p Platform) {
	h.problem(w, http.StatusNotFound, "There is nothing here", "This link leads to nothing at "+p.Title+".")
}

// refreshAfter is how often the waiting page reloads, in seconds.
const refreshAfter = 5

// waiting shows the page that says that the push is on its way.
func (h *Handlers) waiting(w http.ResponseWriter, r *http.Request, p Platform) {
	w.Header().Set("Retry-After", strconv.Itoa(refreshAfter))
	h.pages.Write(w, http.StatusOK, pages.Page{
		Name: "waiting", Title: "We are finishing your registration",
		Text: []string{
			"It is on its way to " + p.Title + ". This page looks again by itself, every few seconds.",
		},
		Refresh: refreshAfter,
		Links:   []pages.Link{{URL: ownURL(r), Text: "Look again now"}},
	})
}
