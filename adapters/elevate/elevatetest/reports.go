package elevatetest

import (
	"net/http"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
	"github.com/amsbridge/amsbridge/internal/faults"
)

// reportPath is known from public pages.
const reportPath = "/api/reports/"

// ReportCall is one call to the Report API, whatever its result. It holds no personal data.
type ReportCall struct {
	// Seq numbers the calls from 1, in the order in which they were read.
	Seq  int
	Time time.Time
	// Since is the filter, and Page the number of the page, from 1. Zero where they could not be read.
	Since time.Time
	Page  int
	// Rows is how many rows were answered.
	Rows int
	// Status is the HTTP status sent. Zero when the connection was cut instead, or while the answer is
	// still to come.
	Status int
	// Fault is the misbehaviour that the call met.
	Fault FaultKind
	// Violations say what is wrong with the call's form. They name fields and never values.
	Violations []string
}

// ReportCalls returns all calls to the Report API in order.
func (s *Server) ReportCalls() []ReportCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]ReportCall, len(s.reports))
	for i, c := range s.reports {
		calls[i] = *c
		calls[i].Violations = slices.Clone(c.Violations)
	}
	return calls
}

func (s *Server) serveReport(w http.ResponseWriter, r *http.Request) {
	in := s.readReport(w, r)
	fault, call := s.openReport(in)
	noted := &statusRecorder{ResponseWriter: w, record: func(status int) { s.note(func() { call.Status = status }) }}
	fault.Serve(noted, r, func(w http.ResponseWriter, _ *http.Request) {
		if in.refusal != nil {
			s.refuseReport(w, *in.refusal)
			return
		}
		rows := s.reportRows(in)
		s.note(func() { call.Rows = len(rows) })
		done := answer{status: http.StatusOK}
		if s.cfg.ReportProfile.Rows == "" {
			done.write(w, rows)
			return
		}
		o := map[string]any{}
		fieldpath.Set(o, s.cfg.ReportProfile.Rows, rows)
		done.write(w, o)
	})
}

// openReport adds a call to the journal and takes its fault.
func (s *Server) openReport(in reportInput) (faults.Fault, *ReportCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fault := s.reportPlan.Take()
	call := &ReportCall{
		Seq: len(s.reports) + 1, Time: s.cfg.Now(), Since: in.since, Page: in.page,
		Fault: fault.Kind, Violations: in.violations,
	}
	s.reports = append(s.reports, call)
	return fault, call
}

// reportRows returns the rows of one page, with the users as last updated.
func (s *Server) reportRows(in reportInput) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, rows := s.cfg.ReportProfile, []any{}
	for _, reg := range s.registrations {
		if reg.Time.Before(in.since) {
			continue
		}
		user, row := reg.person.User, map[string]any{}
		fieldpath.Set(row, p.FirstName, user.FirstName)
		fieldpath.Set(row, p.LastName, user.LastName)
		fieldpath.Set(row, p.Email, user.Email)
		fieldpath.Set(row, p.ProductTitle, s.products.byID[reg.RemoteProductID].Title)
		fieldpath.Set(row, p.RemoteProductID, reg.RemoteProductID)
		fieldpath.Set(row, p.TransactionAt, reg.Time.In(s.reportZone()).Format(p.TimeLayouts[0]))
		rows = append(rows, row)
	}
	if p.PageField == "" {
		return rows
	}
	from := min((in.page-1)*p.PageSize, len(rows))
	return rows[from:min(from+p.PageSize, len(rows))]
}

func (s *Server) reportZone() *time.Location {
	if z := s.cfg.ReportProfile.Zone; z != nil {
		return z
	}
	return time.UTC
}

func (s *Server) refuseReport(w http.ResponseWriter, a answer) {
	o := map[string]any{}
	if names := s.cfg.ReportProfile.Errors; len(names) > 0 {
		fieldpath.Set(o, names[0], a.text)
	}
	a.write(w, o)
}
