package elevatetest

import (
	"time"

	"github.com/amsbridge/amsbridge/internal/faults"
)

// open adds a call to the journal and takes its fault.
func (s *Server) open(key string, in input) (faults.Fault, *Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fault := s.plan.TakeFor(faults.Call{Key: key, User: string(in.user.ID)})
	call := &Call{
		Seq: len(s.journal) + 1, Time: s.cfg.Now(), Key: key, UserID: in.user.ID, RemoteProductID: in.product,
		Confirmation: in.confirm, Repeat: key != "" && s.keys[key], Fault: fault.Kind, Violations: in.violations,
	}
	s.keys[key] = true
	s.journal = append(s.journal, call)
	return fault, call
}

// register updates or creates the person and then the registration. Between each look-up and its
// insert, [Config.UpsertDelay] lets other calls run.
func (s *Server) register(call *Call, in input, productURL string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	person := s.byUser[in.user.ID]
	s.letOthersIn()
	if person == nil {
		person = &Person{Number: len(s.persons) + 1, Key: call.Key, Time: call.Time}
		s.persons = append(s.persons, person)
		if s.byUser[in.user.ID] == nil {
			s.byUser[in.user.ID] = person
		}
	}
	person.User = in.user

	pair := pairing{person, in.product}
	registered := s.registered[pair]
	s.letOthersIn()
	if !registered {
		s.registered[pair] = true
		call.Effect = true
		s.registrations = append(s.registrations, registration{person, Registration{
			UserID: in.user.ID, RemoteProductID: in.product, ProductURL: productURL, Key: call.Key, Time: call.Time,
		}})
	}
	if in.confirm {
		s.mails = append(s.mails, Mail{
			Seq: call.Seq, To: in.user.Email, UserID: in.user.ID, RemoteProductID: in.product, ProductURL: productURL,
		})
	}
	if !registered || in.confirm {
		s.ledger = append(s.ledger, Effect{
			Seq: call.Seq, Key: call.Key, UserID: in.user.ID, RemoteProductID: in.product,
			Gained: !registered, Mailed: in.confirm,
		})
	}
}

// letOthersIn releases the lock for a while. It continues when the caller goes away, as a platform's
// work would.
func (s *Server) letOthersIn() {
	if s.cfg.UpsertDelay == 0 {
		return
	}
	s.mu.Unlock()
	<-time.After(s.cfg.UpsertDelay)
	s.mu.Lock()
}
