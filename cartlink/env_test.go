package cartlink

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// env is a shop with links and with carts in memory, each found by a cookie.
type env struct {
	t       *testing.T
	carts   map[string]map[string]int
	sets    int
	soldOut map[string]bool
	cartErr error
	user    amsbridge.User
	userErr error
	records []outbox.Record
	cfg     Config
	links   *Links
}

const cartCookie = "cart"

func newEnv(t *testing.T, change func(*Config)) *env {
	t.Helper()
	e := &env{
		t: t, carts: map[string]map[string]int{}, soldOut: map[string]bool{}, userErr: amsbridge.ErrSignedOut,
	}
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "course", RemoteProductID: "C-1"},
		{ID: "a&b=c é", RemoteProductID: "C-2"},
		{ID: "book"},
		{ID: "dinner", ShowKey: 7, AddOnKeys: []int64{1}},
		{ID: "membership", Includes: []string{"course", "a&b=c é", "book"}},
	}})
	require.NoError(t, err)
	standing, err := amsbridge.NewStanding(inspector{env: e})
	require.NoError(t, err)
	e.cfg = Config{
		BaseURL: "https://shop.example.org/buy", Cart: e, Catalog: catalog, CartPage: "/cart", ShopPage: "/shop",
		CurrentUser: func(*http.Request) (amsbridge.User, error) { return e.user, e.userErr }, Standing: standing,
		WalkIn: func(p amsbridge.Product) string {
			return "/sso/hand-off?to=elevate&product=" + url.QueryEscape(p.ID)
		},
	}
	if change != nil {
		change(&e.cfg)
	}
	e.links, err = New(e.cfg)
	require.NoError(t, err)
	return e
}

// Set, SoldOut and Count implement the cart.
func (e *env) Set(w http.ResponseWriter, r *http.Request, p amsbridge.Product, n int) (SetResult, error) {
	if e.cartErr != nil {
		return Set, e.cartErr
	}
	if e.soldOut[p.ID] {
		return SoldOut, nil
	}
	e.sets++
	id := fmt.Sprint("c-", len(e.carts)+1)
	if c, err := r.Cookie(cartCookie); err == nil {
		id = c.Value
	} else {
		mode := http.SameSiteStrictMode
		if e.cfg.LaxCookie {
			mode = http.SameSiteLaxMode
		}
		http.SetCookie(w, &http.Cookie{Name: cartCookie, Value: id, SameSite: mode})
	}
	if e.carts[id] == nil {
		e.carts[id] = map[string]int{}
	}
	e.carts[id][p.ID] = n
	return Set, nil
}

func (e *env) SoldOut(_ *http.Request, p amsbridge.Product) (bool, error) {
	return e.soldOut[p.ID], e.cartErr
}

func (e *env) Count(r *http.Request, p amsbridge.Product) (quantity, others int, err error) {
	c, err := r.Cookie(cartCookie)
	if err != nil {
		return 0, 0, e.cartErr
	}
	quantity, others = e.carts[c.Value][p.ID], len(e.carts[c.Value])
	if quantity > 0 {
		others--
	}
	return quantity, others, e.cartErr
}

// inspector has the one method of a store that a standing uses.
type inspector struct {
	outbox.Inspector
	env *env
}

func (i inspector) Find(_ context.Context, q outbox.Query) (found []outbox.Record, err error) {
	for _, r := range i.env.records {
		if r.Person == q.Person && r.Association() == q.Association {
			found = append(found, r)
		}
	}
	return found, nil
}

// registered is a stored registration of U-1 for a product on Elevate.
func (e *env) registered(destination, remoteProductID string, state outbox.State) outbox.Record {
	e.t.Helper()
	facts, err := json.Marshal(map[string]any{
		"user_id": "U-1", "item": amsbridge.Item{RemoteProductID: remoteProductID}, "turn": 1,
	})
	require.NoError(e.t, err)
	return outbox.Record{
		State: state, Receipt: amsbridge.Receipt{ProductURL: "https://learn.example.org/c-1"}.Encode(),
		Message: outbox.Message{
			Destination: destination, Kind: amsbridge.KindGive, Version: 1, Person: "U-1",
			Subject: "o", Items: []string{"1"}, Facts: facts,
		},
	}
}
