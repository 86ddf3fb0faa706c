package notifiedtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// The second call is carried out, but not answered.
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

// A script makes calls fail by number, by person and by rate; the journal shows the fault of each.
func ExampleServer_Follow() {
	sandbox, err := notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{{AuthCode: "code", Credentials: "secret", Area: "acme"}},
	})
	if err != nil {
		panic(err)
	}
	script, err := notifiedtest.ParseScript([]byte(`{"calls": {"2": {"kind": "login page"}}, "users": {"u-2": [{"kind": "throttle"}]}}`))
	if err != nil {
		panic(err)
	}
	if err := sandbox.Follow(script); err != nil {
		panic(err)
	}
	for _, user := range []string{"u-1", "u-1", "u-2", "u-2"} {
		r := httptest.NewRequest(http.MethodGet, "/scripts/Server.nxp?LASCmd=AI:4;F:APIUTILS!50500&APIUserAuthCode=code"+
			"&APIUserCredentials=secret&OpCodeList=C&LookupByExternalUserID=1&ExternalUserID="+user, http.NoBody)
		sandbox.ServeHTTP(httptest.NewRecorder(), r)
	}
	for _, c := range sandbox.Journal() {
		fmt.Printf("%d %s %s %q\n", c.Seq, c.User, c.Fault, c.Status)
	}
	// Output:
	// 1 u-1 none "0"
	// 2 u-1 login page ""
	// 3 u-2 throttle ""
	// 4 u-2 none "0"
}
