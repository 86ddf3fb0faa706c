package elevate

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
	"github.com/amsbridge/amsbridge/internal/strictjson"
	"github.com/amsbridge/amsbridge/outbox"
)

// ReportedRegistration is one row of the report: a person who is registered for a product on Elevate,
// however they got there. It holds personal data and is as untrusted as anything that a platform sends:
// escape it where it is shown.
type ReportedRegistration struct {
	// RemoteProductID is the shop's product ID. Empty where staff entered none.
	RemoteProductID string
	// ProductTitle is Elevate's title of the product. May be empty.
	ProductTitle string
	// FirstName, LastName and Email are personal data, as Elevate has them: an e-mail address may have
	// changed there. May be empty.
	FirstName, LastName, Email string
	// TransactionAt is the transaction's time by Elevate, in the profile's zone where the reply names
	// none.
	TransactionAt time.Time
}

// reportFailure is a reply without a report. Its text is the platform's and not scrubbed yet.
type reportFailure struct {
	outbox.DeliveryError
	text string
}

// read reads one reply: every row or none.
func (p *ReportProfile) read(body string) ([]ReportedRegistration, *reportFailure) {
	no := func(reason string) ([]ReportedRegistration, *reportFailure) {
		return nil, &reportFailure{DeliveryError: *unclear(reason)}
	}
	var found any
	if err := strictjson.Unmarshal([]byte(strings.TrimPrefix(body, "\ufeff")), &found); err != nil {
		return no(err.About("the reply"))
	}
	if o, ok := found.(map[string]any); ok {
		for _, path := range p.Errors {
			if v, ok := fieldpath.Get(o, path); ok && !isEmpty(v) {
				said, _ := v.(string) // a list or an object could hold rows
				return nil, &reportFailure{text: said, DeliveryError: outbox.DeliveryError{
					Outcome: outbox.OutcomeRejected, Reason: "the platform reports a failure",
				}}
			}
		}
		if p.Rows != "" {
			found, _ = fieldpath.Get(o, p.Rows)
		}
	} else if p.Rows != "" {
		return no("the reply is not an object, as the profile's Rows wants it")
	}
	list, ok := found.([]any)
	if !ok {
		return no("the reply has no list of rows where the profile's Rows says")
	}
	rows := make([]ReportedRegistration, len(list))
	for i, v := range list {
		if problem := p.row(v, &rows[i]); problem != "" {
			return no(fmt.Sprintf("row %d %s", i+1, problem))
		}
	}
	return rows, nil
}

// row reads one row, or says in our words what is wrong with it. A missing field is an error, since the
// profile's name for it may be wrong; null is empty.
func (p *ReportProfile) row(v any, to *ReportedRegistration) (problem string) {
	o, ok := v.(map[string]any)
	if !ok {
		return "is not an object"
	}
	at := ""
	into := []*string{&to.FirstName, &to.LastName, &to.Email, &to.ProductTitle, &to.RemoteProductID, &at}
	for i, column := range p.columns()[:len(into)] {
		v, there := o[column.path]
		if !there {
			v, there = fieldpath.Get(o, column.path)
		}
		if !there {
			return "has no field as the profile's " + column.field + " names it"
		}
		switch v := v.(type) {
		case nil:
		case string:
			*into[i] = v
		case json.Number:
			*into[i] = v.String()
		default:
			return "has no text where the profile's " + column.field + " says"
		}
	}
	for _, layout := range p.TimeLayouts {
		if t, err := p.parseTime(layout, at); err == nil {
			to.TransactionAt = t
			return ""
		}
	}
	return "has a time that none of the profile's TimeLayouts reads"
}
