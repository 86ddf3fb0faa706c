package amsbridge_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/amsbridge/amsbridge"
)

func quietly(context.Context, amsbridge.SSOEvent) {}

// The shop mounts Start where its "go to the course" links lead; the platform
// mounts Accept.
func ExampleNewHandOffs() {
	key, err := amsbridge.GenerateKey(amsbridge.EdDSA)
	if err != nil {
		fmt.Println(err)
		return
	}
	sso, err := amsbridge.NewSSO(amsbridge.SSOConfig{
		Issuer: "https://shop.example.org", Audit: quietly,
		Audiences: []amsbridge.Audience{{Name: "elevate", Audience: "https://learn.example.org", Key: key}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	stateKey := make([]byte, 32)
	_, _ = rand.Read(stateKey)
	handOffs, err := amsbridge.NewHandOffs(amsbridge.HandOffsConfig{
		SSO: sso, SignIn: "/sign-in", StateKey: stateKey,
		CurrentUser: func(*http.Request) (amsbridge.User, error) { return amsbridge.User{ID: "U-1042"}, nil },
		Platforms:   []amsbridge.Platform{{Name: "elevate", Title: "Elevate", URL: "https://learn.example.org/walk-in"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := httptest.NewRecorder()
	handOffs.Start().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/hand-off?to=elevate", nil))
	fmt.Println(answer.Code, answer.Header().Get("Cache-Control"), answer.Header().Get("Referrer-Policy"))
	// Output: 200 no-store no-referrer
}

// basket is the least that a cart can be.
type basket map[string]int

func (b basket) Set(_ http.ResponseWriter, _ *http.Request, p amsbridge.Product, quantity int) (amsbridge.SetResult, error) {
	b[p.ID] = quantity
	return amsbridge.CartSet, nil
}

// Staff type the URL into Elevate's product set-up page; Elevate's Register
// button leads there.
func ExampleNewCartLinks() {
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{{ID: "course-101", RemoteProductID: "course-101"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	cart := basket{}
	links, err := amsbridge.NewCartLinks(amsbridge.CartConfig{
		BaseURL: "https://shop.example.org/buy", Cart: cart, Catalog: catalog, CartPage: "/cart", Policy: amsbridge.AlwaysAdd,
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
