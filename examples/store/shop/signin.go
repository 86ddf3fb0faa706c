package shop

import (
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"github.com/amsbridge/amsbridge"
)

// members serves those who are signed in, and sends others to sign in first.
func (s *Shop) members(h page) page {
	return func(w http.ResponseWriter, r *http.Request, who *session) {
		if who.signedIn() {
			h(w, r, who)
			return
		}
		to := "/sign-in"
		if next, ok := afterSignIn[r.URL.Path]; ok {
			to += "?" + url.Values{"next": {next}}.Encode()
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// afterSignIn are the shop's own pages that one may be sent back to, by name.
// The way back to a hand-off is signed, and amsbridge's.
var afterSignIn = map[string]string{
	"/checkout": "checkout", "/learning": "learning", "/orders": "orders", "/mail": "mail", "/staff": "staff",
}

func (s *Shop) showSignIn(w http.ResponseWriter, r *http.Request, who *session) {
	q := r.URL.Query()
	s.show(w, r, who, "signin.html", "Sign in", struct {
		Members    []Member
		Back, Next string
	}{Members(), q.Get("back"), q.Get("next")})
}

func (s *Shop) signIn(w http.ResponseWriter, r *http.Request, who *session) {
	m, ok := MemberByID(amsbridge.UserID(r.PostFormValue("member")))
	if !ok {
		s.showProblem(w, r, who, http.StatusBadRequest, "There is no such member.")
		return
	}
	to := "/"
	for path, name := range afterSignIn {
		if name == r.PostFormValue("next") {
			to = path
		}
	}
	if back, ok := s.handOffs.WayBack(r); ok {
		to = back
	}
	own := &session{member: m}
	if !who.signedIn() {
		own.cart = who.cart
	}
	s.sessions.Begin(w, r, own)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (s *Shop) front(w http.ResponseWriter, r *http.Request, who *session) {
	shelf := func(k Kind) (all []Product) {
		for _, p := range Products() {
			if p.Kind == k {
				all = append(all, p)
			}
		}
		return all
	}
	s.show(w, r, who, "front.html", "Learn with people who care for people", struct{ Courses, Events, Books []Product }{
		shelf(Course), shelf(Event), shelf(Book),
	})
}

func (s *Shop) showProduct(w http.ResponseWriter, r *http.Request, who *session) {
	p, ok := ProductByID(mux.Vars(r)["id"])
	if !ok {
		s.show404(w, r, who)
		return
	}
	body := struct {
		Product    Product
		Owned      *Step
		Quantities []int
	}{p, nil, quantities()}
	if who.signedIn() {
		step, owned, err := s.owns(r.Context(), who.member.ID, p.ID)
		if err != nil {
			s.broken(w, r, who, err)
			return
		}
		if owned {
			body.Owned = &step
		}
	}
	s.show(w, r, who, "product.html", p.Title, body)
}
