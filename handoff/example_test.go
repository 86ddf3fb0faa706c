package handoff_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/handoff"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// The shop mounts Start where its "go to the course" links lead.
func ExampleNew() {
	// README: hand-off
	key, err := ssokeys.Generate(ssokeys.EdDSA)
	if err != nil {
		fmt.Println(err)
		return
	}
	sso, err := amsbridge.NewSSO(amsbridge.SSOConfig{
		Issuer:    "https://shop.example.org",
		Audiences: []amsbridge.Audience{{Name: "elevate", Audience: "https://learn.example.org", Key: key}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	stateKey := make([]byte, 32)
	_, _ = rand.Read(stateKey)
	handOffs, err := handoff.New(handoff.Config{
		SSO: sso, SignIn: "/sign-in", StateKey: stateKey,
		CurrentUser: func(*http.Request) (amsbridge.User, error) { return amsbridge.User{ID: "U-1042"}, nil },
		Platforms: []handoff.Platform{
			{Name: "elevate", Title: "Elevate", URL: "https://learn.example.org/walk-in"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// README: end
	answer := httptest.NewRecorder()
	handOffs.Start().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/hand-off?to=elevate", nil))
	fmt.Println(answer.Code, answer.Header().Get("Cache-Control"), answer.Header().Get("Referrer-Policy"))
	// Output: 200 no-store no-referrer
}
