// Package ssotoken is what the signer of tokens and their verifiers share: the typ headers, the claims'
// names, the limits, and the strict reading of a token.
package ssotoken

import (
	"slices"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// The typ headers (RFC 8725 section 3.11). They keep a token of one kind, or of a foreign kind, from
// being accepted as another, whoever signed it.
const (
	HandOffType = "ams-handoff+jwt"
	SessionType = "ams-session+jwt"
)

// The kinds as the audit names them. A ticket is a platform's own.
const (
	HandOff = "hand-off"
	Session = "session"
	Ticket  = "ticket"
)

// KindOf returns the kind of a token with that typ header.
func KindOf(typ string) string {
	if typ == SessionType {
		return Session
	}
	return HandOff
}

// Limits of tokens. The signer keeps them, and the verifier enforces them.
const (
	MaxToken           = 8 << 10 // bytes
	MaxHandOffLifetime = 120 * time.Second
	MaxSessionLifetime = 12 * time.Hour
	MaxSkew            = time.Minute // how far apart clocks may be
	MaxNonce           = 255         // bytes, like those below
	MaxSessionID       = 255
	MaxProfileClaim    = 255
)

// The claims of our tokens (RFC 7519 section 4.1, OpenID Connect's nonce and
// sid, and our return_to). There is no nbf: it could only repeat iat.
const (
	Issuer    = "iss"
	Subject   = "sub"
	Audience  = "aud"
	IssuedAt  = "iat"
	ExpiresAt = "exp"
	ID        = "jti"
	ReturnTo  = "return_to"
	Nonce     = "nonce"
	SessionID = "sid"
)

// common returns the claims of every token.
func common() []string { return []string{Issuer, Subject, Audience, IssuedAt, ExpiresAt, ID} }

// SessionClaims returns the claims of a pull session.
func SessionClaims() []string { return append(common(), SessionID) }

// Profile holds a member's profile, or the names of the claims that carry it. An empty name leaves its
// claim out.
type Profile struct {
	FirstName, LastName, Email, MemberType string
}

// Pair is a profile claim, and a pointer to its value.
type Pair struct {
	Field string // field of Profile
	Claim string
	Value *string
}

// Pairs returns the claims that have a name, with pointers to their values in values.
func (names Profile) Pairs(values *Profile) []Pair {
	all := []Pair{
		{Field: "FirstName", Claim: names.FirstName, Value: &values.FirstName},
		{Field: "LastName", Claim: names.LastName, Value: &values.LastName},
		{Field: "Email", Claim: names.Email, Value: &values.Email},
		{Field: "MemberType", Claim: names.MemberType, Value: &values.MemberType},
	}
	return slices.DeleteFunc(all, func(p Pair) bool { return p.Claim == "" })
}

// HandOffClaims returns the claims of a hand-off with these profile claims.
func (names Profile) HandOffClaims() []string {
	claims := append(common(), ReturnTo, Nonce)
	for _, p := range names.Pairs(&Profile{}) {
		claims = append(claims, p.Claim)
	}
	return claims
}

// Problem returns the first field whose name cannot be a claim's, and why.
func (names Profile) Problem() (field, problem string) {
	seen := append(common(), ReturnTo, Nonce, "nbf", SessionID)
	for _, p := range names.Pairs(&Profile{}) {
		switch {
		case len(p.Claim) > 64 || strings.ContainsFunc(p.Claim, notInClaim):
			return p.Field, "is not 1 to 64 of [A-Za-z0-9_.:/-]"
		case slices.ContainsFunc(seen, func(s string) bool { return strings.EqualFold(s, p.Claim) }):
			return p.Field, "is the name of another claim"
		}
		seen = append(seen, p.Claim)
	}
	return "", ""
}

func notInClaim(r rune) bool {
	return r != ':' && r != '/' && check.Name(string(r), 1) != ""
}
