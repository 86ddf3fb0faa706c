package platforms

import (
	"crypto/rand"
	"net/http"
	"slices"
	"sync"

	"github.com/amsbridge/amsbridge"
)

// member is who is signed in at the platform.
type member struct {
	ID   amsbridge.UserID
	Name string
}

// maxSessions is how many are kept; the sandbox forgets all when there are more.
const maxSessions = 10_000

// sessions are the platform's own, by a random ID that lies in a cookie.
// Browsers share cookies between ports of one host, so each site names its own.
type sessions struct {
	cookie string

	mu      sync.Mutex
	byID    map[string]member
	arrived []amsbridge.UserID
}

// begin signs a member in, under a new ID.
func (s *sessions) begin(w http.ResponseWriter, who member) {
	id := rand.Text()
	s.mu.Lock()
	if s.byID == nil || len(s.byID) >= maxSessions {
		s.byID = map[string]member{}
	}
	s.byID[id] = who
	s.arrived = append(s.arrived, who.ID)
	s.mu.Unlock()
	http.SetCookie(w, s.with(id, 0))
}

// of returns the member of a request, or the zero one.
func (s *sessions) of(r *http.Request) member {
	c, err := r.Cookie(s.cookie)
	if err != nil {
		return member{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[c.Value]
}

// end signs out.
func (s *sessions) end(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(s.cookie); err == nil {
		s.mu.Lock()
		delete(s.byID, c.Value)
		s.mu.Unlock()
	}
	http.SetCookie(w, s.with("", -1))
}

func (s *sessions) with(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// Arrived returns who was handed over so far, in their order.
func (s *site) Arrived() []amsbridge.UserID {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	return slices.Clone(s.sessions.arrived)
}
