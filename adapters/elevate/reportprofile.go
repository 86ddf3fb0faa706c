package elevate

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
)

// ReportProfile is the part of the Report API's wire format that is not on public pages. The public
// part is at [Reports]. There is no default; see [GuessedReportProfile].
type ReportProfile struct {
	// Name says where the profile comes from, for people. Required.
	Name string

	// Format and Labels are sent as "format" and "labels". The names are public, the values are not.
	// Required; JSON.
	Format, Labels json.RawMessage
	// Fields is sent as "fields" and lists the wanted columns. Required; JSON. How a product's column
	// is written is not public.
	Fields json.RawMessage

	// PageField names the request's field with the page number, from 1, and PageSizeField the one with
	// PageSize. A page with fewer rows than PageSize is the last. Whether Elevate has pages is not
	// public. Defaults to none: one reply is the whole report.
	PageField, PageSizeField string
	// PageSize is 1 to 10,000 with pages, and zero without.
	PageSize int

	// Rows is the dotted path of the reply's list of rows. Empty where the whole reply is that list.
	Rows string
	// Errors name the reply's fields that, when not empty, hold the reason why there is no report. They
	// are read where the reply is an object.
	Errors []string
	// FirstName to TransactionAt name a row's fields: a field of exactly that name, or else a dotted
	// path. Required.
	FirstName, LastName, Email, ProductTitle, RemoteProductID, TransactionAt string

	// TimeLayouts are layouts of [time.Parse] by which transaction_at is read; the first also writes
	// the filter. Required.
	TimeLayouts []string
	// Zone is the time zone of the filter, and of times that name none. Defaults to UTC.
	Zone *time.Location
}

// GuessedReportProfile returns a guess, not Elevate's word. Public are the names of the request's
// fields, the resource and the columns. The rest is made up: that format is "json" and labels false,
// how columns of a user and a product are listed, that there are no pages, that the reply is a list of
// rows or an object with an error, and that times are UTC in RFC 3339 or SQL's form.
func GuessedReportProfile() *ReportProfile {
	return &ReportProfile{
		Name: "guessed", Format: json.RawMessage(`"json"`), Labels: json.RawMessage("false"),
		Fields: json.RawMessage(
			`["user.firstname","user.lastname","user.email","transaction_at",` +
				`"product.title","product.remote_product_id"]`),
		Errors:    []string{"error", "errors"},
		FirstName: "user.firstname", LastName: "user.lastname", Email: "user.email",
		ProductTitle: "product.title", RemoteProductID: "product.remote_product_id", TransactionAt: "transaction_at",
		TimeLayouts: []string{time.DateTime, time.RFC3339},
	}
}

// Check returns an [*amsbridge.InputError] for the first field that is missing
// or malformed.
func (p *ReportProfile) Check() error { return p.check(refuser("ReportProfile")) }

func (p *ReportProfile) check(bad func(field, problem string) error) error {
	if p.Name == "" {
		return bad("Name", "is empty")
	}
	for _, f := range []struct {
		field string
		value json.RawMessage
	}{{"Format", p.Format}, {"Labels", p.Labels}, {"Fields", p.Fields}} {
		if !json.Valid(f.value) {
			return bad(f.field, "is not JSON")
		}
	}
	for _, f := range p.columns() {
		if problem := pathProblem(f.path); problem != "" {
			return bad(f.field, problem)
		}
	}
	taken := map[string]any{"api_key": 0, "format": 0, "labels": 0, "resource": 0, "fields": 0, "filters": 0}
	for _, f := range []namedPath{{"PageField", p.PageField, true}, {"PageSizeField", p.PageSizeField, true}} {
		if f.path == "" {
			continue
		}
		if problem := pathProblem(f.path); problem != "" {
			return bad(f.field, problem)
		}
		if !fieldpath.Set(taken, f.path, 0) {
			return bad(f.field, "is the path of another field too, or lies on one")
		}
	}
	switch {
	case p.Rows != "" && pathProblem(p.Rows) != "":
		return bad("Rows", pathProblem(p.Rows))
	case p.PageField == "" && (p.PageSizeField != "" || p.PageSize != 0):
		return bad("PageField", "is empty, but another setting wants pages")
	case p.PageField != "" && (p.PageSize < 1 || p.PageSize > 10_000):
		return bad("PageSize", "is not from 1 to 10,000")
	case len(p.TimeLayouts) == 0:
		return bad("TimeLayouts", "is empty")
	}
	for i, layout := range p.TimeLayouts {
		at := time.Date(2031, 11, 22, 13, 14, 15, 0, p.zone())
		if got, err := p.parseTime(layout, at.Format(layout)); err != nil || !got.Equal(at) {
			return bad(fmt.Sprintf("TimeLayouts[%d]", i), "cannot tell a time to the second")
		}
	}
	return nil
}

// columns lists the row's fields, then the reply's.
func (p *ReportProfile) columns() []namedPath {
	all := []namedPath{
		{"FirstName", p.FirstName, false},
		{"LastName", p.LastName, false},
		{"Email", p.Email, false},
		{"ProductTitle", p.ProductTitle, false},
		{"RemoteProductID", p.RemoteProductID, false},
		{"TransactionAt", p.TransactionAt, false},
	}
	for i, path := range p.Errors {
		all = append(all, namedPath{fmt.Sprintf("Errors[%d]", i), path, false})
	}
	return all
}

func (p *ReportProfile) zone() *time.Location {
	if p.Zone == nil {
		return time.UTC
	}
	return p.Zone
}

func (p *ReportProfile) parseTime(layout, text string) (time.Time, error) {
	return time.ParseInLocation(layout, text, p.zone())
}

func (p *ReportProfile) clone() *ReportProfile {
	c := *p
	c.Format, c.Labels, c.Fields = slices.Clone(p.Format), slices.Clone(p.Labels), slices.Clone(p.Fields)
	c.Errors, c.TimeLayouts = slices.Clone(p.Errors), slices.Clone(p.TimeLayouts)
	return &c
}
