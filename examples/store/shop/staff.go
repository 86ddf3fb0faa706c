package shop

import (
	"errors"
	"net/http"

	"github.com/amsbridge/amsbridge/cartlink"
	"github.com/amsbridge/amsbridge/outbox"
)

// errNotStaff refuses members the staff's list.
var errNotStaff = errors.New("not of the staff")

// AuthorizeStaff says whether a request is of staff, for amsbridge's list.
func (s *Shop) AuthorizeStaff(r *http.Request) error {
	if who := s.sessions.of(r); who == nil || !who.member.Staff {
		return errNotStaff
	}
	return nil
}

// staff serves the staff.
func (s *Shop) staff(h page) page {
	return s.members(func(w http.ResponseWriter, r *http.Request, who *session) {
		if !who.member.Staff {
			s.showProblem(w, r, who, http.StatusForbidden, "These pages are for the staff.")
			return
		}
		h(w, r, who)
	})
}

// setUp is a product as staff type it into Elevate.
type setUp struct {
	cartlink.ProductSetUp
	Title string
}

// showSetUp lists what staff type into Elevate's product set-up page.
func (s *Shop) showSetUp(w http.ResponseWriter, r *http.Request, who *session) {
	rows, err := s.links.SetUp(r.Context(), s.catalog)
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	var all []setUp
	for _, row := range rows {
		all = append(all, setUp{row, knownProduct(row.ProductID).Title})
	}
	s.show(w, r, who, "staff.html", "Set up products on Elevate", all)
}

// maxShown is how many rows a staff page has.
const maxShown = 100

// stuck is a push that needs a person.
type stuck struct {
	OrderID, Platform, Reason string
	Learner                   Member
	Products                  []string
}

// showAttention lists what was parked. What staff do about it, mend and send
// again or rebuild, is amsbridge's outbox.Operator and Hook.Rebuild.
func (s *Shop) showAttention(w http.ResponseWriter, r *http.Request, who *session) {
	ctx := r.Context()
	records, err := s.cfg.Inspector.Find(ctx, outbox.Query{
		States: []outbox.State{outbox.StateParked}, Limit: maxShown,
	})
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	var all []stuck
	for _, rec := range records {
		row := stuck{
			OrderID: rec.Subject, Platform: rec.Destination, Reason: rec.Reason, Learner: known(rec.Person),
		}
		seats, err := seatsOf(ctx, s.cfg.DB, rec.Subject)
		if err != nil {
			s.broken(w, r, who, err)
			return
		}
		for _, item := range rec.Items {
			for _, seat := range seats {
				if seat.LineID == item && seat.Learner.ID == row.Learner.ID {
					row.Products = append(row.Products, seat.Product.Title)
				}
			}
		}
		all = append(all, row)
	}
	s.show(w, r, who, "attention.html", "What needs attention", all)
}

// showSignIns lists the latest hand-offs.
func (s *Shop) showSignIns(w http.ResponseWriter, r *http.Request, who *session) {
	all, err := signIns(r.Context(), s.cfg.DB)
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	s.show(w, r, who, "signins.html", "Who walked where", all)
}
