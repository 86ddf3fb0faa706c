package notifiedtest

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ticketLife is how long a ticket is valid.
const ticketLife = time.Minute

// ticket is a login ticket that T made.
type ticket struct {
	person *person
	show   int64
	item   string
	made   time.Time
	used   bool
}

// mintTicket is opcode T.
func (r *run) mintTicket() opAnswer {
	at, bad := r.find()
	item := r.params["ShowLaunchInitialDisplayItem"]
	switch {
	case bad.status != StatusOK:
		return bad
	case at.registration == nil && !at.show.Open:
		return refusal(StatusNotRegistered, "User Not Registered!")
	case item != "" && !slices.Contains(at.show.DisplayItems, item):
		return refusal(StatusDisplayItemMissing, "Display Item Missing!")
	}
	key := "LT" + rand.Text() // a prefix, so that it never looks like a number
	r.server.tickets[key] = &ticket{person: at.person, show: at.show.Key, item: item, made: r.server.cfg.Now()}
	r.note.Tickets++
	return accepted(r.server.cfg.Names.LoginTicketOutput, key)
}

// Visit is a browser's visit with a ticket.
type Visit struct {
	Time time.Time
	// User is the ticket's ExternalUserID, Show its show and Item its display item. Empty where the ticket
	// is unknown.
	User string
	Show int64
	Item string
	// Refused is why the event did not open: "unknown", "used" or "expired". Empty
	// where it did.
	Refused string
}

// Visits returns the visits so far, in order, without their tickets.
func (s *Server) Visits() []Visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.visits)
}

// redeem uses a ticket up. The ticket of a person who was deleted is unknown.
func (s *Server) redeem(key string) (Visit, Show, []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := Visit{Time: s.cfg.Now(), Refused: "unknown"}
	var show Show
	var addOns []int64
	if t := s.tickets[key]; t != nil && !t.person.gone {
		show = s.shows[t.show]
		v.User, v.Show, v.Item = t.person.ID, t.show, t.item
		switch {
		case t.used:
			v.Refused = "used"
		case v.Time.Sub(t.made) >= ticketLife:
			v.Refused = "expired"
		default:
			v.Refused = ""
			if reg := s.registered(personAtShow{t.person.Key, t.show}); reg != nil {
				addOns = reg.sortedAddOns()
			}
		}
		t.used = true
	}
	s.visits = append(s.visits, v)
	return v, show, addOns
}

// ticketCmd is the LASCmd of a browser with a ticket.
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

// isVisit tells whether a request brings a ticket. HEAD does not, so it uses none up.
func isVisit(r *http.Request) bool {
	first, _, _ := strings.Cut(r.URL.RawQuery, "&")
	return r.Method == http.MethodGet && first == ticketCmd
}

// visit opens the event once to a valid ticket, and answers 403 to any other without saying whose it
// is. It meets no faults.
func (s *Server) visit(w http.ResponseWriter, r *http.Request) {
	key := ""
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if value, ok := strings.CutPrefix(pair, "LoginTicketKey="); ok {
			key, _ = url.QueryUnescape(value) // a badly encoded ticket is unknown
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
