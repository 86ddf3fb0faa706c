package notified

import (
	"context"

	"github.com/amsbridge/amsbridge"
)

// need is the set of parameters that an opcode needs besides the person.
type need uint8

const (
	needShow    need = 1 << iota // ShowKey
	needPackage                  // Names.ShowPackageParam
	needKeys                     // AddOnsChangeList
	needProfile                  // Names.FirstNameParam, Names.LastNameParam, EMailAddress
)

// opcodes are the opcodes that may be sent, by their case-sensitive letters: what each needs, the words
// for what the platform did not do when it refuses, and whether it changes a person or a registration. M
// is in the vendor's text; the others are known from public pages and public code.
var opcodes = map[byte]struct {
	needs   need
	refuses string
	writes  bool
}{
	'A': {needShow, "to list the add-ons", false},
	'C': {needProfile, "the profile", true},
	'I': {needProfile, "the new person", true},
	'K': {needShow, "to tell the package", false},
	'M': {needShow | needKeys, "the add-ons", true},
	'N': {needShow | needKeys, "to remove the add-ons", true},
	'R': {needShow | needPackage, "the registration", true},
	'T': {needShow, "a login ticket", false},
	'U': {needProfile, "the profile", true},
	'Z': {needShow, "to tell the registration's ID", false},
	'r': {needShow | needPackage, "the registration", true},
}

// needsOf returns what the opcodes of a list need together.
func needsOf(codes string) need {
	var all need
	for i := range len(codes) {
		all |= opcodes[codes[i]].needs
	}
	return all
}

// AddAddOns adds add-on items to the person's registration for the show, by opcode M, and returns how
// many the platform says it added. The vendor's text describes M: the person must exist (71 otherwise)
// and be registered (72), and the items must belong to the package and refer to no other. How it counts
// items that are there already is unknown.
//
// Like all calls it is sent once, and its error is an [*outbox.DeliveryError]: rejected for a bad
// argument, which its [*amsbridge.InputError] names as a field of [Person] or [Chain]. Each key counts
// once.
func (c *Client) AddAddOns(
	ctx context.Context, p Person, showKey int64, keys ...int64,
) (added int, err error) {
	s, err := c.single(ctx, Chain{OpCodes: "M", Person: p, ShowKey: showKey, AddOnKeys: keys})
	return s.AddOnsChanged, err
}

// RemoveAddOns removes add-on items, by opcode N, and returns how many the platform says it removed.
// That N exists is known from public pages; that it takes AddOnsChangeList like M, and that the count
// is called Names.AddOnsRemovedOutput, are guesses.
func (c *Client) RemoveAddOns(
	ctx context.Context, p Person, showKey int64, keys ...int64,
) (removed int, err error) {
	s, err := c.single(ctx, Chain{OpCodes: "N", Person: p, ShowKey: showKey, AddOnKeys: keys})
	return s.AddOnsChanged, err
}

// AddOns returns the add-on items of the person's registration in numeric order, by opcode A; none is
// no error. That A exists is known from public pages; that each item is a row with the output
// Names.AddOnOutput is a guess. A row without it is rejected, since asking again would not help.
func (c *Client) AddOns(ctx context.Context, p Person, showKey int64) ([]int64, error) {
	s, err := c.single(ctx, Chain{OpCodes: "A", Person: p, ShowKey: showKey})
	return s.AddOns, err
}

// ShowPackage returns the package for which the person is registered, by opcode K. For a person who is
// not registered the error is not ready, with Code "72". That K exists is known from public pages; its
// output's name, Names.ShowPackageOutput, is a guess, and a reply without it is rejected.
func (c *Client) ShowPackage(ctx context.Context, p Person, showKey int64) (key int64, err error) {
	s, err := c.single(ctx, Chain{OpCodes: "K", Person: p, ShowKey: showKey})
	return s.ShowPackageKey, err
}

// Register registers an existing person for a package of the show, by opcode R. already tells that they
// were registered before (status 44), perhaps for another package: [Client.ShowPackage] says which. R,
// its status 44, and that it fails where the show is full or closed are known from public pages. The
// statuses of a full or closed show are not public; they are rejected.
func (c *Client) Register(
	ctx context.Context, p Person, showKey, packageKey int64,
) (already bool, err error) {
	s, err := c.single(ctx, Chain{OpCodes: "R", Person: p, ShowKey: showKey, ShowPackageKey: packageKey})
	if s.Status == statusAlreadyRegistered {
		return true, nil
	}
	return false, err
}

// LoginTicket mints a ticket that logs the person in at the show, by opcode T. It is valid for one
// minute: mint it when the member clicks, never when a page is rendered. T and its output are known
// from public code; that it takes a ShowKey is a guess. No error holds the ticket.
func (c *Client) LoginTicket(ctx context.Context, p Person, showKey int64) (Ticket, error) {
	s, err := c.single(ctx, Chain{OpCodes: "T", Person: p, ShowKey: showKey})
	return s.Ticket, err
}

// MintTicket returns the URL that logs the user in at the product's show; see [Client.LoginTicket]. The
// URL is a secret while it is valid: redirect to it with Cache-Control: no-store, and never log it.
// MintTicket has no e-mail address, so it is refused where Config.LookupByEmail is set.
func (c *Client) MintTicket(
	ctx context.Context, user amsbridge.UserID, product amsbridge.Product,
) (string, error) {
	t, err := c.LoginTicket(ctx, Person{UserID: user}, product.ShowKey)
	return t.URL(), err
}
