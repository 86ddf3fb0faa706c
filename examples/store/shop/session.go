package shop

import (
	"net/http"
	"sync"

	"github.com/amsbridge/amsbridge"
)

const sessionCookie = "store_session"

// session is a visitor's. Its lock is held while a page of it is served, so that
// a double click checks out once.
type session struct {
	// member is who signed in, or the zero Member. It never changes: signing in
	// begins another session.
	member Member

	mu   sync.Mutex
	cart cart
	// placed is the last order's ID, and report what amsbridge did with it.
	placed string
	report *amsbridge.Report
	// said is told on the next page, once.
	said string
}

func (s *session) signedIn() bool { return s.member.ID != "" }

// CurrentUser says who is signed in, for amsbridge's handlers.
func (s *Shop) CurrentUser(r *http.Request) (amsbridge.User, error) {
	who := s.sessions.Of(r)
	if who == nil || !who.signedIn() {
		return amsbridge.User{}, amsbridge.ErrSignedOut
	}
	return who.member.User, nil
}

// EndSession signs out, for amsbridge's sign-out.
func (s *Shop) EndSession(w http.ResponseWriter, r *http.Request) error {
	s.sessions.End(w, r)
	return nil
}
