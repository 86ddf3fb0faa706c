package notified_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/outbox"
)

var ada = notified.Person{UserID: "u-1", Email: "ada@example.org", FirstName: "Ada & Co", LastName: "L\u00e9vy"}

// minter is the part of a client that a hand-off uses.
type minter interface {
	MintTicket(ctx context.Context, user amsbridge.UserID, product amsbridge.Product) (string, error)
}

var _ minter = (*notified.Client)(nil)

// everyCall makes each typed call with valid arguments.
var everyCall = map[string]func(context.Context, *notified.Client, notified.Person) (any, error){
	"M": func(ctx context.Context, c *notified.Client, p notified.Person) (any, error) {
		return c.AddAddOns(ctx, p, show, 10342, 9985, 9985)
	},
	"N": func(ctx context.Context, c *notified.Client, p notified.Person) (any, error) {
		return c.RemoveAddOns(ctx, p, show, 10342, 9985)
	},
	"A": func(ctx context.Context, c *notified.Client, p notified.Person) (any, error) {
		return c.AddOns(ctx, p, show)
	},
	"K": func(ctx context.Context, c *notified.Client, p notified.Person) (any, error) {
		return c.ShowPackage(ctx, p, show)
	},
	"R": func(ctx context.Context, c *notified.Client, p notified.Person) (any, error) {
		return c.Register(ctx, p, show, 7)
	},
	"T": func(ctx context.Context, c *notified.Client, p notified.Person) (any, error) {
		return c.LoginTicket(ctx, p, show)
	},
	"T, minted": func(ctx context.Context, c *notified.Client, p notified.Person) (any, error) {
		return c.MintTicket(ctx, p.UserID, amsbridge.Product{ShowKey: show})
	},
	"CrMAT": func(ctx context.Context, c *notified.Client, p notified.Person) (any, error) {
		return c.Chain(ctx, notified.Chain{OpCodes: "CrMAT", Person: p, ShowKey: show, ShowPackageKey: 7, AddOnKeys: []int64{9985}})
	},
	"U": func(ctx context.Context, c *notified.Client, p notified.Person) (any, error) {
		return c.Chain(ctx, notified.Chain{OpCodes: "U", Person: p})
	},
}

// Each opcode is called with exactly these parameters.
func TestCallsGolden(t *testing.T) {
	t.Parallel()
	const byID, byEmail = "&LookupByExternalUserID=1&ExternalUserID=u-1", "&LookupByExternalUserID=0&EMailAddress=ada%40example.org"
	const names = "&FirstName=Ada%20%26%20Co&LastName=L%C3%A9vy"
	for name, params := range map[string]struct{ profile, rest string }{
		"M":     {"", "&ShowKey=77001&AddOnsChangeList=9985,10342"},
		"N":     {"", "&ShowKey=77001&AddOnsChangeList=9985,10342"},
		"A":     {"", "&ShowKey=77001"},
		"K":     {"", "&ShowKey=77001"},
		"R":     {"", "&ShowKey=77001&ShowPackageKey=7"},
		"T":     {"", "&ShowKey=77001"},
		"CrMAT": {names, "&ShowKey=77001&ShowPackageKey=7&AddOnsChangeList=9985"},
		"U":     {names, ""},
	} {
		for _, lookupByEmail := range []bool{false, true} {
			t.Run(fmt.Sprint(name, lookupByEmail), func(t *testing.T) {
				t.Parallel()
				var form, header string
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					b := make([]byte, r.ContentLength)
					_, _ = r.Body.Read(b)
					form, header = string(b), r.Header.Get("Amsbridge-Key")
					w.WriteHeader(http.StatusServiceUnavailable)
				}))
				t.Cleanup(srv.Close)
				client := newClient(t, notified.Config{AuthCode: "a", Credentials: "b", BaseURL: srv.URL + "/api", LookupByEmail: lookupByEmail})
				_, err := everyCall[name](t.Context(), client, ada)
				require.Equal(t, outbox.OutcomeUnavailable, failure(t, err).Outcome)
				who := byID
				switch {
				case lookupByEmail:
					who = byEmail
				case params.profile != "":
					who += "&EMailAddress=ada%40example.org"
				}
				require.Equal(t, "APIUserAuthCode=a&APIUserCredentials=b&OpCodeList="+name+"&OutputFormat=X"+who+params.profile+params.rest, form)
				require.Empty(t, header, "a call outside a delivery has no key")
			})
		}
	}
}

