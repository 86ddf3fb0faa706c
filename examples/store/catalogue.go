package main

import (
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge"
)

// product is what the shop sells. Where it lives is no business of the shop's
// pages: see mapping.
type product struct {
	ID, Title, About string
	Price            cents
}

type cents int

// String returns the price as the pages show it.
func (c cents) String() string { return fmt.Sprintf("$%d.%02d", c/100, c%100) }

var products = []product{
	{"course-infection", "Infection Control Basics", "An online course of four hours.", 4900},
	{"course-ethics", "Ethics for Practitioners", "An online course of two hours, with a test.", 7900},
	{"event-gala", "Annual Meeting: Gala Dinner", "An add-on to your registration for the Annual Meeting.", 12000},
	{"event-workshop", "Annual Meeting: Hands-on Workshop", "An add-on to your registration for the Annual Meeting.", 15000},
	{"track-leadership", "Leadership Track", "An online course, and a live day at the Annual Meeting.", 29900},
	{"book-handbook", "Member Handbook", "A printed book. It comes by post.", 3500},
	{"course-telehealth", "Telehealth Update", "An online course. Staff forgot to say where it lives: see what becomes of its order.", 5900},
}

// The names of the platforms, as destinations of pushes and as audiences of
// hand-offs.
const (
	toElevate  = "elevate"
	toNotified = "notified"
)

// annualMeeting is Notified's key of the show.
const annualMeeting = 5021

// mapping says which products live where. The book names no platform, so it is
// the shop's alone. course-telehealth is missing: its lines are parked until
// somebody maps it, and no paid order fails for it.
var mapping = []amsbridge.Product{
	{ID: "course-infection", RemoteProductID: "course-infection"},
	{ID: "course-ethics", RemoteProductID: "course-ethics"},
	{ID: "event-gala", ShowKey: annualMeeting, AddOnKeys: []int64{9985}},
	{ID: "event-workshop", ShowKey: annualMeeting, AddOnKeys: []int64{10342}},
	{ID: "track-leadership", RemoteProductID: "track-leadership", ShowKey: annualMeeting, AddOnKeys: []int64{10400, 10401}},
	{ID: "book-handbook"},
}

// members are the shop's users. The ID is shared with both platforms.
var members = []amsbridge.User{
	{ID: "U-1001", FirstName: "Maria", LastName: "Keller", Email: "maria.keller@example.org"},
	{ID: "U-1002", FirstName: "James", LastName: "O’Neill", Email: "james.oneill@example.org"},
	{ID: "U-1003", FirstName: "Aiko", LastName: "Tanaka", Email: "aiko.tanaka@example.org"},
}

func productByID(id string) (product, bool) {
	i := slices.IndexFunc(products, func(p product) bool { return p.ID == id })
	if i < 0 {
		return product{}, false
	}
	return products[i], true
}

func memberByID(id amsbridge.UserID) (amsbridge.User, bool) {
	i := slices.IndexFunc(members, func(m amsbridge.User) bool { return m.ID == id })
	if i < 0 {
		return amsbridge.User{}, false
	}
	return members[i], true
}
