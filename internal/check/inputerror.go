// Package check is how all packages of this module refuse bad input: one error type, and the shared
// rules for texts, identifiers and addresses. It imports only the standard library.
package check

import (
	"errors"
	"strings"
)

// InputError is a mistake in what the caller gave. Nothing was written or sent, and the caller's
// transaction is usable. It never holds the refused value. Users know it as amsbridge.InputError.
type InputError struct {
	// Package is the package that refused, such as "handoff".
	Package string
	// Field is the bad value as Go code names it: "Config.Platforms[2].Name", or
	// the name of a parameter.
	Field string
	// Problem says what is wrong with it, such as "is empty".
	Problem string
}

// Error returns package, field and problem: "handoff: Config.SignIn is empty".
func (e *InputError) Error() string { return e.Package + ": " + e.Field + " " + e.Problem }

// Bad returns an [*InputError], never nil.
func Bad(pkg, field, problem string) *InputError {
	return &InputError{Package: pkg, Field: field, Problem: problem}
}

// Renamed returns err as an error of another package: where it is an [*InputError] whose Field begins
// with from, its Package becomes pkg and from is replaced by to. Other errors are returned unchanged.
func Renamed(err error, pkg, from, to string) error {
	var bad *InputError
	if !errors.As(err, &bad) {
		return err
	}
	if rest, ok := strings.CutPrefix(bad.Field, from); ok {
		return Bad(pkg, to+rest, bad.Problem)
	}
	return Bad(pkg, to, bad.Problem)
}
