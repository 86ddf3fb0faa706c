// Package check is how every package of the house refuses bad input: one error
// type, and the rules for texts, identifiers and addresses that they share. It
// imports the standard library alone.
package check

// InputError is a mistake in what the caller gave. Nothing was written or sent,
// and the caller's transaction is usable. It never holds the refused value.
// Users know it as amsbridge.InputError.
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

// Bad returns an [*InputError]. It is never nil.
func Bad(pkg, field, problem string) *InputError {
	return &InputError{Package: pkg, Field: field, Problem: problem}
}
