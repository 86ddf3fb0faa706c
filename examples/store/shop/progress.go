package shop

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge"
)

// Step is where a product is on one platform.
type Step struct {
	// Platform is "Elevate" or "Notified"; empty while nobody has said where the
	// product lives.
	Platform string
	State    amsbridge.PlaceState
	// WalkIn leads into the product, signed in.
	WalkIn string
	// Slow is set when it has been on its way for longer than usual.
	Slow bool
}

// usually is how long a push takes at most when all is well.
const usually = 5 * time.Second

// Queued tells whether it is on its way.
func (s Step) Queued() bool { return s.State == amsbridge.PlaceQueued }

// Delivered tells whether the platform has it. What is neither needs a person.
func (s Step) Delivered() bool { return s.State == amsbridge.PlaceDelivered }

// withSteps joins seats with what amsbridge knows of them: one call of Standing
// for each learner.
func (s *Shop) withSteps(ctx context.Context, all []Seat) ([]Seat, error) {
	places := map[amsbridge.UserID][]amsbridge.Place{}
	for i, seat := range all {
		id := seat.Learner.ID
		if id == "" || !seat.Product.Learner() || seat.Refund != "" {
			continue
		}
		if _, asked := places[id]; !asked {
			found, err := s.cfg.Standing.Of(ctx, "", id)
			if err != nil {
				return nil, err
			}
			places[id] = found
		}
		for _, at := range places[id] {
			if at.OrderID == seat.OrderID && at.LineID == seat.LineID {
				all[i].Steps = append(all[i].Steps, s.stepOf(seat.Product, at))
			}
		}
		if len(all[i].Steps) == 0 { // nobody has said where the product lives, or whose the seat is
			all[i].Steps = []Step{{State: amsbridge.PlaceNeedsAttention}}
		}
		slices.SortStableFunc(all[i].Steps, func(a, b Step) int { return strings.Compare(a.Platform, b.Platform) })
	}
	return all, nil
}

func (s *Shop) stepOf(p Product, at amsbridge.Place) Step {
	step := Step{State: at.State, Slow: at.State == amsbridge.PlaceQueued && time.Since(at.Ordered) > usually}
	switch at.Destination {
	case ToElevate:
		step.Platform, step.WalkIn = "Elevate", WalkIn(ToElevate, p.ID, productPath(at.ProductURL))
	case ToNotified:
		step.Platform, step.WalkIn = "Notified", WalkIn(ToNotified, p.ID, "")
	}
	return step
}

// The names of the platforms, as destinations of pushes and for hand-offs, and
// of the shop's own mail.
const (
	ToElevate  = "elevate"
	ToNotified = "notified"
	ToMail     = "mail"
)

// HandOffPath is where amsbridge's hand-offs begin, and CartPath its cart links.
const (
	HandOffPath = "/amsbridge/hand-off"
	SignOutPath = "/amsbridge/sign-out"
	CartPath    = "/amsbridge/buy"
	StaffCSV    = "/amsbridge/products.csv"
)

// WalkIn is the link by which the signed-in member walks into a product.
func WalkIn(platform, productID, returnTo string) string {
	q := url.Values{"to": {platform}, "product": {productID}}
	if returnTo != "" {
		q.Set("return_to", returnTo)
	}
	return HandOffPath + "?" + q.Encode()
}

// OwnersWay is where a cart link leads who owns its product already: in.
func OwnersWay(p amsbridge.Product) string {
	if p.OnElevate() {
		return WalkIn(ToElevate, p.ID, "/products/"+p.RemoteProductID)
	}
	return WalkIn(ToNotified, p.ID, "")
}

// productPath is the page at the platform, of the link that it gave.
func productPath(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// owns returns the step by which a member has a product already, whatever its
// state is.
func (s *Shop) owns(ctx context.Context, member amsbridge.UserID, productID string) (Step, bool, error) {
	all, err := seatsFor(ctx, s.cfg.DB, member)
	if err != nil {
		return Step{}, false, err
	}
	all = slices.DeleteFunc(all, func(seat Seat) bool { return seat.Product.ID != productID })
	all, err = s.withSteps(ctx, all)
	if err != nil || len(all) == 0 || len(all[0].Steps) == 0 {
		return Step{}, false, err
	}
	return all[0].Steps[0], true, nil
}

// underWay tells whether a page of these seats will soon look otherwise.
func underWay(all []Seat) bool {
	return slices.ContainsFunc(all, func(s Seat) bool { return slices.ContainsFunc(s.Steps, Step.Queued) })
}
