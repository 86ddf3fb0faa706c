// Package cartlink serves registration URLs: links of the shop that put a product
// into the buyer's cart. Staff type one into the platform's set-up page of each
// product, and the platform's Register button then leads to the shop. A shop
// wraps its own cart and mounts the handler:
//
//	links, err := cartlink.New(cartlink.Config{
//		BaseURL: "https://shop.example.org/buy", // where the handler is mounted
//		Cart:    cart,                           // the shop's own, as a cartlink.Cart
//		Catalog: catalog, CartPage: "/cart",
//		CurrentUser: currentUser, Standing: standing, // who owns a product is led into it
//	})
//	mux.Handle("/buy", links)
//
//	staff, err := cartlink.NewStaffList(cartlink.StaffListConfig{
//		Links: links, Catalog: catalog, Authorize: isStaff,
//	})
//	mux.Handle("/staff/products.csv", staff)
//
// A link names a product and a quantity and nothing else: no price, no user, no
// discount. It sets a quantity, so that a second click changes nothing, and by
// default it asks where the cart holds something else; see [Policy].
// [Links.VerifyCatalog] checks that every product's URL answers.
package cartlink
