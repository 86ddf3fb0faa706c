package main

import (
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// config is what a -config file holds; sample.json is one. Every field may be
// left out, but for those marked as required.
type config struct {
	// BaseURL is how a shop reaches the sandbox where that is not the -addr: behind
	// a proxy that ends TLS, say. It begins the printed endpoints and the Product
	// URLs. Defaults to "http://" and the address listened at.
	BaseURL  string         `json:"base_url"`
	Elevate  elevateConfig  `json:"elevate"`
	Notified notifiedConfig `json:"notified"`

	// What load makes of profile_file, re_add and upsert_delay.
	profile                                 *elevate.Profile
	reAdd                                   notifiedtest.ReAdd
	elevateUpsertDelay, notifiedUpsertDelay time.Duration
}

// elevateConfig is what staff and the vendor set up at Elevate.
type elevateConfig struct {
	// ProfileFile is a wire profile as elevate.ReadProfile reads it,
	// relative to the configuration's folder. Defaults to our guess.
	ProfileFile string `json:"profile_file"`
	// Key is the Registration API's credential, ReportKey the Report API's, and
	// UserName and Password the former's where the profile's way is basic. Those
	// that are left out are made at each start, or kept by -credentials; ReportKey
	// defaults to Key.
	Key       string `json:"key"`
	ReportKey string `json:"report_key"`
	UserName  string `json:"user_name"`
	Password  string `json:"password"`

	Products []productConfig `json:"products"`
	// UpsertDelay, such as "250ms", makes duplicate persons possible. Defaults to
	// none.
	UpsertDelay string `json:"upsert_delay"`
}

// productConfig is an elevatetest.Product.
type productConfig struct {
	RemoteProductID string `json:"remote_product_id"` // required
	Title           string `json:"title"`             // defaults to remote_product_id
	Slug            string `json:"slug"`              // defaults to one made of remote_product_id
	Draft           bool   `json:"draft"`             // refuses registrations, as Closed does
	Closed          bool   `json:"closed"`
	AppearsAfter    int    `json:"appears_after"` // is unknown to so many calls first
}

// notifiedConfig is what there is at Notified before a shop calls, and how it
// answers. Fields without a comment are as in notifiedtest.Config.
type notifiedConfig struct {
	Accounts []accountConfig `json:"accounts"` // required, at least one
	Shows    []showConfig    `json:"shows"`
	People   []personConfig  `json:"people"`

	Names                namesConfig `json:"names"`
	RegistrationIDOutput string      `json:"registration_id_output"`
	ExtraParams          []string    `json:"extra_params"`
	ReAdd                string      `json:"re_add"`       // "count new", the default, "count all" or "refuse present"
	UpsertDelay          string      `json:"upsert_delay"` // such as "250ms"; defaults to none
	CurlyQuotes          bool        `json:"curly_quotes"`
	EncodeText           bool        `json:"encode_text"`
	BlankLines           bool        `json:"blank_lines"`
}

// namesConfig is notified.Names.
type namesConfig struct {
	ShowPackageParam    string `json:"show_package_param"`
	ShowPackageOutput   string `json:"show_package_output"`
	AddOnOutput         string `json:"add_on_output"`
	AddOnsRemovedOutput string `json:"add_ons_removed_output"`
	LoginTicketOutput   string `json:"login_ticket_output"`
	FirstNameParam      string `json:"first_name_param"`
	LastNameParam       string `json:"last_name_param"`
}

// accountConfig is a caller of one customer area. AuthCode and Credentials are
// made at each start where they are left out, or kept by -credentials.
type accountConfig struct {
	Area        string `json:"area"` // required
	AuthCode    string `json:"auth_code"`
	Credentials string `json:"credentials"`
}

// showConfig is a notifiedtest.Show.
type showConfig struct {
	Key          int64           `json:"key"`  // required
	Area         string          `json:"area"` // required, an account's
	Name         string          `json:"name"`
	Packages     []packageConfig `json:"packages"`
	DisplayItems []string        `json:"display_items"` // where a login ticket may lead, such as "E101"
	Open         bool            `json:"open"`          // needs no registration
}

// packageConfig is a notifiedtest.Package.
type packageConfig struct {
	Key      int64         `json:"key"`  // defaults to the show's times 1,000 plus the place in the list
	Name     string        `json:"name"` // required
	Capacity int           `json:"capacity"`
	Full     bool          `json:"full"`
	Closed   bool          `json:"closed"`
	AddOns   []addOnConfig `json:"add_ons"`
}

// addOnConfig is a notifiedtest.AddOn.
type addOnConfig struct {
	Key      int64  `json:"key"`       // required
	RefersTo string `json:"refers_to"` // another package, which makes adding it fail
}

// personConfig is somebody whom Notified knows already, or from the nth call
// about them on.
type personConfig struct {
	ID            string               `json:"id"` // required
	Email         string               `json:"email"`
	Area          string               `json:"area"` // required, an account's
	FromCall      int                  `json:"from_call"`
	Registrations []registrationConfig `json:"registrations"`
}

// registrationConfig is a person's package in a show, now or from the nth call
// about it on.
type registrationConfig struct {
	Show     int64  `json:"show"`    // required
	Package  string `json:"package"` // required, its name
	FromCall int    `json:"from_call"`
}
