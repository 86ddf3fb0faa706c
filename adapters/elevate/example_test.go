package elevate_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

// Here a client gives one product in the sandbox; in a shop a sender calls it, through the destination
// that amsbridge.NewDestination makes of it.
func ExampleClient() {
	platform, err := elevatetest.New(elevatetest.Config{
		Key: "key", Profile: elevate.GuessedProfile(), BaseURL: "https://learn.example.org",
		Products: []elevatetest.Product{{RemoteProductID: "COURSE-1", Slug: "safety"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := httptest.NewServer(platform)
	defer srv.Close()

	client, err := elevate.New(elevate.Config{
		Endpoint: srv.URL + "/api/registration", AllowLoopbackHTTP: true,
		Credentials: elevate.Key("key"), Profile: elevate.GuessedProfile(),
		AllowedHosts: []string{"learn.example.org"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := client.Give(context.Background(), amsbridge.Grant{
		Key: "k1", User: amsbridge.User{ID: "u-7", FirstName: "Ada", LastName: "Byron", Email: "ada@example.org"},
		Item: amsbridge.Item{RemoteProductID: "COURSE-1"},
	})
	fmt.Println(amsbridge.DecodeReceipt(res.Receipt).ProductURL, err)
	// Output: https://learn.example.org/products/safety <nil>
}

func ExampleNew() {
	_, err := elevate.New(elevate.Config{
		Endpoint: "http://learn.example.org/api", Credentials: elevate.Key("key"), Profile: elevate.GuessedProfile(),
	})
	fmt.Println(err)
	// Output: elevate: Config.Endpoint is not an https URL (plain http to a loopback address needs AllowLoopbackHTTP)
}
