package shop

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/cartlink"
	"github.com/amsbridge/amsbridge/pages"
)

// What comes from a database, a platform or a query is shown, and never run.
func TestPagesEscape(t *testing.T) {
	t.Parallel()
	s, err := New(Config{})
	require.NoError(t, err)
	evil := `"><script>alert(1)</script>`
	member := Member{User: amsbridge.User{ID: amsbridge.UserID(evil), FirstName: evil, LastName: evil, Email: evil}}
	product := Product{ID: evil, Title: evil, About: evil, More: evil, Art: evil, Kind: Kind(evil), Facts: []Fact{{evil, evil}}}
	seat := Seat{
		OrderID: evil, Product: product, Buyer: member, Learner: member,
		Steps: []Step{{Platform: evil, State: amsbridge.PlaceDelivered, WalkIn: "javascript:alert(1)"}},
	}
	seats := watched{Seats: []Seat{seat}}
	open := Seat{OrderID: evil, LineID: evil, Places: 2, Product: product, Buyer: member}
	order := struct {
		watched
		ID      string
		Total   Cents
		Did     string
		Members []Member
	}{watched{Seats: []Seat{seat, open}}, evil, 1, evil, []Member{member}}
	sold := struct {
		Lines   []soldLine
		Members []Member
	}{[]soldLine{{seat, []Seat{seat, open}}}, []Member{member}}
	for name, body := range map[string]any{
		"learning.html": seats, "order.html": order, "orders.html": [][]Seat{{seat}}, "problem.html": evil,
		"mail.html":        []Letter{{To: member, Platform: evil, OrderID: evil, Seats: []Seat{seat}}},
		"attention.html":   []work{{Field: evil, OrderID: evil, Platform: evil, Reason: evil, Learner: member, Products: []string{evil}, Task: evil}},
		"stafforders.html": [][]Seat{{seat, open}}, "stafforder.html": sold,
		"signins.html": []signInRow{{Action: evil, Kind: evil, Platform: evil, Reason: evil, Member: member}},
		"staff.html":   []setUp{{cartlink.ProductSetUp{ProductID: evil, RemoteProductID: evil, RegistrationURL: evil}, evil}},
		"product.html": struct {
			Product    Product
			Owned      *Step
			Quantities []int
		}{product, &seat.Steps[0], nil},
	} {
		w := httptest.NewRecorder()
		s.site.Show(w, http.StatusOK, name, view{Title: evil, At: evil, Said: evil, Member: member, Elevate: "javascript:x", Notified: evil, Body: body})
		require.Equal(t, http.StatusOK, w.Code, name)
		require.NotContains(t, w.Body.String(), "<script", name)
		require.NotContains(t, w.Body.String(), `href="javascript:`, name)
		require.Contains(t, w.Body.String(), "&lt;script&gt;", name)
	}
	w := httptest.NewRecorder()
	require.NoError(t, s.PageTemplate().Execute(w, pages.Page{
		Name: evil, Lang: evil, Stylesheet: evil, Title: evil, Text: []string{evil}, Links: []pages.Link{{URL: "javascript:x", Text: evil}},
		Form: &pages.Form{Action: evil, Fields: []pages.Field{{Name: evil, Value: evil}}, Button: evil},
	}))
	require.NotContains(t, w.Body.String(), "<script")
	require.NotContains(t, w.Body.String(), `href="javascript:`)
}

func TestCartSetsQuantities(t *testing.T) {
	t.Parallel()
	ethics, _ := ProductByID("course-ethics")
	book, _ := ProductByID("book-handbook")
	var c cart
	for _, step := range []struct {
		product         Product
		quantity, count int
		total           Cents
	}{
		{ethics, 2, 2, 15800},
		{ethics, 2, 2, 15800},
		{book, 1, 3, 19300},
		{ethics, 1, 2, 11400},
		{ethics, 0, 1, 3500},
		{ethics, 0, 1, 3500},
		{book, 0, 0, 0},
	} {
		id := c.orderID
		c.put(step.product, step.quantity)
		require.Equal(t, step.count, c.count())
		require.Equal(t, step.total, c.total())
		require.NotEmpty(t, c.orderID)
		if id != "" {
			require.Equal(t, id, c.orderID, "an order has one ID, whatever is put in")
		}
	}
}

func TestWaysIn(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/amsbridge/hand-off?product=a%26b&to=elevate", WalkIn(ToElevate, "a&b", ""))
	require.Equal(t, "/amsbridge/hand-off?product=course-ethics&return_to=%2Fproducts%2Fcourse-ethics&to=elevate",
		WalkIn(ToElevate, "course-ethics", productPath("https://learn.example.org/products/course-ethics?x=1")))
	require.Empty(t, productPath("%zz"))
	for _, p := range Mapping() {
		_, sold := ProductByID(p.ID)
		require.True(t, sold, "%s is mapped and not sold", p.ID)
		require.Contains(t, OwnersWay(p), "product="+p.ID)
	}
}
