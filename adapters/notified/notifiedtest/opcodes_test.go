package notifiedtest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// about makes a call about a person of acme, by ID, answered in format H. It returns the answer's part
// about the opcodes, one entry for each.
func about(s *notifiedtest.Server, user, opCodes, params string) []string {
	return byWhat(s, "&LookupByExternalUserID=1&ExternalUserID="+user, opCodes, params)
}

func byEmail(s *notifiedtest.Server, email, opCodes, params string) []string {
	return byWhat(s, "&EMailAddress="+email, opCodes, params)
}

func byWhat(s *notifiedtest.Server, who, opCodes, params string) []string {
	body := get(s, cmd+login+"&OutputFormat=H&OpCodeList="+opCodes+who+params).Body.String()
	return strings.Split(body, "&OpCode=")[1:]
}

// sandboxWith adds two shows: one whose packages have keys, limits and add-ons, and one that is open to
// all.
func sandboxWith(t testing.TB, change func(*notifiedtest.Config)) *notifiedtest.Server {
	t.Helper()
	cfg := config()
	cfg.Shows = append(cfg.Shows, notifiedtest.Show{
		Key: 3, Area: "acme", Name: "Annual <b>Meeting</b>", DisplayItems: []string{"E123"},
		Packages: []notifiedtest.Package{
			{Key: 31, Name: "full", AddOns: []notifiedtest.AddOn{{Key: 311}}},
			{Key: 32, Name: "day"},
			{Key: 33, Name: "one seat", Capacity: 1},
			{Key: 34, Name: "sold out", Full: true},
			{Key: 35, Name: "over", Closed: true},
		},
	}, notifiedtest.Show{Key: 4, Area: "acme", Open: true})
	if change != nil {
		change(&cfg)
	}
	return sandbox(t, cfg)
}

