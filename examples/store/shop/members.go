package shop

import (
	"slices"

	"github.com/amsbridge/amsbridge"
)

// Member is a user of the shop. The ID is shared with both platforms.
type Member struct {
	amsbridge.User
	// Role is what the sign-in page says of them.
	Role string
	// Staff may see the staff's pages.
	Staff bool
}

// Name is how the pages call a member.
func (m Member) Name() string { return m.FirstName + " " + m.LastName }

// Members are all users of the shop: three of one clinic, and one of the staff.
func Members() []Member {
	return []Member{
		{User: amsbridge.User{ID: "U-1001", FirstName: "Maria", LastName: "Keller", Email: "maria.keller@example.org"}, Role: "Head nurse, buys for her team"},
		{User: amsbridge.User{ID: "U-1002", FirstName: "James", LastName: "O’Neill", Email: "james.oneill@example.org"}, Role: "Nurse"},
		{User: amsbridge.User{ID: "U-1003", FirstName: "Aiko", LastName: "Tanaka", Email: "aiko.tanaka@example.org"}, Role: "Therapist"},
		{User: amsbridge.User{ID: "U-2001", FirstName: "Sam", LastName: "Rivera", Email: "sam.rivera@example.org"}, Role: "Staff of the society", Staff: true},
	}
}

// MemberByID finds a member.
func MemberByID(id amsbridge.UserID) (Member, bool) {
	all := Members()
	i := slices.IndexFunc(all, func(m Member) bool { return m.ID == id })
	if i < 0 {
		return Member{}, false
	}
	return all[i], true
}
