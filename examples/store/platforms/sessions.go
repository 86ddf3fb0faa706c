package platforms

import (
	"net/http"
	"slices"

	"github.com/amsbridge/amsbridge"
)

// member is who is signed in at the platform.
type member struct {
	ID   amsbridge.UserID
	Name string
}

// signIn begins a session of a member who was handed over.
func (s *site) signIn(w http.ResponseWriter, r *http.Request, who member) {
	s.sessions.Begin(w, r, who)
	s.arriving.Lock()
	defer s.arriving.Unlock()
	s.arrived = append(s.arrived, who.ID)
}

// Arrived returns who was handed over so far, in their order.
func (s *site) Arrived() []amsbridge.UserID {
	s.arriving.Lock()
	defer s.arriving.Unlock()
	return slices.Clone(s.arrived)
}