// TestOpCodes: u-1 is registered for show 1, u-2 for nothing. The answers of the calls made before are
// not compared.
func TestOpCodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before  string // "opcodes params" of a call about u-1
		user    string // u-1 if empty
		opCodes string
		params  string
		want    []string
	}{
		"A: nothing":             {opCodes: "A", params: "&ShowKey=1", want: []string{"A&Status=0&Message=OK"}},
		"A: two rows":            {before: "M &ShowKey=1&AddOnsChangeList=12,11", opCodes: "A", params: "&ShowKey=1", want: []string{"A&Status=0&Message=OK&AddOnItemKey=11&AddOnItemKey=12"}},
		"A: not registered":      {user: "u-2", opCodes: "A", params: "&ShowKey=1", want: []string{"A&Status=72&Message=User+Not+Registered%21"}},
		"A: no such person":      {user: "u-9", opCodes: "A", params: "&ShowKey=1", want: []string{"A&Status=71&Message=User+Not+Found%21"}},
		"A: no such show":        {opCodes: "A", params: "&ShowKey=9", want: []string{"A&Status=51&Message=Event+Not+Found%21"}},
		"A: no show":             {opCodes: "A", want: []string{"A&Status=90001&Message=Bad+Parameter%21+ShowKey+is+not+digits"}},
		"N: one was there":       {before: "M &ShowKey=1&AddOnsChangeList=11,12", opCodes: "NA", params: "&ShowKey=1&AddOnsChangeList=11,14", want: []string{"N&Status=0&Message=OK&AddOnsRemoved=1", "A&Status=0&Message=OK&AddOnItemKey=12"}},
		"N: nothing was there":   {opCodes: "N", params: "&ShowKey=1&AddOnsChangeList=11", want: []string{"N&Status=0&Message=OK&AddOnsRemoved=0"}},
		"N: no such add-on":      {opCodes: "N", params: "&ShowKey=1&AddOnsChangeList=99", want: []string{"N&Status=76&Message=Display+Item+Missing%21"}},
		"N: no list":             {opCodes: "N", params: "&ShowKey=1", want: []string{"N&Status=90001&Message=Bad+Parameter%21+AddOnsChangeList+is+not+digits+parted+by+commas"}},
		"N: not registered":      {user: "u-2", opCodes: "N", params: "&ShowKey=1&AddOnsChangeList=11", want: []string{"N&Status=72&Message=User+Not+Registered%21"}},
		"K: a default key":       {opCodes: "K", params: "&ShowKey=1", want: []string{"K&Status=0&Message=OK&ShowPackageKey=1001"}},
		"K: not registered":      {opCodes: "K", params: "&ShowKey=3", want: []string{"K&Status=72&Message=User+Not+Registered%21"}},
		"Z":                      {opCodes: "Z", params: "&ShowKey=1", want: []string{"Z&Status=0&Message=OK&RegistrationID=1"}},
		"Z: not registered":      {opCodes: "Z", params: "&ShowKey=3", want: []string{"Z&Status=72&Message=User+Not+Registered%21"}},
		"R":                      {opCodes: "RK", params: "&ShowKey=3&ShowPackageKey=32", want: []string{"R&Status=0&Message=OK", "K&Status=0&Message=OK&ShowPackageKey=32"}},
		"R: what others send":    {opCodes: "R", params: "&ShowKey=3&ShowPackageKey=32&AffiliateKey=5&AffiliateData=x&TriggerRegistrationEvents=1", want: []string{"R&Status=0&Message=OK"}},
		"R: already, same":       {opCodes: "R", params: "&ShowKey=1&ShowPackageKey=1001", want: []string{"R&Status=44&Message=User+Already+Registered%21"}},
		"R: already, other":      {opCodes: "R", params: "&ShowKey=1&ShowPackageKey=1002", want: []string{"R&Status=44&Message=User+Already+Registered%21"}},
		"R: no such package":     {opCodes: "R", params: "&ShowKey=3&ShowPackageKey=1001", want: []string{"R&Status=90007&Message=Package+Not+Found%21"}},
		"R: no package named":    {opCodes: "RK", params: "&ShowKey=3&TriggerRegistrationEvents=1", want: []string{"R&Status=0&Message=OK", "K&Status=0&Message=OK&ShowPackageKey=31"}},
		"R: none, and already":   {opCodes: "R", params: "&ShowKey=1&TriggerRegistrationEvents=1", want: []string{"R&Status=44&Message=User+Already+Registered%21"}},
		"r: none, and stays":     {before: "r &ShowKey=1&ShowPackageKey=1002", opCodes: "rK", params: "&ShowKey=1", want: []string{"r&Status=0&Message=OK", "K&Status=0&Message=OK&ShowPackageKey=1002"}},
		"R: none in the show":    {opCodes: "R", params: "&ShowKey=4", want: []string{"R&Status=90007&Message=Package+Not+Found%21"}},
		"R: package is a word":   {opCodes: "R", params: "&ShowKey=3&ShowPackageKey=x", want: []string{"R&Status=90001&Message=Bad+Parameter%21+ShowPackageKey+is+not+digits"}},
		"R: package is empty":    {opCodes: "R", params: "&ShowKey=3&ShowPackageKey=", want: []string{"R&Status=90001&Message=Bad+Parameter%21+ShowPackageKey+is+not+digits"}},
		"R: triggers what":       {opCodes: "R", params: "&ShowKey=3&TriggerRegistrationEvents=yes", want: []string{"R&Status=90001&Message=Bad+Parameter%21+TriggerRegistrationEvents+is+not+0+or+1"}},
		"K: needs none":          {opCodes: "K", params: "&ShowKey=4", want: []string{"K&Status=90010&Message=Show+Does+Not+Require+Registration%21"}},
		"A: needs none":          {opCodes: "A", params: "&ShowKey=4", want: []string{"A&Status=90010&Message=Show+Does+Not+Require+Registration%21"}},
		"M: needs none":          {opCodes: "M", params: "&ShowKey=4&AddOnsChangeList=1", want: []string{"M&Status=72&Message=User+Not+Registered%21"}},
		"F":                      {opCodes: "F", want: []string{"F&Status=0&Message=OK&ShowKey=1&ShowKey=3&ShowKey=4"}},
		"J":                      {opCodes: "J", params: "&AttendeeTypeDescription=Press", want: []string{"J&Status=0&Message=OK&AttendeeTypeKey=1"}},
		"J: there already":       {before: "J &AttendeeTypeDescription=Press", opCodes: "J", params: "&AttendeeTypeDescription=Press", want: []string{"J&Status=90011&Message=Attendee+Type+Already+Exists%21"}},
		"J: no description":      {opCodes: "J", want: []string{"J&Status=90001&Message=Bad+Parameter%21+AttendeeTypeDescription+is+not+1+to+50+bytes"}},
		"R: no such person":      {user: "u-9", opCodes: "R", params: "&ShowKey=3&ShowPackageKey=32", want: []string{"R&Status=71&Message=User+Not+Found%21"}},
		"R: another area's show": {opCodes: "R", params: "&ShowKey=2&ShowPackageKey=2001", want: []string{"R&Status=51&Message=Event+Not+Found%21"}},
		"R: full":                {opCodes: "R", params: "&ShowKey=3&ShowPackageKey=34", want: []string{"R&Status=90009&Message=Package+Full%21"}},
		"R: the last seat":       {opCodes: "R", params: "&ShowKey=3&ShowPackageKey=33", want: []string{"R&Status=0&Message=OK"}},
		"R: beyond the last":     {before: "R &ShowKey=3&ShowPackageKey=33", user: "u-2", opCodes: "R", params: "&ShowKey=3&ShowPackageKey=33", want: []string{"R&Status=90009&Message=Package+Full%21"}},
		"R: closed":              {opCodes: "R", params: "&ShowKey=3&ShowPackageKey=35", want: []string{"R&Status=90008&Message=Package+Closed%21"}},
		"r: registers":           {opCodes: "rK", params: "&ShowKey=3&ShowPackageKey=32", want: []string{"r&Status=0&Message=OK", "K&Status=0&Message=OK&ShowPackageKey=32"}},
		"r: moves":               {opCodes: "rK", params: "&ShowKey=1&ShowPackageKey=1002", want: []string{"r&Status=0&Message=OK", "K&Status=0&Message=OK&ShowPackageKey=1002"}},
		"r: stays where full":    {before: "R &ShowKey=3&ShowPackageKey=33", opCodes: "r", params: "&ShowKey=3&ShowPackageKey=33", want: []string{"r&Status=0&Message=OK"}},
		"r: into a full one":     {opCodes: "r", params: "&ShowKey=3&ShowPackageKey=34", want: []string{"r&Status=90009&Message=Package+Full%21"}},
		"I: there already":       {opCodes: "I", want: []string{"I&Status=90005&Message=User+Already+Exists%21"}},
		"I: new":                 {user: "u-9", opCodes: "IA", params: "&FirstName=N&LastName=N&EMailAddress=n%40m.example&ShowKey=1", want: []string{"I&Status=0&Message=OK", "A&Status=72&Message=User+Not+Registered%21"}},
		"U: not there":           {user: "u-9", opCodes: "U", want: []string{"U&Status=71&Message=User+Not+Found%21"}},
		"C: new, then all":       {user: "u-9", opCodes: "CRMKA", params: "&ShowKey=3&ShowPackageKey=31&AddOnsChangeList=311", want: []string{"C&Status=0&Message=OK", "R&Status=0&Message=OK", "M&Status=0&Message=OK&AddOnsAdded=1", "K&Status=0&Message=OK&ShowPackageKey=31", "A&Status=0&Message=OK&AddOnItemKey=311"}},
		"C: there, then M":       {opCodes: "CrM", params: "&ShowKey=1&ShowPackageKey=1001&AddOnsChangeList=11", want: []string{"C&Status=0&Message=OK", "r&Status=0&Message=OK", "M&Status=0&Message=OK&AddOnsAdded=1"}},
		"C: without an ID":       {user: "", opCodes: "C", want: []string{"C&Status=90001&Message=Bad+Parameter%21+ExternalUserID+is+missing"}},
		"D":                      {opCodes: "DA", params: "&ShowKey=1", want: []string{"D&Status=0&Message=OK", "A&Status=71&Message=User+Not+Found%21"}},
		"D: not there":           {user: "u-9", opCodes: "D", want: []string{"D&Status=71&Message=User+Not+Found%21"}},
		"G":                      {opCodes: "G", want: []string{"G&Status=0&Message=OK&UserKey=1"}},
		"G: not there":           {user: "u-9", opCodes: "G", want: []string{"G&Status=71&Message=User+Not+Found%21"}},
		"T: not registered":      {opCodes: "T", params: "&ShowKey=3", want: []string{"T&Status=72&Message=User+Not+Registered%21"}},
		"T: no such item":        {opCodes: "RT", params: "&ShowKey=3&ShowPackageKey=31&ShowLaunchInitialDisplayItem=E124", want: []string{"R&Status=0&Message=OK", "T&Status=76&Message=Display+Item+Missing%21"}},
		"T: no such person":      {user: "u-9", opCodes: "T", params: "&ShowKey=1", want: []string{"T&Status=71&Message=User+Not+Found%21"}},
		"a chain stops":          {opCodes: "RMA", params: "&ShowKey=1&ShowPackageKey=1001&AddOnsChangeList=11", want: []string{"R&Status=44&Message=User+Already+Registered%21"}},
		"twenty letters":         {opCodes: strings.Repeat("K", 20), params: "&ShowKey=1", want: strings.Split(strings.Repeat("K&Status=0&Message=OK&ShowPackageKey=1001;", 19)+"K&Status=0&Message=OK&ShowPackageKey=1001", ";")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sandboxWith(t, nil)
			if c.before != "" {
				opCodes, params, _ := strings.Cut(c.before, " ")
				about(s, "u-1", opCodes, params)
			}
			user := c.user
			if user == "" && name != "C: without an ID" {
				user = "u-1"
			}
			require.Equal(t, c.want, about(s, user, c.opCodes, c.params))
			calls := s.Journal()
			call := calls[len(calls)-1]
			require.Len(t, call.Results, len(c.want))
			require.Equal(t, strings.Contains(strings.Join(c.want, ""), "Status=90001"), len(call.Violations) > 0)
		})
	}
}

