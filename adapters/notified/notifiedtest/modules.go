package notifiedtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The modules that a LASCmd calls, known from public code of others.
const (
	moduleOpCodes = "50500" // the opcodes of the vendor's text
	moduleEvents  = "50540" // a show's events
	moduleSetup   = "50565" // a show's structure
)

// modules say what each takes besides the common parameters. Public code of others calls 50540 in the formats X and
// J, and 50565 without an OpCodeList and in X; that they take no other is a guess.
var modules = map[string]struct {
	formats   string
	params    []string
	noOpCodes bool
}{
	moduleOpCodes: {formats: "THX"},
	moduleEvents:  {formats: "XJ", params: []string{"EventKey"}},
	moduleSetup:   {formats: "X", params: []string{"InfoTypeFilter"}, noOpCodes: true},
}

// eventOpCodes are those of module 50540: the list of events, one's dates, and a visit of one. An OpCodeList of
// several is not known.
var eventOpCodes = []string{"EEL", "EDL", "EVA"}

// events answers a call of module 50540. Names of outputs are those that public code of others reads; its other
// outputs are unknown. That an unknown event is 51 is known, and that EVA answers like EDL without rows a guess.
func (s *Server) events(q request, area string, c *Call) answer {
	list := q.params["OpCodeList"]
	key, _ := digits(q.params["ShowKey"])
	show, ok := s.shows[key]
	switch {
	case !ok || show.Area != area:
		return failedCall(GuessResultShow, diagShow)
	case len(q.violations) > 0:
		return failedCall(GuessResultBadCall, "Bad Call! "+q.violations[0])
	case !slices.Contains(eventOpCodes, list):
		return failedCall(GuessResultUnknownOpCode, "Unknown OpCode!")
	}
	c.Show = key
	op := show.eventList(s.cfg.Now())
	if list != "EEL" {
		op = show.eventDates(q.params["EventKey"], list == "EDL", s.cfg.Now())
	}
	op.code = list
	c.Results = []OpResult{{op.code, op.status}}
	a := answer{diagnostic: "OK", ops: []opAnswer{op}}
	if op.status != StatusOK {
		a.inError = 1
	}
	return a
}

// eventTime is the form of times that public code of others reads.
const eventTime = "2006-01-02 15:04:05"

func (s Show) eventList(now time.Time) opAnswer {
	list := opAnswer{message: "OK", names: []string{
		"EventKey", "Description", "EventGrouping", "Abstract", "CreatedOnDate", "BoothKey", "Active", "IconImage",
	}}
	for _, key := range s.events() {
		list.rows = append(list.rows, []string{key, "Event " + key, "0", "", now.Format(eventTime), "0", "1", ""})
	}
	return list
}

// eventDates answers one row, of the type that public code of others looks for.
func (s Show) eventDates(key string, withDates bool, now time.Time) opAnswer {
	if !slices.Contains(s.events(), key) {
		return refusal(StatusEventNotFound, "Event Not Found!")
	}
	if !withDates {
		return accepted("")
	}
	return opAnswer{message: "OK", names: []string{"DateType", "FromDateTime", "ToDateTime"}, rows: [][]string{
		{"4", now.Format(eventTime), now.Add(time.Hour).Format(eventTime)},
	}}
}

// events returns the keys of the events among the display items.
func (s Show) events() (keys []string) {
	for _, item := range s.DisplayItems {
		if key, ok := strings.CutPrefix(item, "E"); ok {
			if _, ok := digits(key); ok {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// setup answers a call of module 50565, whose refusals are CallFailed. The root's name is a guess. Public code of
// others reads at least one assignment of each kind; these are of keys that no event has.
func (s *Server) setup(q request, area string) answer {
	key, _ := digits(q.params["ShowKey"])
	show, ok := s.shows[key]
	switch {
	case area == "":
		return answer{failed: diagCredentials}
	case !ok || show.Area != area:
		return answer{failed: diagShow}
	case len(q.violations) > 0:
		return answer{failed: "Bad Call! " + q.violations[0]}
	}
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say(`<ShowStructure ShowKey="%d">`, key)
	if wants(q, "GB") {
		say(assignment, "SecurityGroupChannelAssignment", "BoothKey")
	}
	if wants(q, "GE") {
		say(assignment, "SecurityGroupProgramAssignment", "EventKey")
	}
	if q.params["InfoTypeFilter"] == "" {
		for _, p := range show.Packages {
			say(` <ShowPackage ShowPackageKey="%d" Name=%s/>`, p.Key, s.cfg.quoted(p.Name))
		}
		for _, k := range show.addOnKeys() {
			say(` <AddOnItem ShowPackageAddOnItemKey="%d"/>`, k)
		}
	}
	b.WriteString("</ShowStructure>\n")
	return answer{whole: xmlDeclaration + b.String()}
}

// assignment is a list of one assignment.
const assignment = ` <%[1]s>
  <%[1]s %[2]s="0"/>
 </%[1]s>`

// wants tells whether a call of module 50565 asks for what these letters name. Those of others are unknown.
func wants(q request, letters string) bool {
	filter := q.params["InfoTypeFilter"]
	return filter == "" || strings.Contains(filter, "|"+letters+"|")
}

func (s Show) addOnKeys() (keys []int64) {
	for _, p := range s.Packages {
		for _, a := range p.AddOns {
			keys = append(keys, a.Key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// listShows is opcode F, by which public code of others finds its ShowKey. The output's name is a guess.
func (r *run) listShows() opAnswer {
	a := accepted("ShowKey")
	for _, show := range r.server.cfg.Shows {
		if show.Area == r.area {
			a.rows = append(a.rows, []string{strconv.FormatInt(show.Key, 10)})
		}
	}
	return a
}

// typeOfArea is an attendee type's description in a customer area.
type typeOfArea struct{ area, description string }

// maxAttendeeType is the size of a description, known from public pages.
const maxAttendeeType = 50

// makeAttendeeType is opcode J, known from public pages. How it answers to one that exists is a guess.
func (r *run) makeAttendeeType() opAnswer {
	description := r.params["AttendeeTypeDescription"]
	if description == "" || len(description) > maxAttendeeType {
		return r.badParameter("AttendeeTypeDescription is not 1 to %d bytes", maxAttendeeType)
	}
	types := r.server.attendeeTypes
	if types[typeOfArea{r.area, description}] != 0 {
		return refusal(GuessStatusTypeExists, "Attendee Type Already Exists!")
	}
	key := int64(len(types)) + 1
	types[typeOfArea{r.area, description}] = key
	r.note.Effect = true
	return accepted("AttendeeTypeKey", strconv.FormatInt(key, 10))
}
