package platforms

import (
	"crypto/rand"
	"net/http"
	"sync"

	"github.com/amsbridge/amsbridge"
)

// guest is a member who walked in.
type guest struct {
	ID   amsbridge.UserID
	Name string
}

// maxGuests is how many are kept; the sandbox forgets all when there are more.
const maxGuests = 10_000

// guests are the platform's own sessions, by a random ID that lies in a cookie.
// Browsers share cookies between ports of one host, so each site names its own.
type guests struct {
	cookie string

	mu      sync.Mutex
	byID    map[string]guest
	arrived []amsbridge.UserID
}

// enter begins a session under a new ID.
func (g *guests) enter(w http.ResponseWriter, who guest) {
	id := rand.Text()
	g.mu.Lock()
	if g.byID == nil || len(g.byID) >= maxGuests {
		g.byID = map[string]guest{}
	}
	g.byID[id] = who
	g.arrived = append(g.arrived, who.ID)
	g.mu.Unlock()
	http.SetCookie(w, g.with(id, 0))
}

// of returns the guest of a request, or the zero one.
func (g *guests) of(r *http.Request) guest {
	c, err := r.Cookie(g.cookie)
	if err != nil {
		return guest{}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.byID[c.Value]
}

func (g *guests) leave(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(g.cookie); err == nil {
		g.mu.Lock()
		delete(g.byID, c.Value)
		g.mu.Unlock()
	}
	http.SetCookie(w, g.with("", -1))
}

func (g *guests) with(value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: g.cookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Arrived returns who walked in so far, in their order.
func (s *site) Arrived() []amsbridge.UserID {
	s.guests.mu.Lock()
	defer s.guests.mu.Unlock()
	return append([]amsbridge.UserID(nil), s.guests.arrived...)
}