// TestNamesAreSettings: names that are guesses can be changed.
func TestNamesAreSettings(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outputs := map[string]string{"K": "Pkg>7</Pkg", "A": "Item>5</Item", "N": "Gone>2</Gone", "T": "Tik>abc</Tik"}
		sent := html.EscapeString(strings.Join([]string{r.FormValue("OpCodeList"), r.FormValue("PkgIn"), r.FormValue("First"), r.FormValue("Last")}, ","))
		code := r.FormValue("OpCodeList")[:1]
		_, _ = fmt.Fprintf(w, `<APIResults APICallResult="0" APICallDiagnostic="%s" OpCodesProcessed="1" OpCodesInError="0"><OpCodeResult OpCode="%s" Status="0"><ResultRow><%s></ResultRow></OpCodeResult></APIResults>`,
			sent, code, outputs[code])
	}))
	t.Cleanup(srv.Close)
	client := newClient(t, notified.Config{BaseURL: srv.URL + "/api", Names: notified.Names{
		ShowPackageParam: "PkgIn", ShowPackageOutput: "Pkg", AddOnOutput: "Item", AddOnsRemovedOutput: "Gone", LoginTicketOutput: "Tik",
		FirstNameParam: "First", LastNameParam: "Last",
	}})
	for code, want := range map[string]any{"K": int64(7), "A": []int64{5}, "N": 2} {
		got, err := everyCall[code](t.Context(), client, ada)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	ticket, err := client.LoginTicket(t.Context(), ada, show)
	require.NoError(t, err)
	require.Equal(t, "abc", ticket.Key())
	_, err = client.Chain(t.Context(), notified.Chain{OpCodes: "KRU", Person: ada, ShowKey: show, ShowPackageKey: 7})
	require.Contains(t, failure(t, err).Reason, "KRU,7,[removed],[removed]", "the names go out under theirs, and come back in no error")
}

// TestRegisterAlready: only R's own status means that a registration exists.
func TestRegisterAlready(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]struct {
		already bool
		outcome outbox.Outcome
	}{"0": {}, "44": {already: true}, "72": {outcome: outbox.OutcomeNotReady}, "45": {outcome: outbox.OutcomeRejected}} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `<APIResults APICallResult="0" OpCodesProcessed="1" OpCodesInError="0"><OpCodeResult OpCode="R" Status="%s"/></APIResults>`, status)
		}))
		t.Cleanup(srv.Close)
		already, err := newClient(t, notified.Config{BaseURL: srv.URL + "/api"}).Register(t.Context(), ada, show, 7)
		require.Equal(t, want.already, already)
		if want.outcome == outbox.OutcomeNone {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, want.outcome, failure(t, err).Outcome)
	}
}

