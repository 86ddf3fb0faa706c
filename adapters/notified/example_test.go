package notified_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// A client against the sandbox. In a shop a sender calls it, through the destination that
// amsbridge.NewDestination makes of it.
func ExampleClient() {
	client, sandbox, closeAll := exampleSandbox()
	defer closeAll()

	grant := amsbridge.Grant{
		Key: "k-1", User: amsbridge.User{ID: "u-1"},
		Item: amsbridge.Item{ShowKey: 77001, AddOnKeys: []int64{9985, 10342}},
	}

	_, err := client.Give(context.Background(), grant)
	fmt.Println(err)

	if err := sandbox.Register("u-1", 77001, "full"); err != nil {
		panic(err)
	}
	result, err := client.Give(context.Background(), grant)
	fmt.Println(*amsbridge.DecodeReceipt(result.Receipt).AddOnsAdded, err, sandbox.AddOns("u-1", 77001))
	// Output:
	// not ready (72): Notified has no registration of the person for the show yet: User Not Registered!
	// 2 <nil> [9985 10342]
}

// An event page's handler: the ticket is minted on the member's click, and the
// browser is sent on at once.
func ExampleClient_MintTicket() {
	client, sandbox, closeAll := exampleSandbox()
	defer closeAll()

	enter := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		url, err := client.MintTicket(r.Context(), "u-1", amsbridge.Product{ID: "p-9", ShowKey: 77001})
		if err != nil {
			http.Error(w, "We are finishing your registration. Try again in a minute.", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, r, url, http.StatusFound)
	})

	click := func() int {
		w := httptest.NewRecorder()
		enter.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/events/p-9/enter", nil))
		return w.Code
	}
	fmt.Println(click())
	if err := sandbox.Register("u-1", 77001, "full"); err != nil {
		panic(err)
	}
	fmt.Println(click())
	// Output:
	// 503
	// 302
}

// Several opcodes in one call: register, add, and list what is there.
func ExampleClient_Chain() {
	client, _, closeAll := exampleSandbox()
	defer closeAll()

	steps, err := client.Chain(context.Background(), notified.Chain{
		OpCodes: "RMAT", Person: notified.Person{UserID: "u-1"},
		ShowKey: 77001, ShowPackageKey: 77001001, AddOnKeys: []int64{9985, 10342},
	})
	fmt.Println(err)
	fmt.Println(steps[1].AddOnsChanged, steps[2].AddOns, steps[3].Ticket)

	steps, err = client.Chain(context.Background(), notified.Chain{
		OpCodes: "KMA", Person: notified.Person{UserID: "u-1"}, ShowKey: 77001, AddOnKeys: []int64{1},
	})
	fmt.Println(err)
	fmt.Println(len(steps), steps[0].ShowPackageKey, steps[1].Status)
	// Output:
	// <nil>
	// 2 [9985 10342] notified.Ticket(masked)
	// rejected (76): at opcode M, number 2 of KMA: Notified refuses the add-ons: a person must look: Display Item Missing!
	// 2 77001001 76
}

// exampleSandbox has one show with one package, and one person.
func exampleSandbox() (*notified.Client, *notifiedtest.Server, func()) {
	sandbox, err := notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: "acme-auth", Credentials: "acme-secret", Area: "acme"}},
		Shows: []notifiedtest.Show{{Key: 77001, Area: "acme", Packages: []notifiedtest.Package{
			{Name: "full", AddOns: []notifiedtest.AddOn{{Key: 9985}, {Key: 10342}}},
		}}},
	})
	if err != nil {
		panic(err)
	}
	if err := sandbox.AddUser("acme", notifiedtest.User{ID: "u-1"}); err != nil {
		panic(err)
	}
	server := httptest.NewServer(sandbox)
	client, err := notified.New(notified.Config{
		AuthCode: "acme-auth", Credentials: "acme-secret",
		BaseURL: server.URL + "/scripts/Server.nxp", AllowLoopbackHTTP: true, // a real one needs neither
	})
	if err != nil {
		panic(err)
	}
	return client, sandbox, server.Close
}
