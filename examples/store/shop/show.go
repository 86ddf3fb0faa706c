package shop

import (
	"net/http"

	"github.com/amsbridge/amsbridge/examples/store/web"
)

// view is what every template is given.
type view struct {
	Title string
	// At is the page's path, for the menu.
	At string
	// Member is who is signed in, or the zero Member.
	Member Member
	InCart int
	// Proof lets the sign-out form speak for the member.
	Proof string
	// Said is told at the top.
	Said              string
	Elevate, Notified string
	Body              any
}

// show writes a page, and what the last one left to be said.
func (s *Shop) show(w http.ResponseWriter, r *http.Request, who *session, name, title string, body any) {
	s.showAs(w, r, who, http.StatusOK, name, title, body)
}

func (s *Shop) showAs(
	w http.ResponseWriter, r *http.Request, who *session, status int, name, title string, body any,
) {
	v := view{
		Title: title, At: r.URL.Path, Member: who.member, InCart: who.cart.count(), Said: who.said,
		Elevate: s.cfg.Elevate, Notified: s.cfg.Notified, Body: body,
	}
	who.said = ""
	if who.signedIn() {
		v.Proof = s.handOffs.SignOutProof(who.member.ID)
	}
	s.site.Show(w, status, name, v)
}

// watched is a body whose page may be loaded again and again, if the reader asks
// for it.
type watched struct {
	UnderWay, Watching bool
	Seats              []Seat
}

// watch says whether a page of these seats changes soon, and has it loaded
// again where the reader wants that.
func watch(w http.ResponseWriter, r *http.Request, all []Seat) watched {
	l := watched{UnderWay: underWay(all), Seats: all}
	l.Watching = l.UnderWay && r.URL.Query().Get("watch") == "1"
	if l.Watching {
		web.Watch(w, 2)
	}
	return l
}

// problem shows one sentence to a visitor whose session is not locked.
func (s *Shop) problem(w http.ResponseWriter, r *http.Request, status int, text string) {
	s.site.Show(w, status, "problem.html", view{
		Title: titleOf(status), At: r.URL.Path, Elevate: s.cfg.Elevate, Notified: s.cfg.Notified, Body: text,
	})
}

func (s *Shop) showProblem(w http.ResponseWriter, r *http.Request, who *session, status int, text string) {
	s.showAs(w, r, who, status, "problem.html", titleOf(status), text)
}

func (s *Shop) show404(w http.ResponseWriter, r *http.Request, who *session) {
	s.showProblem(w, r, who, http.StatusNotFound, "The link may be old. What we sell now is in the shop.")
}

func titleOf(status int) string {
	switch status {
	case http.StatusNotFound:
		return "We cannot find that page"
	case http.StatusForbidden:
		return "This is not for everybody"
	}
	return "That did not work"
}
