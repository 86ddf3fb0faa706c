// Package cartlink serves registration URLs: links of the shop that put a product into the buyer's
// cart. Staff type a product's URL into the platform's set-up page, and the platform's Register button
// then leads to the shop. A shop wraps its own cart and mounts the handler:
//
//	links, err := cartlink.New(cartlink.Config{
//		BaseURL: "https://shop.example.org/buy", // where the handler is mounted
//		Cart:    cart,                           // the shop's own, as a cartlink.Cart
//		Catalog: catalog, CartPage: "/cart",
//		CurrentUser: currentUser, Standing: standing, // members are asked before they buy again
//	})
//	mux.Handle("/buy", links)
//
//	staff, err := cartlink.NewStaffList(cartlink.StaffListConfig{
//		Links: links, Catalog: catalog, Authorize: isStaff,
//	})
//	mux.Handle("/staff/products.csv", staff)
//
// A link holds a product and a quantity and nothing else: no price, no user, no discount. What others add to
// it is ignored. It sets the quantity, so a second click changes nothing. By default it asks the buyer first
// where the cart holds other products or another quantity (see [Policy] and [Counter]), or where the buyer
// has the product already. [Links.VerifyCatalog] checks that every product's URL answers.
package cartlink
