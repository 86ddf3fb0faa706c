package amsbridge

import (
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
)

// ProfileClaims name the claims in which a platform wants a member's profile.
// An empty name leaves it out. Names are distinct, 1 to 64 of [A-Za-z0-9_.:/-],
// and none that a token has already, such as "sub".
type ProfileClaims struct {
	FirstName, LastName, Email, MemberType string
}

// writeProfile adds what the platform wants to know and the shop knows.
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
