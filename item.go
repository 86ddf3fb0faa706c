package amsbridge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Item is what one call to a platform gives: a product of Elevate, or add-ons of one show of Notified and
// perhaps the registration for the show. It is made of units, the smallest things that a platform gives
// or takes: a remote product ID, an add-on key of a show, a show's registration.
type Item struct {
	// RemoteProductID is set for Elevate, and nothing else then.
	RemoteProductID string `json:"remote_product_id,omitempty"`
	// ShowKey is set for Notified.
	ShowKey int64 `json:"show_key,omitempty"`
	// ShowPackageKey is set where the item brings the registration for the show, by this package.
	ShowPackageKey int64 `json:"show_package_key,omitempty"`
	// AddOnKeys are in numeric order, each once.
	AddOnKeys []int64 `json:"add_on_keys,omitempty"`
}

// String names the item for a person to read: "product c-101", or "show 4711: registration, add-ons 9985".
func (i Item) String() string {
	if i.RemoteProductID != "" {
		return "product " + i.RemoteProductID
	}
	var parts []string
	if i.ShowPackageKey != 0 {
		parts = append(parts, fmt.Sprintf("registration by package %d", i.ShowPackageKey))
	}
	if len(i.AddOnKeys) > 0 {
		parts = append(parts, addOnsNamed(i.AddOnKeys))
	}
	return fmt.Sprintf("show %d: %s", i.ShowKey, strings.Join(parts, ", "))
}

// id is the same for items that bring the same, and no other.
func (i Item) id() string {
	b, _ := json.Marshal(i) // strings and numbers always encode
	return string(b)
}

// scope is what messages about the same units have in common: the product, or the show. Two long IDs may
// have one scope.
func (i Item) scope() string {
	if i.RemoteProductID != "" {
		return outbox.CutText("product "+i.RemoteProductID, outbox.MaxScope)
	}
	return "show " + strconv.FormatInt(i.ShowKey, 10)
}

// unit is the smallest thing that a platform gives or takes. A zero addOn of a show is its registration.
type unit struct {
	product     string
	show, addOn int64
}

func (i Item) units() []unit {
	if i.RemoteProductID != "" {
		return []unit{{product: i.RemoteProductID}}
	}
	var all []unit
	if i.ShowPackageKey != 0 {
		all = append(all, unit{show: i.ShowKey})
	}
	for _, k := range i.AddOnKeys {
		all = append(all, unit{show: i.ShowKey, addOn: k})
	}
	return all
}

// of returns the part of the item that has these units.
func (i Item) of(keep func(unit) bool) Item {
	part := Item{ShowKey: i.ShowKey}
	for _, u := range i.units() {
		switch {
		case !keep(u):
		case u.product != "":
			return i
		case u.addOn == 0:
			part.ShowPackageKey = i.ShowPackageKey
		default:
			part.AddOnKeys = append(part.AddOnKeys, u.addOn)
		}
	}
	return part
}

// empty tells whether the item has no unit.
func (i Item) empty() bool { return len(i.units()) == 0 }

// items are what a product brings by itself, without what it includes.
func (p Product) items() []Item {
	var items []Item
	if p.OnElevate() {
		items = append(items, Item{RemoteProductID: p.RemoteProductID})
	}
	if p.OnNotified() {
		items = append(items, Item{ShowKey: p.ShowKey, ShowPackageKey: p.ShowPackageKey, AddOnKeys: sortedKeys(p.AddOnKeys)})
	}
	return items
}

func sortedKeys(keys []int64) []int64 {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// problem returns the first field that prevents a call, and what is wrong with it.
func (p Product) problem() (field, problem string) {
	if p.OnElevate() {
		if s := remoteProductProblem(p.RemoteProductID); s != "" {
			return "remote product ID", s
		}
	}
	if p.OnNotified() {
		if field, s := p.showProblem(); s != "" {
			return field, s
		}
	}
	for _, id := range p.Includes {
		if s := check.Text(id, 255); s != "" {
			return "included products", "have one that " + s
		}
		if id == p.ID {
			return "included products", "have the product itself"
		}
	}
	return "", ""
}
