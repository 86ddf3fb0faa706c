package chaos

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// area is the customer area of the shop's account at Notified.
const area = "association"

// upsertDelay is how long the sandboxes take between looking for a person and
// making them, so that two calls at once make two.
const upsertDelay = 2 * time.Millisecond

// latecomers is how many persons there are for one whom Notified gets to know only
// with the third call about them.
const latecomers = 20

// platforms are both sandboxes on loopback.
type platforms struct {
	account                   Account
	elevate                   *elevatetest.Server
	notified                  *notifiedtest.Server
	elevateHTTP, notifiedHTTP *httptest.Server
	// calls is how many a sandbox is at work on, also after the caller has gone.
	calls atomic.Int64
}

// openPlatforms sets up what the market's pushes are about, and what else the
// sandboxes know.
func openPlatforms(cfg Config, m *market, now func() time.Time) (*platforms, error) {
	p := &platforms{account: cfg.Account}
	var err error
	if p.elevate, err = elevatetest.New(elevatetest.Config{
		Key: cfg.Account.Key, UserName: cfg.Account.UserName, Password: cfg.Account.Password,
		Profile: cfg.Account.Profile, Products: m.courses(), UpsertDelay: upsertDelay, Now: now,
	}); err != nil {
		return nil, err
	}
	if p.notified, err = notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: cfg.Account.AuthCode, Credentials: cfg.Account.Credentials, Area: area}},
		Shows:    m.shows(), UpsertDelay: upsertDelay, Now: now, CurlyQuotes: true,
	}); err != nil {
		return nil, err
	}
	for n, id := range m.known {
		nth := 0
		if n%latecomers == 0 {
			nth = 3
		}
		if err := p.notified.AddUserLater(area, notifiedtest.User{ID: id}, nth); err != nil {
			return nil, err
		}
	}
	for s := range m.seats {
		if err := p.notified.Register(s.person, s.show, packageNames[s.pkg]); err != nil {
			return nil, err
		}
	}
	if err := p.setFaults(cfg, m); err != nil {
		return nil, err
	}
	p.elevateHTTP, p.notifiedHTTP = p.serve(cfg, p.elevate), p.serve(cfg, p.notified)
	return p, nil
}

func (p *platforms) serve(cfg Config, h http.Handler) *httptest.Server {
	if cfg.Echo {
		h = echo(h)
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls.Add(1)
		defer p.calls.Add(-1)
		h.ServeHTTP(w, r)
	}))
}

// close waits for the calls under way.
func (p *platforms) close() {
	p.elevateHTTP.Close()
	p.notifiedHTTP.Close()
}

// courses are Elevate's products: all but those that only the shop knows.
func (m *market) courses() (all []elevatetest.Product) {
	for _, i := range m.items {
		if i.course && i.fate != unlisted {
			all = append(all, elevatetest.Product{RemoteProductID: i.id(), Draft: i.fate == draft, Closed: i.fate == closed})
		}
	}
	return all
}

// packageNames are those of every show.
var packageNames = map[int64]string{fullPackage: "full", smallPackage: "small"}

// shows are Notified's.
func (m *market) shows() (all []notifiedtest.Show) {
	addOns := map[int64][]notifiedtest.AddOn{}
	for _, i := range m.items {
		if i.show != nil {
			for _, k := range i.addOns() {
				addOns[i.show(i.n)] = append(addOns[i.show(i.n)], notifiedtest.AddOn{Key: k})
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(addOns)) {
		all = append(all, notifiedtest.Show{Key: key, Area: area, Packages: []notifiedtest.Package{
			{Key: fullPackage, Name: packageNames[fullPackage], AddOns: addOns[key]},
			{Key: smallPackage, Name: packageNames[smallPackage]},
		}})
	}
	return all
}

// clients are those of one sender, which has Notified answer in that format.
func (p *platforms) clients(format notified.OutputFormat) (*elevate.Client, *notified.Client, error) {
	credentials := elevate.Key(p.account.Key)
	if p.account.Profile.Auth == elevate.AuthBasic {
		credentials = elevate.UserPassword(p.account.UserName, p.account.Password)
	}
	lms, err := elevate.New(elevate.Config{
		Endpoint: p.elevateHTTP.URL + "/api/registration", AllowLoopbackHTTP: true, SendConfirmation: true,
		Credentials: credentials, Profile: p.account.Profile,
	})
	if err != nil {
		return nil, nil, err
	}
	events, err := notified.New(notified.Config{
		AuthCode: p.account.AuthCode, Credentials: p.account.Credentials,
		BaseURL: p.notifiedHTTP.URL + "/scripts/Server.nxp", AllowLoopbackHTTP: true, OutputFormat: format,
	})
	return lms, events, err
}

// Account is what the shop logs in with at both platforms.
type Account struct {
	// Profile is Elevate's wire format; its Auth says which of Key, UserName and
	// Password are used.
	Profile                 *elevate.Profile
	Key, UserName, Password string
	// AuthCode and Credentials are for Notified.
	AuthCode, Credentials string
}

// sandboxAccount is the account of a run that plants nothing.
func sandboxAccount() Account {
	return Account{Profile: elevate.GuessedProfile(), Key: "sandbox-key", AuthCode: "sandbox-code", Credentials: "sandbox-credentials"}
}

// ada is whom the buyers of a run that plants nothing are like.
var ada = amsbridge.User{FirstName: "Ada", LastName: "Byron", Email: "ada@members.example"}
