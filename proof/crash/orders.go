package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/amsbridge/amsbridge"
)

// persons are few, so that most messages share their ordering key with another.
const persons = 20

// maxLines bounds the lines that one child sells, for the sandboxes know every
// product beforehand.
const maxLines = 6000

// push is what an order brings to one person on one platform. Each line sells a
// product of its own, so no two orders bring the same push.
type push struct {
	Platform string `json:"platform"`
	Person   string `json:"person"`
	// What is the remote product ID, or show and add-on keys.
	What string `json:"what"`
}

// sale is one order and what must come of it, worked out without the library.
type sale struct {
	order  amsbridge.Order
	pushes []push
}

func personID(n int) amsbridge.UserID { return amsbridge.UserID(fmt.Sprintf("u-%02d", n)) }

func courseID(number, n int) string { return fmt.Sprintf("course-%d-%d", number, n) }

func eventID(number, n int) string { return fmt.Sprintf("event-%d-%d", number, n) }

// newSale makes an order of one or two lines, numbered from n, of courses and events. Each buyer has persons of
// their own: overlapping orders of one person would have no order between them.
func newSale(rng *rand.Rand, number, buyer, n int) sale {
	who := personID(buyer + buyers*rng.IntN(persons/buyers))
	s := sale{order: amsbridge.Order{
		ID: fmt.Sprintf("o-%d-%d", number, n),
		Buyer: amsbridge.User{
			ID: who, FirstName: "Ada", LastName: "Byron", Email: string(who) + "@example.org",
		},
	}}
	for i := range 1 + rng.IntN(2) {
		product := courseID(number, n+i)
		if rng.IntN(2) == 0 {
			product = eventID(number, n+i)
			s.pushes = append(s.pushes, push{"notified", string(who), showAndKeys(int64(number), strconv.Itoa(n+i+1))})
		} else {
			s.pushes = append(s.pushes, push{"elevate", string(who), product})
		}
		s.order.Lines = append(s.order.Lines, amsbridge.Line{ID: strconv.Itoa(i), ProductID: product, Quantity: 1})
	}
	return s
}

// line returns the child that sold a push, and its line there: of one person's, greater ones were inserted later.
func (p push) line() (number, n int) {
	if _, err := fmt.Sscanf(p.What, "course-%d-%d", &number, &n); err != nil {
		_, _ = fmt.Sscanf(p.What, "%d/%d", &number, &n) // the only other form
		n--
	}
	return number, n
}

func showAndKeys(show int64, keys string) string { return fmt.Sprintf("%d/%s", show, keys) }

// catalog knows every product by its ID: each child has a show of its own, and
// line n sells add-on n+1.
type catalog struct{}

func (catalog) Lookup(_ context.Context, id string) (amsbridge.Product, amsbridge.Offering, error) {
	var number, n int
	if _, err := fmt.Sscanf(id, "course-%d-%d", &number, &n); err == nil {
		return amsbridge.Product{ID: id, RemoteProductID: id}, amsbridge.Offered, nil
	}
	if _, err := fmt.Sscanf(id, "event-%d-%d", &number, &n); err != nil {
		return amsbridge.Product{}, amsbridge.Unknown, err
	}
	return amsbridge.Product{ID: id, ShowKey: int64(number), AddOnKeys: []int64{int64(n) + 1}}, amsbridge.Offered, nil
}
