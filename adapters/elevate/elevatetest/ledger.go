package elevatetest

import (
	"slices"

	"github.com/amsbridge/amsbridge"
)

// Effect is what one call changed for a person.
type Effect struct {
	// Seq is the number of the call, and Key its key.
	Seq             int
	Key             string
	UserID          amsbridge.UserID
	RemoteProductID string
	// Gained is set when the person was registered for the product, and had not been before.
	Gained bool
	// Mailed is set when a confirmation email was sent.
	Mailed bool
}

// Ledger returns what the calls changed, in the order in which they changed it, which with slow calls is
// not that of the [Server.Journal]. Calls that changed nothing are left out. Nothing is ever lost: no
// call ends a registration.
func (s *Server) Ledger() []Effect {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ledger)
}
