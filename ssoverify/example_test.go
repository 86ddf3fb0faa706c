package ssoverify_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// A page shows the plain message; the log gets the reason.
func ExampleVerifier_Verify() {
	public, _, err := ed25519.GenerateKey(rand.Reader)
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
	_, err = verifier.Verify(context.Background(), "eyJhbGciOiJub25lIn0.e30.")
	fmt.Println(errors.Is(err, ssoverify.ErrInvalidToken), "-", err)
	fmt.Println(errors.Unwrap(err))
	// Output:
	// true - ssoverify: the token is not valid
	// header: typ is missing, expected "ams-handoff+jwt"
}
