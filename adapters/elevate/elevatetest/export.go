package elevatetest

import (
	"encoding/json"
	"io"
	"strings"
	"time"
)

// exported is one line of [Server.WriteJournal]. Fields that do not belong to its kind, What, are left
// out.
type exported struct {
	What            string     `json:"what"`
	Seq             int        `json:"seq,omitempty"`    // of a call
	Number          int        `json:"number,omitempty"` // of a person
	Time            time.Time  `json:"time,omitzero"`
	Key             string     `json:"key,omitempty"`
	UserID          string     `json:"user_id,omitempty"`
	RemoteProductID string     `json:"remote_product_id,omitempty"`
	Confirmation    bool       `json:"confirmation,omitempty"`
	Effect          bool       `json:"effect,omitempty"`
	Repeat          bool       `json:"repeat,omitempty"`
	Since           time.Time  `json:"since,omitzero"`
	Page            int        `json:"page,omitempty"`
	Rows            int        `json:"rows,omitempty"`
	Status          int        `json:"status,omitempty"`
	Fault           *FaultKind `json:"fault,omitempty"`
	Violations      []string   `json:"violations,omitempty"`
	Refusal         string     `json:"refusal,omitempty"`
}

// WriteJournal writes one JSON object a line, each with a field "what": first every "call" to the
// Registration API, then every "report" call, "person", "registration" and "mail", all of one moment,
// each kind in its order. The other fields are those of [Call], [ReportCall], [Person], [Registration]
// and [Mail], in lower case with underscores. Names, e-mail addresses and credentials are left out: a
// user ID, key or product ID that is one, or looks like one, is written as "(not shown)". An error of w
// is returned unchanged.
func (s *Server) WriteJournal(w io.Writer) error {
	enc := json.NewEncoder(w)
	for _, l := range s.export() {
		l.Key, l.UserID, l.RemoteProductID = s.masked(l.Key), s.masked(l.UserID), s.masked(l.RemoteProductID)
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) export() (all []exported) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.journal {
		fault := c.Fault
		all = append(all, exported{
			What: "call", Seq: c.Seq, Time: c.Time, Key: c.Key,
			UserID: string(c.UserID), RemoteProductID: c.RemoteProductID, Confirmation: c.Confirmation,
			Effect: c.Effect, Repeat: c.Repeat, Status: c.Status, Fault: &fault,
			Violations: c.Violations, Refusal: c.Refusal,
		})
	}
	for _, c := range s.reports {
		fault := c.Fault
		all = append(all, exported{
			What: "report", Seq: c.Seq, Time: c.Time, Since: c.Since, Page: c.Page, Rows: c.Rows,
			Status: c.Status, Fault: &fault, Violations: c.Violations,
		})
	}
	for _, p := range s.persons {
		all = append(all, exported{
			What: "person", Number: p.Number, Time: p.Time, Key: p.Key, UserID: string(p.User.ID),
		})
	}
	for _, r := range s.registrations {
		all = append(all, exported{
			What: "registration", Number: r.person.Number, Time: r.Time, Key: r.Key,
			UserID: string(r.UserID), RemoteProductID: r.RemoteProductID,
		})
	}
	for _, m := range s.mails {
		all = append(all, exported{
			What: "mail", Seq: m.Seq, UserID: string(m.UserID), RemoteProductID: m.RemoteProductID,
		})
	}
	return all
}

// longSecret is the length from which a secret is searched for inside texts, in bytes. A shorter one
// could be part of an innocent word.
const longSecret = 8

// masked hides secrets and addresses that a caller put into the wrong field.
func (s *Server) masked(text string) string {
	hide := strings.Contains(text, "@") || strings.Contains(text, "%40")
	for _, secret := range []string{s.cfg.Key, s.cfg.ReportKey, s.cfg.UserName, s.cfg.Password} {
		hide = hide || text == secret && text != "" || len(secret) >= longSecret && strings.Contains(text, secret)
	}
	if hide {
		return "(not shown)"
	}
	return text
}
