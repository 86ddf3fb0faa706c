package ssokeys_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// Keys are exchanged by their times alone; a stolen one is revoked at once.
func ExampleRing() {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var keys []ssokeys.RingKey
	for range 2 {
		key, err := ssokeys.Generate(ssokeys.ES256)
		if err != nil {
			fmt.Println(err)
			return
		}
		keys = append(keys, ssokeys.RingKey{Key: key})
	}
	keys[0].Key.ID, keys[1].Key.ID = "2026", "2027"
	december := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	keys[0].RetireAt, keys[1].ActiveFrom = december, december

	ring, err := ssokeys.NewRing(ssokeys.RingConfig{Keys: keys, Now: func() time.Time { return now }})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ring.Keys())
	now = december
	fmt.Println(ring.Keys())
	fmt.Println(ring.Revoke("2026"))
	_, err = ring.VerificationKey(context.Background(), "2026")
	fmt.Println(errors.Is(err, ssokeys.ErrUnknown))
	// Output:
	// [{2026 ES256 active true} {2027 ES256 next false}]
	// [{2026 ES256 retiring false} {2027 ES256 active true}]
	// <nil>
	// true
}

// The shop publishes its public keys, and a receiver finds them there.
func ExampleRemote() {
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
	published, err := ssokeys.NewJWKS(ssokeys.JWKSConfig{Rings: sso.Rings()})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(published)
	defer server.Close()

	keys, err := ssokeys.NewRemote(ssokeys.RemoteConfig{URL: server.URL, InsecureLoopback: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := ssoverify.New(ssoverify.Config{
		Issuer: "https://shop.example.org", Audience: "https://learn.example.org",
		KeySource: keys, Replay: ssoverify.NewMemoryReplay(nil),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := sso.HandOff(context.Background(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-1042"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := verifier.Verify(context.Background(), token)
	fmt.Println(h.User.ID, err)
	// Output: U-1042 <nil>
}
