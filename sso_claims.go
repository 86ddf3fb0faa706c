package amsbridge

import (
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
)

// ProfileClaims name the claims that carry a member's profile. A field with an empty name is left out.
// Names are distinct, 1 to 64 of [A-Za-z0-9_.:/-], and not those of other claims, such as "sub".
type ProfileClaims struct {
	FirstName, LastName, Email, MemberType string
}

// writeProfile adds the profile claims that the platform wants and the shop has values for.
func writeProfile(claims map[string]any, names ssotoken.Profile, u User) error {
	values := ssotoken.Profile{
		FirstName: u.FirstName, LastName: u.LastName, Email: u.Email, MemberType: u.MemberType,
	}
	for _, p := range names.Pairs(&values) {
		if *p.Value == "" {
			continue
		}
		if problem := check.Text(*p.Value, ssotoken.MaxProfileClaim); problem != "" {
			return check.Bad("amsbridge", "HandOffRequest.User."+p.Field, problem)
		}
		claims[p.Claim] = *p.Value
	}
	return nil
}
