package notifiedtest

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// ticketCmd is the LASCmd by which a browser brings a ticket.
const ticketCmd = "LASCmd=AI:4;F:APIUTILS!50505"

var page = template.Must(template.New("event").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title></head>
<body><h1>{{.Title}}</h1>
{{if .Refused}}<p>This login ticket is unknown, used or expired. Go back to the shop and open the event anew.</p>
{{else}}<p>Signed in as <b id="user">{{.User}}</b>.</p>
{{if .Item}}<p>Opened at <b id="item">{{.Item}}</b>.</p>
{{end}}{{if .AddOns}}<ul id="add-ons">{{range .AddOns}}<li>{{.}}</li>{{end}}</ul>
{{else}}<p>No add-ons.</p>
{{end}}{{end}}<p>This is a sandbox.</p></body></html>
`))

// isVisit tells whether a browser brings a ticket. HEAD does not use one up.
func isVisit(r *http.Request) bool {
	first, _, _ := strings.Cut(r.URL.RawQuery, "&")
	return r.Method == http.MethodGet && first == ticketCmd
}

// visit opens the event to a ticket that is valid, once, and answers 403 to any
// other, without a word of whose it is. It meets no faults.
func (s *Server) visit(w http.ResponseWriter, r *http.Request) {
	key := ""
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if value, ok := strings.CutPrefix(pair, "LoginTicketKey="); ok {
			key, _ = url.QueryUnescape(value) // what is not well encoded is unknown
			break
		}
	}
	v, show, addOns := s.redeem(key)
	status, title := http.StatusOK, show.Name
	if v.Refused != "" {
		status, title = http.StatusForbidden, "No entry"
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = page.Execute(w, struct { // the browser may be gone
		Title string
		Visit
		AddOns []int64
	}{title, v, addOns})
}
