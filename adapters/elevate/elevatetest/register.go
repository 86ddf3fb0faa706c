package elevatetest

import (
	"net/http"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/internal/faults"
)

// input is a call as it was read.
type input struct {
	user       amsbridge.User
	product    string
	confirm    bool
	violations []string
	refusal    *answer // of the form; nil when the form is right
}

// open writes a call into the journal and takes its fault.
func (s *Server) open(key string, in input) (faults.Fault, *Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fault := s.plan.Take()
	call := &Call{
		Seq: len(s.journal) + 1, Time: s.cfg.Now(), Key: key, UserID: in.user.ID, RemoteProductID: in.product,
		Confirmation: in.confirm, Repeat: key != "" && s.keys[key], Fault: fault.Kind, Violations: in.violations,
	}
	s.keys[key] = true
	s.journal = append(s.journal, call)
	return fault, call
}

// refuse turns down a call of the right form whose product is not to be had.
func (s *Server) refuse(in input) *answer {
	p, ok := s.byID[in.product]
	switch {
	case !ok:
		return &answer{status: http.StatusUnprocessableEntity, text: "unknown product"}
	case p.Closed:
		return &answer{status: http.StatusUnprocessableEntity, text: "the product is closed for registration"}
	}
	return nil
}

// register updates or creates the user and registers them once.
func (s *Server) register(call *Call, in input, productURL string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[in.user.ID] = in.user
	at := place{in.user.ID, in.product}
	if !s.registered[at] {
		s.registered[at] = true
		call.Effect = true
		s.registrations = append(s.registrations, Registration{
			UserID: in.user.ID, RemoteProductID: in.product, ProductURL: productURL, Key: call.Key, Time: call.Time,
		})
	}
	if in.confirm {
		s.mails = append(s.mails, Mail{
			Seq: call.Seq, To: in.user.Email, UserID: in.user.ID, RemoteProductID: in.product, ProductURL: productURL,
		})
	}
	return productURL
}
