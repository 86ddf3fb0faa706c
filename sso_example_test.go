package amsbridge_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// The shop signs with its private key; the receiver needs only the public one.
func ExampleSSO_HandOff() {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	sso, err := amsbridge.NewSSO(amsbridge.SSOConfig{
		Issuer: "https://shop.example.org",
		Audiences: []amsbridge.Audience{{
			Name: "elevate", Audience: "https://learn.example.org",
			Key: ssokeys.SigningKey{ID: "2026-11", Private: private},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := sso.HandOff(context.Background(), amsbridge.HandOffRequest{
		Audience: "elevate", User: amsbridge.User{ID: "U-1042"}, ReturnTo: "/courses/7",
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	verifier, err := ssoverify.New(ssoverify.Config{
		Issuer: "https://shop.example.org", Audience: "https://learn.example.org",
		Keys:   []ssokeys.VerificationKey{{ID: "2026-11", Public: public}},
		Replay: ssoverify.NewMemoryReplay(nil),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := verifier.Verify(context.Background(), token)
	fmt.Println(h.User.ID, h.ReturnTo, h.ExpiresAt.Sub(h.IssuedAt), err)
	// Output: U-1042 /courses/7 1m0s <nil>
}