func TestOpCodesInTheJournal(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	about(s, "u-9", "CRMNT", "&ShowKey=3&ShowPackageKey=31&AddOnsChangeList=311")
	about(s, "u-9", "rK", "&ShowKey=3&ShowPackageKey=32")
	about(s, "u-9", "RM", "&ShowKey=3&ShowPackageKey=32&AddOnsChangeList=311")
	about(s, "u-9", "UGAT", "&ShowKey=3")
	about(s, "u-9", "D", "")
	ok := func(opCodes string) (results []notifiedtest.OpResult) {
		for _, letter := range opCodes {
			results = append(results, notifiedtest.OpResult{OpCode: string(letter)})
		}
		return results
	}
	call := notifiedtest.Call{Time: start, Method: "GET", Key: "k-1", User: "u-9", Status: "0"}
	want := []notifiedtest.Call{call, call, call, call, call}
	for i := range want {
		want[i].Seq, want[i].Repeat = i+1, i > 0
	}
	want[0].OpCodes, want[0].Show, want[0].Package, want[0].AddOns = "CRMNT", 3, 31, []int64{311}
	want[0].Added, want[0].Removed, want[0].Persons, want[0].Registered = []int64{311}, []int64{311}, 1, true
	want[0].Tickets, want[0].Effect, want[0].Results = 1, true, ok("CRMNT")
	want[1].OpCodes, want[1].Show, want[1].Package, want[1].Moved, want[1].Effect, want[1].Results = "rK", 3, 32, true, true, ok("rK")
	want[2].OpCodes, want[2].Show, want[2].Package, want[2].Status = "RM", 3, 32, "44"
	want[2].Results = []notifiedtest.OpResult{{OpCode: "R", Status: 44}}
	want[3].OpCodes, want[3].Show, want[3].Tickets, want[3].Results = "UGAT", 3, 1, ok("UGAT")
	want[4].OpCodes, want[4].Deleted, want[4].Effect, want[4].Results = "D", 1, true, ok("D")
	calls := s.Journal()
	require.Equal(t, want, calls)
	calls[0].Removed[0] = 99
	require.Equal(t, want, s.Journal(), "the journal is a copy")
}

