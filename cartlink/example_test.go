package cartlink_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/cartlink"
)

// basket is the simplest possible cart.
type basket map[string]int

func (b basket) Set(
	_ http.ResponseWriter, _ *http.Request, p amsbridge.Product, quantity int,
) (cartlink.SetResult, error) {
	b[p.ID] = quantity
	return cartlink.Set, nil
}

// Staff type the URL into Elevate's product set-up page; Elevate's Register
// button leads there.
func ExampleNew() {
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{
		Products: []amsbridge.Product{{ID: "course-101", RemoteProductID: "course-101"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	cart := basket{}
	links, err := cartlink.New(cartlink.Config{
		BaseURL: "https://shop.example.org/buy", Cart: cart, Catalog: catalog, CartPage: "/cart",
		Policy: cartlink.AlwaysAdd,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(links.URL(amsbridge.Product{ID: "course-101"}))
	click := httptest.NewRequest(http.MethodGet, "/buy?product=course-101&quantity=2", nil)
	click.Header.Set("Sec-Fetch-Site", "same-origin")
	answer := httptest.NewRecorder()
	links.ServeHTTP(answer, click)
	fmt.Println(answer.Code, answer.Header().Get("Location"), cart["course-101"])
	// Output:
	// https://shop.example.org/buy?product=course-101
	// 303 /cart 2
}
