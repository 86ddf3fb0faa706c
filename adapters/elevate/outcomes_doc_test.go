package elevate_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/internal/outcometest"
	"github.com/amsbridge/amsbridge/outbox"
)

// answered is the platform's answer in a row of docs/outcomes-elevate.md.
type answered struct {
	status   int // 0 means 200
	body     string
	cut      bool // the connection is cut after the body
	absent   bool // nobody listens
	untrue   bool // the certificate is not trusted
	unmarked bool // the profile has AcceptUnmarked
	base     bool // the profile has ProductURLBase
	own      bool // AllowedHosts are the default, the endpoint's
	change   func(*amsbridge.Grant)
	take     bool
}

const (
	link    = `"product_url":"https://learn.example.org/p/1"`
	badLink = `"product_url":"https://elsewhere.example.org/p/1"`
)

var outcomeRows = map[string]answered{
	"Success, with a Product URL":                        {body: `{"success":true,` + link + `}`},
	"A Product URL, without a word of success":           {body: `{` + link + `}`},
	"Success alone":                                      {status: 201, body: `{"success":true}`},
	"Success, with a Product URL that may not be stored": {body: `{"success":true,` + badLink + `}`},
	"None of them, and the profile says AcceptUnmarked":  {body: `{"id":7}`, unmarked: true},

	"Success, with a relative Product URL":                                      {body: `{"success":true,"product_url":"/p/1"}`, own: true},
	"Success, with a relative Product URL, and the profile says ProductURLBase": {body: `{"success":true,"product_url":"p/1"}`, base: true},
	"Success, with an object whose url is the Product URL":                      {body: `{"success":true,"product_url":{"url":"https://learn.example.org/p/1"}}`},
	"Success, with the Product URL deeper in the reply":                         {body: `{"success":true,"data":{` + link + `}}`},
	"A status in place of success: ok":                                          {body: `{"status":"ok"}`},
	"A status in place of success, HTTP's again":                                {body: `{"status":200}`},
	"Success beside an error that says none":                                    {body: `{"success":true,"error":"none"}`},
	"Success beside an error that the profile's NoError lists":                  {body: `{"success":true,"error":"No error"}`},
	"Success, in Latin-1":                                                       {body: "{\"success\":true,\"name\":\"Fa\xe7ade\"}"},
	"A status in place of success: 422":                                         {body: `{"status":422,` + link + `}`},
	"Success beside a status that says no":                                      {body: `{"success":true,"status":"error"}`},
	"The Product URL deeper in the reply, without a word of success":            {body: `{"data":{` + link + `}}`},
	"An error that says none, alone":                                            {body: `{"error":"none"}`},
	"HTTP 404, with another error in it":                                        {status: 404, body: `{"error":"Not found."}`},
	"HTTP 404, with an error in it that speaks of the product":                  {status: 404, body: `{"error":"unknown product"}`},
	"Any other HTTP 4xx, with a web page":                                       {status: 400, body: html200},
	"Success that says no":                                                      {body: `{"success":false,` + link + `}`},
	"An error":                                                                  {body: `{"error":"unknown product",` + link + `}`},
	"An error beside success":                                                   {body: `{"success":true,"errors":["the product is in draft"]}`},

	"Neither success nor error nor a Product URL": {body: `{"id":7}`},
	"Only a Product URL that may not be stored":   {body: `{` + badLink + `}`},
	"Success that is neither yes nor no":          {body: `{"success":"perhaps",` + link + `}`},
	"A field that is there twice":                 {body: `{"success":false,"success":true}`},
	"Lists or objects in thousands of each other": {body: `{"success":true,"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`},
	"A login page, status 200":                    {body: html200},
	"JSON that is no object":                      {body: `[{"success":true}]`},
	"Nothing, status 200 or 204":                  {status: 204},
	"More than MaxBody, status 200":               {body: `{"success":true}` + strings.Repeat(" ", 64<<10)},
	"Half of it, the connection still good":       {body: `{"success":true,"produ`},
	"Half of it, then the connection cut":         {body: `{"success":true,"produ`, cut: true},

	"HTTP 401":                       {status: 401, body: `{"success":true}`},
	"HTTP 403":                       {status: 403, body: `{"success":true}`},
	"HTTP 429":                       {status: 429, body: `{"success":true}`},
	"HTTP 408, 425, 500, 502 or 503": {status: 503, body: `{"success":true}`},
	"HTTP 504":                       {status: 504, body: `{"success":true}`},
	"HTTP 404, 405, 406, 410, 415, 421 or 426": {status: 404, body: `{"success":true}`},
	"Any other HTTP 4xx":                       {status: 409, body: `{"success":true}`},
	"Any other HTTP 4xx, with an error in it":  {status: 422, body: `{"error":"unknown product"}`},
	"HTTP 3xx":                           {status: 302, body: `{"success":true}`},
	"HTTP 600 to 999":                    {status: 600, body: `{"success":true}`},
	"No answer, the connection cut":      {cut: true},
	"No connection":                      {absent: true},
	"A certificate that does not verify": {untrue: true},

	"None: the name, the e-mail or an ID is missing": {change: func(g *amsbridge.Grant) { g.User.Email = "" }},
	"None: the item is not a product of Elevate":     {change: ofNotified},

	"None: a product": {take: true},
	"None: the item that is to be taken is not a product of Elevate": {take: true, change: ofNotified},
}

func ofNotified(g *amsbridge.Grant) { g.Item = amsbridge.Item{ShowKey: 4711, AddOnKeys: []int64{1}} }

// TestDocumentedOutcomes plays every row of the docs against a client, and gives the client's outcome
// to a sender.
func TestDocumentedOutcomes(t *testing.T) {
	t.Parallel()
	outcometest.Each(t, "../../docs/outcomes-elevate.md", outcomeRows, func(t *testing.T, r outcometest.Row, a answered) {
		client := a.serve(t)
		call := client.Give
		if a.take {
			call = client.Take
		}
		result, err := call(t.Context(), grant(a.change))
		notice, _, _ := strings.Cut(result.Detail, "\n")
		if !strings.HasPrefix(notice, "the Product URL was not stored") {
			notice = ""
		}
		r.RequireEnding(t, result, notice, err)
		var d *outbox.DeliveryError
		if errors.As(err, &d) && d.Code != "" && strings.TrimSpace(a.body) != "" {
			require.True(t, strings.HasPrefix(a.body, d.Detail) || d.Detail == a.body, "the reply is kept for the operator: %q", d.Detail)
			require.NotEmpty(t, d.Detail)
		}
		r.RequireConsequence(t, result, err)
	})
}

// serve returns a client of a platform that answers so.
func (a answered) serve(t *testing.T) *elevate.Client {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if a.status != 0 {
			w.WriteHeader(a.status)
		}
		_, _ = io.WriteString(w, a.body)
		if a.cut {
			if a.body != "" {
				_ = http.NewResponseController(w).Flush()
			}
			panic(http.ErrAbortHandler)
		}
	}))
	if a.untrue {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	cfg := config(srv.URL)
	cfg.AllowedHosts, cfg.Profile.AcceptUnmarked = []string{"learn.example.org"}, a.unmarked
	if a.own {
		cfg.AllowedHosts = nil
	}
	if a.base {
		cfg.Profile.ProductURLBase = "https://learn.example.org/"
	}
	if a.absent {
		cfg.Endpoint = nobody
	}
	return newClient(t, cfg)
}
