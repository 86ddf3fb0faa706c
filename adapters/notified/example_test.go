package notified_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/outbox"
)

// A client against the sandbox. In a shop the hook makes the message and a
// sender delivers it.
func ExampleClient() {
	sandbox, err := notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: "code", Credentials: "secret", Area: "acme"}},
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
	defer server.Close()

	client, err := notified.New(notified.Config{
		AuthCode: "code", Credentials: "secret",
		BaseURL: server.URL + "/scripts/Server.nxp", AllowLoopbackHTTP: true, // a real one needs neither
	})
	if err != nil {
		panic(err)
	}
	message := outbox.Message{
		Key: "k-1", Kind: amsbridge.KindAddOns, Version: 1,
		Facts: []byte(`{"user_id":"u-1","show_key":77001,"add_ons":[{"line_id":"1","keys":[9985,10342]}]}`),
	}

	_, err = client.Deliver(context.Background(), message)
	fmt.Println(err)

	if err := sandbox.Register("u-1", 77001, "full"); err != nil {
		panic(err)
	}
	result, err := client.Deliver(context.Background(), message)
	fmt.Println(*amsbridge.DecodeReceipt(result.Receipt).AddOnsAdded, err, sandbox.AddOns("u-1", 77001))
	// Output:
	// not ready (72): Notified has no registration of the person for the show yet: User Not Registered!
	// 2 <nil> [9985 10342]
}
