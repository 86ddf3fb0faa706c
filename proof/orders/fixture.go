package orders

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/proof/orders/model"
)

// people are few, so that their orders meet.
var people = []amsbridge.User{
	{ID: "U-1", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"},
	{ID: "U-2", FirstName: "Bob", LastName: "Builder", Email: "bob@example.org"},
	{ID: "U-3", FirstName: "Cyd", LastName: "Charisse", Email: "cyd@example.org"},
}

// wrong is what no platform knows.
const (
	wrong    = "wrong"
	wrongKey = 99
)

var productIDs = []string{"course", "gala", "workshop", "dinner", "pass", "bundle", "member", "shirt"}

// variants are the mappings that a product may have; the first is the one at the beginning. One without
// an ID is unknown, and one that names no platform is the shop's alone.
var variants = map[string][]amsbridge.Product{
	"course":   elevate("course", "C-1", wrong, "C-2"),
	"gala":     notified("gala", []int64{wrongKey}, []int64{1}, []int64{1, 3}),
	"workshop": notified("workshop", []int64{1, 2}, []int64{2}),
	"dinner":   append(notified("dinner", []int64{2, 3}), amsbridge.Product{ID: "dinner"}),
	"pass": {
		{ID: "pass", ShowKey: 8, ShowPackageKey: 80, AddOnKeys: []int64{1}},
		{ID: "pass", ShowKey: 8, ShowPackageKey: 80},
	},
	"bundle": {
		{ID: "bundle", RemoteProductID: "C-1", ShowKey: 7, AddOnKeys: []int64{2}},
		{ID: "bundle", RemoteProductID: "C-3"},
	},
	"member": {
		{ID: "member", Includes: []string{"course", "gala"}},
		{ID: "member", RemoteProductID: "C-2", Includes: []string{"gala"}},
	},
	"shirt": {{}, {ID: "shirt"}, {ID: "shirt", RemoteProductID: "C-2"}},
}

func elevate(id string, remote ...string) (all []amsbridge.Product) {
	for _, r := range remote {
		all = append(all, amsbridge.Product{ID: id, RemoteProductID: r})
	}
	return all
}

func notified(id string, addOns ...[]int64) (all []amsbridge.Product) {
	for _, keys := range addOns {
		all = append(all, amsbridge.Product{ID: id, ShowKey: 7, AddOnKeys: keys})
	}
	return all
}

// mappings are the catalogue as it is: the number of each product's variant.
type mappings map[string]int

func (m mappings) of(id string) amsbridge.Product { return variants[id][m[id]%len(variants[id])] }

// Lookup makes it an [amsbridge.Catalog].
func (m mappings) Lookup(_ context.Context, id string) (amsbridge.Product, amsbridge.Offering, error) {
	p := m.of(id)
	switch {
	case p.ID == "":
		return p, amsbridge.Unknown, nil
	case p.RemoteProductID == "" && p.ShowKey == 0 && len(p.Includes) == 0:
		return p, amsbridge.NotOffered, nil
	}
	return p, amsbridge.Offered, nil
}

// plain says what a product brings, as the model knows it.
func (m mappings) plain(id string) model.Mapped {
	p := m.of(id)
	if p.ID == "" {
		return model.Mapped{Unknown: true}
	}
	var out model.Mapped
	add := func(item model.Item) {
		if !slices.ContainsFunc(out.Items, func(i model.Item) bool { return i.Name == item.Name }) {
			out.Items = append(out.Items, item)
		}
	}
	if p.RemoteProductID != "" {
		add(itemOf(amsbridge.Item{RemoteProductID: p.RemoteProductID}))
	}
	if p.ShowKey != 0 {
		add(itemOf(amsbridge.Item{ShowKey: p.ShowKey, ShowPackageKey: p.ShowPackageKey, AddOnKeys: p.AddOnKeys}))
	}
	for _, part := range p.Includes {
		included := m.plain(part)
		out.Unknown = out.Unknown || included.Unknown
		for _, item := range included.Items {
			add(item)
		}
	}
	return out
}

// itemOf names an item and lists its units.
func itemOf(i amsbridge.Item) model.Item {
	out := model.Item{Name: fmt.Sprint(i.RemoteProductID, i.ShowKey, i.ShowPackageKey, i.AddOnKeys)}
	if i.RemoteProductID != "" {
		out.Units = append(out.Units, model.Unit{Product: i.RemoteProductID})
	}
	if i.ShowPackageKey != 0 {
		out.Units = append(out.Units, model.Unit{Show: i.ShowKey})
	}
	for _, k := range i.AddOnKeys {
		out.Units = append(out.Units, model.Unit{Show: i.ShowKey, AddOn: k})
	}
	return out
}

// described says an order in a line.
func described(o amsbridge.Order) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s v%d", o.Association, o.ID, o.Version)
	if !o.UpdatedAt.IsZero() {
		fmt.Fprintf(&b, " at %s", o.UpdatedAt.Format("15:04:05"))
	}
	fmt.Fprintf(&b, " buyer %s", o.Buyer.ID)
	for _, l := range o.Lines {
		fmt.Fprintf(&b, "; %s: %d %s for", l.ID, l.Quantity, l.ProductID)
		for _, u := range l.Attendees {
			fmt.Fprintf(&b, " %s", u.ID)
			if u.Email == "" {
				b.WriteString(" (no e-mail)")
			}
		}
	}
	return b.String()
}
