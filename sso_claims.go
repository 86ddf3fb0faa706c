package amsbridge

import (
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/golang-jwt/jwt/v5"
)

// The typ headers (RFC 8725 section 3.11): they keep one kind of token from
// being taken for the other, and any other for either, whoever signed it.
const (
	handOffType = "ams-handoff+jwt"
	sessionType = "ams-session+jwt"
)

// The claims of our tokens (RFC 7519 section 4.1, OpenID Connect's nonce and
// sid, and our return_to). There is no nbf: it could only repeat iat.
const (
	claimIssuer    = "iss"
	claimSubject   = "sub"
	claimAudience  = "aud"
	claimIssuedAt  = "iat"
	claimExpiresAt = "exp"
	claimID        = "jti"
	claimReturnTo  = "return_to"
	claimNonce     = "nonce"
	claimSessionID = "sid"
)

// commonClaims stand in every token, notBefore in none.
var (
	commonClaims  = [...]string{claimIssuer, claimSubject, claimAudience, claimIssuedAt, claimExpiresAt, claimID}
	handOffClaims = [...]string{claimReturnTo, claimNonce}
)

// maxProfileClaim is the longest value of a profile claim, in bytes.
const maxProfileClaim = 255

// ProfileClaims name the claims in which a platform wants a member's profile.
// An empty name leaves it out. Names are distinct, 1 to 64 of [A-Za-z0-9_.:/-],
// and none that a token has already, such as "sub".
type ProfileClaims struct {
	FirstName, LastName, Email, MemberType string
}

// fields pairs each claim's name with its place in a user.
func (c ProfileClaims) fields(u *User) [4]struct {
	field, claim string
	value        *string
} {
	return [4]struct {
		field, claim string
		value        *string
	}{
		{"first name", c.FirstName, &u.FirstName},
		{"last name", c.LastName, &u.LastName},
		{"email", c.Email, &u.Email},
		{"member type", c.MemberType, &u.MemberType},
	}
}

// problem names the first name that no claim may have.
func (c ProfileClaims) problem() (field, problem string) {
	seen := []string{"nbf", claimSessionID}
	seen = append(append(seen, commonClaims[:]...), handOffClaims[:]...)
	for _, f := range c.fields(&User{}) {
		switch {
		case f.claim == "":
			continue
		case len(f.claim) > 64 || strings.ContainsFunc(f.claim, notInClaim):
			return "claims." + f.field, "is not 1 to 64 of [A-Za-z0-9_.:/-]"
		case slices.ContainsFunc(seen, func(s string) bool { return strings.EqualFold(s, f.claim) }):
			return "claims." + f.field, "is the name of another claim"
		}
		seen = append(seen, f.claim)
	}
	return "", ""
}

func notInClaim(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("_.:/-", r)
}

// names are the claims that a hand-off may have.
func (c ProfileClaims) names() []string {
	names := append(slices.Clone(commonClaims[:]), handOffClaims[:]...)
	for _, f := range c.fields(&User{}) {
		if f.claim != "" {
			names = append(names, f.claim)
		}
	}
	return names
}

// write adds what the platform wants to know and the shop knows.
func (c ProfileClaims) write(claims jwt.MapClaims, u User) error {
	for _, f := range c.fields(&u) {
		if f.claim == "" || *f.value == "" {
			continue
		}
		if p := textProblem(*f.value, maxProfileClaim); p != "" {
			return check.Bad("amsbridge", f.field, p)
		}
		claims[f.claim] = *f.value
	}
	return nil
}
