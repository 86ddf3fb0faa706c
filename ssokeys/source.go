package ssokeys

import (
	"context"
	"errors"
)

// ErrUnknown is returned by a [Source] for an ID that has no key, or none that is accepted now.
var ErrUnknown = errors.New("ssokeys: no such key")

// Source finds the keys of an issuer.
type Source interface {
	// VerificationKey returns the key of that ID. It returns [ErrUnknown] where there is none that is
	// accepted now, and another error where it cannot tell; both refuse the token. It is called for
	// each token, with whatever key ID a stranger wrote, and must be safe for concurrent use.
	VerificationKey(ctx context.Context, id string) (VerificationKey, error)
}