// TestCallsRefuseBadInput: nothing is sent, and the error names the field.
func TestCallsRefuseBadInput(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a call was sent") }))
	t.Cleanup(srv.Close)
	byID := newClient(t, notified.Config{BaseURL: srv.URL + "/api"})
	byEmail := newClient(t, notified.Config{BaseURL: srv.URL + "/api", LookupByEmail: true})

	person := func(change func(*notified.Person)) notified.Person {
		p := ada
		change(&p)
		return p
	}
	noEmail := person(func(p *notified.Person) { p.Email = "" })
	chain := func(codes string, p notified.Person) notified.Chain {
		return notified.Chain{OpCodes: codes, Person: p, ShowKey: show, ShowPackageKey: 7, AddOnKeys: []int64{9985}}
	}
	for name, c := range map[string]struct {
		client *notified.Client
		chain  notified.Chain
		want   string
	}{
		"no opcodes":         {byID, chain("", ada), "notified: Chain.OpCodes are empty"},
		"21 opcodes":         {byID, chain(strings.Repeat("A", 21), ada), "notified: Chain.OpCodes are longer than 20 letters"},
		"delete":             {byID, chain("AD", ada), "notified: Chain.OpCodes hold D, which deletes the whole user"},
		"unknown opcode":     {byID, chain("AX", ada), "notified: Chain.OpCodes hold one that is not known"},
		"opcode's case":      {byID, chain("m", ada), "notified: Chain.OpCodes hold one that is not known"},
		"more parameters":    {byID, chain("A&OpCodeList=D", ada), "notified: Chain.OpCodes hold one that is not known"},
		"not a letter":       {byID, chain("A\u00e9", ada), "notified: Chain.OpCodes hold one that is not known"},
		"no user ID":         {byID, chain("A", notified.Person{Email: "ada@example.org"}), "notified: Person.UserID is empty"},
		"long user ID":       {byID, chain("A", person(func(p *notified.Person) { p.UserID = amsbridge.UserID(strings.Repeat("x", 256)) })), "notified: Person.UserID is longer"},
		"no e-mail, by it":   {byEmail, chain("A", noEmail), "notified: Person.Email is empty"},
		"long e-mail, by it": {byEmail, chain("A", person(func(p *notified.Person) { p.Email = strings.Repeat("x", 250) + "@a.org" })), "notified: Person.Email is longer than 255 bytes"},
		"no address, by it":  {byEmail, chain("A", person(func(p *notified.Person) { p.Email = "Ada <ada@example.org>" })), "notified: Person.Email is not an e-mail address"},
		"no e-mail for C":    {byID, chain("CrM", noEmail), "notified: Person.Email is empty"},
		"no first name":      {byID, chain("I", person(func(p *notified.Person) { p.FirstName = " " })), "notified: Person.FirstName is empty"},
		"long last name":     {byID, chain("U", person(func(p *notified.Person) { p.LastName = strings.Repeat("x", 256) })), "notified: Person.LastName is longer than 255 bytes"},
		"no show":            {byID, notified.Chain{OpCodes: "T", Person: ada}, "notified: Chain.ShowKey is not positive"},
		"no package":         {byID, notified.Chain{OpCodes: "R", Person: ada, ShowKey: show}, "notified: Chain.ShowPackageKey is not positive"},
		"no keys":            {byID, notified.Chain{OpCodes: "N", Person: ada, ShowKey: show}, "notified: Chain.AddOnKeys are empty"},
		"negative key":       {byID, notified.Chain{OpCodes: "M", Person: ada, ShowKey: show, AddOnKeys: []int64{5, -1}}, "notified: Chain.AddOnKeys hold one that is not positive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps, err := c.client.Chain(t.Context(), c.chain)
			require.Empty(t, steps)
			d := failure(t, err)
			require.Equal(t, outbox.OutcomeRejected, d.Outcome)
			require.Contains(t, d.Reason, c.want)
			var bad *amsbridge.InputError
			require.ErrorAs(t, err, &bad)
		})
	}
	_, err := byEmail.MintTicket(t.Context(), "u-1", amsbridge.Product{ShowKey: show})
	require.Contains(t, failure(t, err).Reason, "notified: Person.Email is empty")
	_, err = byID.MintTicket(t.Context(), "u-1", amsbridge.Product{RemoteProductID: "elevate only"})
	require.Contains(t, failure(t, err).Reason, "notified: Chain.ShowKey is not positive")
}

// TestChainKeepsItsArguments: the caller's list is not sorted in place.
func TestChainKeepsItsArguments(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	keys := []int64{10342, 9985}
	added, err := e.client.AddAddOns(t.Context(), ada, show, keys...)
	require.NoError(t, err)
	require.Equal(t, 2, added)
	require.Equal(t, []int64{10342, 9985}, keys)
}