func TestOtherNames(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, func(c *notifiedtest.Config) {
		c.Names = notifiedtest.Names{
			ShowPackageParam: "PackageNo", ShowPackageOutput: "PackageOut", AddOnOutput: "Item", AddOnsRemovedOutput: "Gone",
			LoginTicketOutput: "Ticket", FirstNameParam: "Given", LastNameParam: "Family",
		}
		c.RegistrationIDOutput, c.ExtraParams = "RegNo", []string{"Company"}
	})
	got := about(s, "u-9", "CRMAKZNT", "&Given=Ann&Family=Lee&Company=X&ShowKey=3&PackageNo=31&AddOnsChangeList=311")
	require.Len(t, got, 8)
	require.Equal(t, []string{
		"A&Status=0&Message=OK&Item=311", "K&Status=0&Message=OK&PackageOut=31", "Z&Status=0&Message=OK&RegNo=3",
		"N&Status=0&Message=OK&Gone=1",
	}, got[3:7])
	require.Contains(t, got[7], "&Ticket=LT")
	require.Equal(t, notifiedtest.User{ID: "u-9", FirstName: "Ann", LastName: "Lee"}, s.Persons("acme")[2].User)
	about(s, "u-9", "C", "&FirstName=Ann")
	require.Equal(t, []string{"FirstName is no parameter of these opcodes"}, s.Journal()[1].Violations)
}
