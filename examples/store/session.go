package main

import (
	"crypto/rand"
	"net/http"
	"slices"
	"sync"

	"github.com/amsbridge/amsbridge"
)

const sessionCookie = "store_session"

// maxSessions is how many are kept; the shop forgets all when there are more.
const maxSessions = 10_000

// session is a signed-in member. Its lock is held while a request of it is
// served, so that a double click checks out once.
type session struct {
	member amsbridge.User

	mu   sync.Mutex
	cart cart
	// placed is the last order's ID, and queued what became of it.
	placed string
	queued *amsbridge.Queued
}

// cart holds one piece of each product. Its order ID is given with the first
// one and kept until the order is placed: a checkout whose commit was never
// answered can be tried again, and cannot be placed twice.
type cart struct {
	orderID  string
	products []string
}

func (c *cart) put(id string) {
	if c.orderID == "" {
		c.orderID = newOrderID()
	}
	if !slices.Contains(c.products, id) {
		c.products = append(c.products, id)
	}
}

func (c *cart) remove(id string) {
	c.products = slices.DeleteFunc(c.products, func(p string) bool { return p == id })
}

// sessions are kept in memory, by a random ID that lies in a cookie.
type sessions struct {
	mu   sync.Mutex
	byID map[string]*session
}

// begin signs a member in under a new ID, whatever the browser sent.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request, member amsbridge.User) {
	s.end(w, r)
	id := rand.Text()
	s.mu.Lock()
	if s.byID == nil || len(s.byID) >= maxSessions {
		s.byID = map[string]*session{}
	}
	s.byID[id] = &session{member: member}
	s.mu.Unlock()
	// Not Secure: the example is served by plain http on this machine.
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (s *sessions) of(r *http.Request) *session {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[c.Value]
}

func (s *sessions) end(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return
	}
	s.mu.Lock()
	delete(s.byID, c.Value)
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
