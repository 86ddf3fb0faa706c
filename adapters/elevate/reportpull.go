package elevate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// pull fetches the pages of one report. It returns nil when take returns false.
func (r *Reports) pull(ctx context.Context, since time.Time, take func(ReportedRegistration) bool) error {
	if y := since.In(r.profile.zone()).Year(); since.IsZero() || y < 1 || y > 9999 {
		return check.Bad("elevate", "since", "is zero, or not in the years 1 to 9999")
	}
	until, err := r.start()
	if err != nil {
		return err
	}
	var last string
	for page, rows := 1, 0; ; page++ {
		body, err := r.page(ctx, since, page)
		if err != nil {
			if page == 1 && unsent(err) {
				r.takeBack(until)
			}
			return err
		}
		list, failure := r.profile.read(body)
		if failure != nil {
			return r.explain(&failure.DeliveryError, failure.text)
		}
		rows += len(list)
		switch {
		case rows > r.maxRows:
			return unclear("the report has more rows than MaxRows; ask for a later time")
		case page > 1 && len(list) > 0 && body == last:
			return unclear("two pages are the same; does the profile name the page's field right?")
		}
		for _, row := range list {
			if !take(row) {
				return nil
			}
		}
		if r.profile.PageField == "" || len(list) < r.profile.PageSize {
			return nil
		}
		last = body
	}
}

// page makes one call and returns the body of a whole 2xx reply.
func (r *Reports) page(ctx context.Context, since time.Time, page int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	req, err := r.request(since, page)
	if err != nil {
		return "", rejected("no JSON can be made of it", nil)
	}
	reply, err := r.api.Do(ctx, req)
	if err != nil {
		return "", err
	}
	if d := r.api.Classify(reply); d != nil {
		d.Detail = "" // it may hold names that scrubbing does not know
		r.wait(d)
		if _, failure := r.profile.read(reply.Body); reply.Status/100 == 4 && failure != nil {
			return "", r.explain(d, failure.text)
		}
		return "", d
	}
	if reply.Truncated {
		return "", unclear("the reply is longer than MaxBody; ask for a later time")
	}
	return reply.Body, nil
}

// explain adds the platform's text to a failure.
func (r *Reports) explain(d *outbox.DeliveryError, said string) *outbox.DeliveryError {
	if said != "" {
		d.Reason += ": " + r.api.Quote(said, maxReason)
	}
	return d
}

func (r *Reports) request(since time.Time, page int) (apiclient.Request, error) {
	p := r.profile
	o := map[string]any{
		"api_key": r.key.reveal().key, "format": p.Format, "labels": p.Labels, "fields": p.Fields,
		"resource": "productRegistration",
		"filters": map[string]any{
			"transaction_at": map[string]any{">=": since.In(p.zone()).Format(p.TimeLayouts[0])},
		},
	}
	if p.PageField != "" {
		fieldpath.Set(o, p.PageField, page)
	}
	if p.PageSizeField != "" {
		fieldpath.Set(o, p.PageSizeField, p.PageSize)
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // sends ">=" unescaped
	if err := enc.Encode(o); err != nil {
		return apiclient.Request{}, err
	}
	return apiclient.Request{
		Method: http.MethodPost, URL: r.endpoint, Header: jsonHeader(), Body: bytes.TrimSpace(body.Bytes()),
	}, nil
}

// unsent tells whether nothing of a call was sent to Elevate.
func unsent(err error) bool {
	d, ok := errors.AsType[*outbox.DeliveryError](err)
	return ok && d.Outcome == outbox.OutcomeUnavailable && d.Code == ""
}

func unclear(reason string) *outbox.DeliveryError {
	return &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown, Reason: reason}
}
