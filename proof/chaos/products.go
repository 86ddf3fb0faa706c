package chaos

import (
	"fmt"

	"github.com/amsbridge/amsbridge"
)

// fate is what must become of a push that meets no fault.
type fate string

// The fates. All but the first end parked.
const (
	sound        fate = "sound"
	draft        fate = "course in draft"
	closed       fate = "course closed"
	unlisted     fate = "unknown at Elevate"
	elsewhere    fate = "add-on of another package"
	otherPackage fate = "registered for another package"
	stranger     fate = "unknown at Notified"
	unmapped     fate = "unknown mapping"
	malformed    fate = "malformed e-mail"
)

// The packages of every show. The full one has all add-ons, the small one none.
const (
	fullPackage  = 101
	smallPackage = 102
)

// productKind is a kind of product. Each person buys the first of a kind, then the
// second and so on: nobody buys a product twice, so that what is twice at a
// platform was doubled on the way.
type productKind struct {
	name  string
	share int // of all lines, in hundredths
	fate  fate
	// course is set when it lives on Elevate.
	course bool
	// show is that of the nth product, nil where the kind is no event. Those that are
	// not sound have a show for each product, for Notified takes a push whole or not
	// at all.
	show func(n int) int64
	// has is the package for which buyers are registered beforehand; zero for
	// none.
	has int64
	// first is set when it asks to register first.
	first bool
}

// productKinds are all that the shop sells.
var productKinds = []productKind{
	{name: "course", share: 37, fate: sound, course: true},
	{name: "event", share: 22, fate: sound, show: from(1, 3), has: fullPackage},
	{name: "bundle", share: 10, fate: sound, course: true, show: from(1001, 1), has: fullPackage},
	{name: "pass", share: 14, fate: sound, show: from(2001, 2), first: true},
	{name: "mug", share: 8, fate: sound},
	{name: "draft", share: 1, fate: draft, course: true},
	{name: "archive", share: 1, fate: closed, course: true},
	{name: "ghost", share: 1, fate: unlisted, course: true},
	{name: "gala", share: 1, fate: elsewhere, show: from(3001, 1), has: smallPackage},
	{name: "upgrade", share: 1, fate: otherPackage, show: from(4001, 1), has: smallPackage, first: true},
	{name: "novelty", share: 2, fate: unmapped},
	{name: "webinar", share: 2, fate: malformed, course: true},
}

// from numbers shows of so many products each.
func from(first int64, products int) func(n int) int64 {
	return func(n int) int64 { return first + int64(n/products) }
}

// conference is what strangers buy, and nobody else.
var conference = productKind{name: "conference", fate: stranger, show: from(5001, 1)}

// item is the nth product of a kind.
type item struct {
	productKind
	n int
}

// id is the shop's product ID and, for a course, Elevate's.
func (i item) id() string { return fmt.Sprintf("%s-%d", i.name, i.n) }

// addOns are the item's, which no other item of its show has.
func (i item) addOns() []int64 {
	var keys []int64
	for k := range 1 + i.n%3 {
		keys = append(keys, int64(i.n*10+k+1))
	}
	return keys
}

// product is the item as the shop's catalogue knows it.
func (i item) product() amsbridge.Product {
	p := amsbridge.Product{ID: i.id()}
	if i.course {
		p.RemoteProductID = i.id()
	}
	if i.show != nil {
		p.ShowKey, p.AddOnKeys = i.show(i.n), i.addOns()
	}
	if i.first {
		p.ShowPackageKey = fullPackage
	}
	return p
}

// push is what a line of an order must bring to one person on one platform. That of a
// line of which no push can be made is a task of its order, to nowhere and to nobody.
type push struct {
	platform string
	order    string
	line     string
	person   string
	// what is the product, or the show with the add-on keys.
	what string
}

// wanted is a push and what must become of it.
type wanted struct {
	push
	fate fate
	// owed is set when the person is to have it in the end: it was neither refunded nor
	// given to somebody else, or that was undone.
	owed bool
	// gives is how often the order's reports give it, from the first one on.
	gives int
	// backfill is set when the order is one of the past, about which nobody is
	// mailed.
	backfill bool
	// show and addOns are those of a push to Notified, pkg the package that it registers for.
	show   int64
	addOns []int64
	pkg    int64
}
