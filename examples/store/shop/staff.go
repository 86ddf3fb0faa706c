package shop

import (
	"errors"
	"net/http"

	"github.com/amsbridge/amsbridge/cartlink"
)

// errNotStaff refuses members the staff's list.
var errNotStaff = errors.New("not of the staff")

// AuthorizeStaff says whether a request is of staff, for amsbridge's list.
func (s *Shop) AuthorizeStaff(r *http.Request) error {
	if who := s.sessions.Of(r); who == nil || !who.member.Staff {
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

// showSignIns lists the latest hand-offs.
func (s *Shop) showSignIns(w http.ResponseWriter, r *http.Request, who *session) {
	all, err := signIns(r.Context(), s.cfg.DB)
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	s.show(w, r, who, "signins.html", "Who walked where", all)
}
