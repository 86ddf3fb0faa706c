package shop

import (
	"crypto/rand"
	"net/http"
	"sync"

	"github.com/amsbridge/amsbridge"
)

const sessionCookie = "store_session"

// maxSessions is how many are kept; the shop forgets all when there are more.
const maxSessions = 10_000

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

// sessions are kept in memory, by a random ID that lies in a cookie.
type sessions struct {
	mu   sync.Mutex
	byID map[string]*session
}

// of returns a request's session, or nil.
func (s *sessions) of(r *http.Request) *session {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[c.Value]
}

// keep puts a session in the place of the request's, under a new ID, whatever
// the browser sent.
func (s *sessions) keep(w http.ResponseWriter, r *http.Request, own *session) {
	s.forget(r)
	id := rand.Text()
	s.mu.Lock()
	if s.byID == nil || len(s.byID) >= maxSessions {
		s.byID = map[string]*session{}
	}
	s.byID[id] = own
	s.mu.Unlock()
	http.SetCookie(w, cookie(id, 0))
}

// end signs out.
func (s *sessions) end(w http.ResponseWriter, r *http.Request) {
	s.forget(r)
	http.SetCookie(w, cookie("", -1))
}

func (s *sessions) forget(r *http.Request) {
	if c, err := r.Cookie(sessionCookie); err == nil {
		s.mu.Lock()
		delete(s.byID, c.Value)
		s.mu.Unlock()
	}
}

// cookie is not Secure, and has no __Host- before its name, since the example is
// served by plain http on this machine. Yours has both. Lax lets it be sent when
// a buyer comes from Elevate by a link.
func cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}

// CurrentUser says who is signed in, for amsbridge's handlers.
func (s *Shop) CurrentUser(r *http.Request) (amsbridge.User, error) {
	who := s.sessions.of(r)
	if who == nil || !who.signedIn() {
		return amsbridge.User{}, amsbridge.ErrSignedOut
	}
	return who.member.User, nil
}

// EndSession signs out, for amsbridge's sign-out.
func (s *Shop) EndSession(w http.ResponseWriter, r *http.Request) error {
	s.sessions.end(w, r)
	return nil
}
