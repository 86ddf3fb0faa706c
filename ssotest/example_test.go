package ssotest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssotest"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// A test of a service with its own verifier; here it is this module's.
func ExampleRun() {
	_ = func(t *testing.T) {
		ssotest.Run(t, ssotest.Config{New: func(s ssotest.Setup) (ssotest.Verifier, error) {
			v, err := ssoverify.New(ssoverify.Config{
				Issuer: s.Issuer, Audience: s.Audience, KeySource: s.KeySource, Replay: ssoverify.NewMemoryReplay(s.Now),
				ReturnOrigins: s.ReturnOrigins, Skew: s.Skew, Now: s.Now,
			})
			return func(ctx context.Context, token string) (ssotest.Accepted, error) {
				h, err := v.Verify(ctx, token)
				return ssotest.Accepted{UserID: string(h.User.ID), ReturnTo: h.ReturnTo}, err
			}, err
		}})
	}
}

// A verifier that checks the signature, but not the audience.
func ExampleCheck() {
	results, err := ssotest.Check(context.Background(), ssotest.Config{
		Algorithms: []ssokeys.Algorithm{ssokeys.EdDSA},
		New: func(s ssotest.Setup) (ssotest.Verifier, error) {
			return func(ctx context.Context, token string) (ssotest.Accepted, error) {
				t, err := jwt.Parse(token, func(t *jwt.Token) (any, error) {
					id, _ := t.Header["kid"].(string)
					k, err := s.KeySource.VerificationKey(ctx, id)
					return k.Public, err
				}, jwt.WithIssuer(s.Issuer))
				if err != nil {
					return ssotest.Accepted{}, err
				}
				user, err := t.Claims.GetSubject()
				return ssotest.Accepted{UserID: user}, err
			}, nil
		},
		Lacks: []ssotest.Feature{ssotest.Replay, ssotest.ReturnTargets, ssotest.Clock},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range results {
		if r.Name == "aud/of another platform" {
			fmt.Println(r.Name, "-", r.Outcome, "-", r.Harm())
			fmt.Println(r.Why)
		}
	}
	// Output:
	// aud/of another platform - accepted - attack
	// who may read what another platform got walks in here with it
}
