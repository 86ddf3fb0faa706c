package notifiedtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// The second call is carried out, and its answer never comes.
func ExampleServer() {
	sandbox, err := notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: "code", Credentials: "secret", Area: "acme"}},
		Shows: []notifiedtest.Show{{Key: 1, Area: "acme", Packages: []notifiedtest.Package{
			{Name: "full", AddOns: []notifiedtest.AddOn{{Key: 11}}},
		}}},
	})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(sandbox)
	defer server.Close()
	call := func() error {
		resp, err := http.Get(server.URL + "/scripts/Server.nxp?LASCmd=AI:4;F:APIUTILS!50500&APIUserAuthCode=code" +
			"&APIUserCredentials=secret&OpCodeList=M&LookupByExternalUserID=1&ExternalUserID=u-1&ShowKey=1&AddOnsChangeList=11")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}

	sandbox.Misbehave(notifiedtest.Fault{}, notifiedtest.Fault{Kind: notifiedtest.CutAfter})
	fmt.Println(call() != nil)
	if err := sandbox.AddUser("acme", notifiedtest.User{ID: "u-1"}); err != nil {
		panic(err)
	}
	if err := sandbox.Register("u-1", 1, "full"); err != nil {
		panic(err)
	}
	fmt.Println(call() != nil)
	for _, c := range sandbox.Journal()[:2] {
		fmt.Println(c.Seq, c.User, c.AddOns, c.Status, c.Fault, c.Effect)
	}
	// Output:
	// false
	// true
	// 1 u-1 [11] 71 none false
	// 2 u-1 [11] 0 cut after true
}
