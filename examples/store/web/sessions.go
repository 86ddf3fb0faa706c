package web

import (
	"container/list"
	"crypto/rand"
	"net/http"
	"sync"
)

// MaxSessions is how many sessions a site keeps. When there are more, the one
// whose visitor was away the longest is forgotten: a stranger's, as long as there
// is one.
const MaxSessions = 10_000

// Sessions are kept in memory, by a random ID that lies in a cookie. They are
// safe for concurrent use.
type Sessions[T any] struct {
	// Cookie is the cookie's name. Browsers share cookies between ports of one
	// host, so each site names its own.
	Cookie string
	// SignedIn tells members' sessions from strangers'. Without it, all are
	// strangers'.
	SignedIn func(T) bool

	mu                 sync.Mutex
	byID               map[string]*list.Element
	strangers, members list.List // of kept[T], the last used first
}

type kept[T any] struct {
	id      string
	session T
	among   *list.List
}

// Of returns a request's session, or the zero T.
func (s *Sessions[T]) Of(r *http.Request) (session T) {
	c, err := r.Cookie(s.Cookie)
	if err != nil {
		return session
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.byID[c.Value]
	if !ok {
		return session
	}
	own := at.Value.(kept[T])
	own.among.MoveToFront(at)
	return own.session
}

// Begin puts a session in the place of the request's, under a new ID, whatever
// the browser sent.
func (s *Sessions[T]) Begin(w http.ResponseWriter, r *http.Request, session T) {
	id := rand.Text()
	s.mu.Lock()
	s.forget(r)
	if len(s.byID) >= MaxSessions {
		among := &s.strangers
		if among.Len() == 0 {
			among = &s.members
		}
		delete(s.byID, among.Remove(among.Back()).(kept[T]).id)
	}
	if s.byID == nil {
		s.byID = map[string]*list.Element{}
	}
	among := &s.strangers
	if s.SignedIn != nil && s.SignedIn(session) {
		among = &s.members
	}
	s.byID[id] = among.PushFront(kept[T]{id, session, among})
	s.mu.Unlock()
	http.SetCookie(w, s.with(id, 0))
}

// End signs out.
func (s *Sessions[T]) End(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.forget(r)
	s.mu.Unlock()
	http.SetCookie(w, s.with("", -1))
}

// forget wants the lock.
func (s *Sessions[T]) forget(r *http.Request) {
	c, err := r.Cookie(s.Cookie)
	if err != nil {
		return
	}
	if at, ok := s.byID[c.Value]; ok {
		at.Value.(kept[T]).among.Remove(at)
		delete(s.byID, c.Value)
	}
}

// with is not Secure, and has no __Host- before its name, since the example is
// served by plain http on this machine. Yours has both. Lax lets it be sent when
// a visitor comes by a link.
func (s *Sessions[T]) with(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: s.Cookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
