package amsbridge_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge"
)

// The shop signs with its private key; the receiver needs the public one alone.
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
			Key: amsbridge.SigningKey{ID: "2026-11", Private: private},
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

	verifier, err := amsbridge.NewVerifier(amsbridge.VerifierConfig{
		Issuer: "https://shop.example.org", Audience: "https://learn.example.org",
		Keys:   []amsbridge.VerificationKey{{ID: "2026-11", Public: public}},
		Replay: amsbridge.NewMemoryReplay(nil),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := verifier.Verify(context.Background(), token)
	fmt.Println(h.User.ID, h.ReturnTo, h.ExpiresAt.Sub(h.IssuedAt), err)
	// Output: U-1042 /courses/7 1m0s <nil>
}

// A page shows the plain message; the log gets the reason.
func ExampleVerifier_Verify() {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := amsbridge.NewVerifier(amsbridge.VerifierConfig{
		Issuer: "https://shop.example.org", Audience: "https://learn.example.org",
		Keys:   []amsbridge.VerificationKey{{ID: "2026-11", Public: public}},
		Replay: amsbridge.NewMemoryReplay(nil),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = verifier.Verify(context.Background(), "eyJhbGciOiJub25lIn0.e30.")
	fmt.Println(errors.Is(err, amsbridge.ErrInvalidToken), "-", err)
	fmt.Println(errors.Unwrap(err))
	// Output:
	// true - amsbridge: the token is not valid
	// header: typ is not that of this kind of token
}
