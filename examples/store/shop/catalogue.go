package shop

import (
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge"
)

// Product is what the shop sells. Where it lives is no business of the shop's
// pages: see [Mapping].
type Product struct {
	ID, Title string
	Kind      Kind
	About     string
	More      string
	Facts     []Fact
	Price     Cents
	Art       string
	SoldOut   bool
}

// Fact is a line on a product's page.
type Fact struct{ Name, Text string }

// Kind is a shelf of the shop.
type Kind string

// The shelves.
const (
	Course Kind = "Online course"
	Event  Kind = "Annual Meeting add-on"
	Book   Kind = "By post"
)

// Cents are US cents.
type Cents int

// String returns the price as the pages show it.
func (c Cents) String() string { return fmt.Sprintf("$%d.%02d", c/100, c%100) }

// Learner tells whether the product is bought for somebody: a book is sent to
// the buyer.
func (p Product) Learner() bool { return p.Kind != Book }

// Products are all that the shop sells, in the order of the shelves.
func Products() []Product {
	return []Product{
		{
			ID: "course-infection", Title: "Infection Control Basics", Kind: Course, Price: 4900, Art: "infection",
			About: "Clean hands, clear routines: what every care team does the same way.",
			More:  "Short lessons with pictures from real wards, each followed by three questions. Stop and go on when you like.",
			Facts: []Fact{{"Length", "4 hours"}, {"Credits", "4 contact hours"}, {"Where", "Online, on Elevate"}},
		},
		{
			ID: "course-ethics", Title: "Ethics for Practitioners", Kind: Course, Price: 7900, Art: "ethics",
			About: "Hard conversations, fair decisions: a course with a test at its end.",
			More:  "Six cases to think through, told by the people who were there, and a test that you may repeat.",
			Facts: []Fact{{"Length", "2 hours, and a test"}, {"Credits", "2 contact hours"}, {"Where", "Online, on Elevate"}},
		},
		{
			ID: "track-leadership", Title: "Leadership Track", Kind: Course, Price: 29900, Art: "leadership",
			About: "An online course, and a live day at the Annual Meeting.",
			More:  "Lead a team through change: eight lessons at your own pace, then a day of practice with a coach.",
			Facts: []Fact{{"Length", "10 hours, and one day"}, {"Credits", "16 contact hours"}, {"Where", "Online on Elevate, live on Notified"}},
		},
		{
			ID: "course-telehealth", Title: "Telehealth Update", Kind: Course, Price: 5900, Art: "telehealth",
			About: "New rules for visits by video. Staff forgot to say where this course lives: see what becomes of its order.",
			More:  "A paid order never fails for a forgotten mapping. Its line waits for a person, who sees it on the staff's pages.",
			Facts: []Fact{{"Length", "1 hour"}, {"Credits", "1 contact hour"}, {"Where", "Nobody has said yet"}},
		},
		{
			ID: "event-gala", Title: "Gala Dinner", Kind: Event, Price: 12000, Art: "gala",
			About: "Three courses, one band, and everybody whom you know by e-mail only.",
			More:  "The evening of the first day. It is an add-on to your registration for the Annual Meeting.",
			Facts: []Fact{{"When", "First day, 7 p.m."}, {"Where", "Annual Meeting, on Notified"}},
		},
		{
			ID: "event-workshop", Title: "Hands-on Workshop", Kind: Event, Price: 15000, Art: "workshop",
			About: "Ten people, two trainers, and a case that nobody has seen before.",
			More:  "A morning in small groups. It is an add-on to your registration for the Annual Meeting.",
			Facts: []Fact{{"When", "Second day, 9 a.m."}, {"Where", "Annual Meeting, on Notified"}},
		},
		{
			ID: "event-simulation", Title: "Simulation Lab", Kind: Event, Price: 18000, Art: "simulation", SoldOut: true,
			About: "A night shift with a patient of silicone. All places are taken.",
			More:  "We will offer it again next year.",
			Facts: []Fact{{"When", "Second day, 2 p.m."}, {"Where", "Annual Meeting, on Notified"}},
		},
		{
			ID: "book-handbook", Title: "Member Handbook", Kind: Book, Price: 3500, Art: "handbook",
			About: "The printed book. It comes by post, and lives on no platform.",
			More:  "320 pages, sewn, with room for notes.",
			Facts: []Fact{{"Format", "Hardcover"}, {"Where", "Your letterbox"}},
		},
	}
}

// AnnualMeeting is Notified's key of the show.
const AnnualMeeting = 5021

// Mapping says which products live where, for amsbridge's catalogue. The book
// names no platform, so it is the shop's alone. course-telehealth is missing:
// its lines are tasks of the staff until somebody maps it, and no paid order fails for it.
func Mapping() []amsbridge.Product {
	return []amsbridge.Product{
		{ID: "course-infection", RemoteProductID: "course-infection"},
		{ID: "course-ethics", RemoteProductID: "course-ethics"},
		{ID: "track-leadership", RemoteProductID: "track-leadership", ShowKey: AnnualMeeting, AddOnKeys: []int64{10400, 10401}},
		{ID: "event-gala", ShowKey: AnnualMeeting, AddOnKeys: []int64{9985}},
		{ID: "event-workshop", ShowKey: AnnualMeeting, AddOnKeys: []int64{10342}},
		{ID: "event-simulation", ShowKey: AnnualMeeting, AddOnKeys: []int64{10500}},
		{ID: "book-handbook"},
	}
}

// Title is what members call a product of amsbridge's catalogue.
func Title(p amsbridge.Product) string {
	own, _ := ProductByID(p.ID)
	return own.Title
}

// ProductByID finds a product.
func ProductByID(id string) (Product, bool) {
	all := Products()
	i := slices.IndexFunc(all, func(p Product) bool { return p.ID == id })
	if i < 0 {
		return Product{}, false
	}
	return all[i], true
}
