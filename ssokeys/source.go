package ssokeys

import (
	"context"
	"errors"
)

// ErrUnknown is returned by a [Source] that has no such key, or none that is
// accepted now.
var ErrUnknown = errors.New("ssokeys: no such key")

// Source finds the keys of an issuer.
type Source interface {
	// VerificationKey returns the key of that ID, [ErrUnknown] where there is
	// none that is accepted now, or another error where that cannot be said: the
	// token is then refused as well. It is called for each token, with whatever a
	// stranger wrote as kid, and must be safe for concurrent use.
	VerificationKey(ctx context.Context, id string) (VerificationKey, error)
}
