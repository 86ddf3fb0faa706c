package crash

import (
	"errors"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// area and secret are the sandboxes' own.
const (
	area   = "association"
	secret = "sandbox-key"
)

// platforms are both sandboxes on loopback. They outlive every child.
type platforms struct {
	elevate                     *elevatetest.Server
	notified                    *notifiedtest.Server
	elevateServer, notifiedHTTP *httptest.Server
	visits                      visits
	// faultless keeps them from failing; slow they are all the same.
	faultless atomic.Bool
}

// startPlatforms prepares the products, persons and registrations of all children.
func startPlatforms(children int, seed uint64) (*platforms, error) {
	var products []elevatetest.Product
	var shows []notifiedtest.Show
	for number := 1; number <= children; number++ {
		var addOns []notifiedtest.AddOn
		for n := range maxLines {
			products = append(products, elevatetest.Product{RemoteProductID: courseID(number, n)})
			addOns = append(addOns, notifiedtest.AddOn{Key: int64(n) + 1})
		}
		shows = append(shows, notifiedtest.Show{
			Key: int64(number), Area: area, Packages: []notifiedtest.Package{{Name: "all", AddOns: addOns}},
		})
	}
	p := &platforms{}
	var err error
	if p.elevate, err = elevatetest.New(elevatetest.Config{
		Key: secret, Profile: elevate.GuessedProfile(), Products: products,
	}); err != nil {
		return nil, err
	}
	if p.notified, err = notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: secret, Credentials: secret, Area: area}}, Shows: shows,
	}); err != nil {
		return nil, err
	}
	for n := range persons {
		id := string(personID(n))
		if err := p.notified.AddUser(area, notifiedtest.User{ID: id}); err != nil {
			return nil, err
		}
		for _, show := range shows {
			if err := p.notified.Register(id, show.Key, "all"); err != nil {
				return nil, err
			}
		}
	}
	p.elevate.MisbehaveBy(p.faults(seed, 1))
	p.notified.MisbehaveBy(p.faults(seed, 2))
	p.elevateServer, p.notifiedHTTP = httptest.NewServer(p.visits.seen(p.elevate)), httptest.NewServer(p.visits.seen(p.notified))
	return p, nil
}

// faults makes some calls slow, so that kills meet deliveries under way,
// and lets a few fail in each way that is tried again.
func (p *platforms) faults(seed, stream uint64) func(int) elevatetest.Fault {
	rng := rand.New(rand.NewPCG(seed, stream))
	return func(int) elevatetest.Fault {
		switch n := rng.IntN(100); {
		case n < 35:
			return elevatetest.Fault{Kind: elevatetest.Slow, Delay: time.Duration(10+rng.IntN(140)) * time.Millisecond}
		case p.faultless.Load():
		case n < 37:
			return elevatetest.Fault{Kind: elevatetest.ServerError}
		case n < 39:
			return elevatetest.Fault{Kind: elevatetest.CutAfter}
		case n < 40:
			return elevatetest.Fault{Kind: elevatetest.CutBefore}
		}
		return elevatetest.Fault{}
	}
}

// close waits for the calls under way.
func (p *platforms) close() {
	p.elevateServer.Close()
	p.notifiedHTTP.Close()
}

// arrival is a call that a platform carried out, whether or not its answer
// reached anybody.
type arrival struct {
	attempt
	push push
}

// received returns what both platforms carried out. A call that a platform
// turned down is an error: the children send none such.
func (p *platforms) received() ([]arrival, error) {
	var out []arrival
	for _, c := range p.elevate.Journal() {
		if len(c.Violations) > 0 || c.Refusal != "" {
			return nil, errors.New("crash: elevate refused a call: " + c.Refusal + strings.Join(c.Violations, ", "))
		}
		if c.Status == 200 || c.Fault == elevatetest.CutAfter {
			out = append(out, arrival{readAttempt(c.Key), push{"elevate", string(c.UserID), c.RemoteProductID}})
		}
	}
	for _, c := range p.notified.Journal() {
		switch {
		case len(c.Violations) > 0 || c.Status != "" && c.Status != "0":
			return nil, errors.New("crash: notified refused a call: status " + c.Status + strings.Join(c.Violations, ", "))
		case c.Status == "0":
			var keys []string
			for _, k := range slices.Sorted(slices.Values(c.AddOns)) {
				keys = append(keys, strconv.FormatInt(k, 10))
			}
			out = append(out, arrival{readAttempt(c.Key), push{"notified", c.User, showAndKeys(c.Show, strings.Join(keys, ","))}})
		}
	}
	return out, nil
}
