package notifiedtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

const (
	cmd   = "LASCmd=AI:4;F:APIUTILS!50500"
	login = "&APIUserAuthCode=code&APIUserCredentials=secret"
	path  = "/scripts/Server.nxp"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func config() notifiedtest.Config {
	return notifiedtest.Config{
		Accounts: []notifiedtest.Account{
			{AuthCode: "code", Credentials: "secret", Area: "acme"},
			{AuthCode: "code", Credentials: "other", Area: "zenith"},
		},
		Shows: []notifiedtest.Show{
			{Key: 1, Area: "acme", Packages: []notifiedtest.Package{
				{Name: "full", AddOns: []notifiedtest.AddOn{{Key: 11}, {Key: 12}, {Key: 13, RefersTo: "day"}, {Key: 14}}},
				{Name: "day", AddOns: []notifiedtest.AddOn{{Key: 11}, {Key: 15}}},
			}},
			{Key: 2, Area: "zenith", Packages: []notifiedtest.Package{{Name: "full", AddOns: []notifiedtest.AddOn{{Key: 21}}}}},
		},
		Now: func() time.Time { return start },
	}
}

// sandbox has u-1 registered for show 1 and u-2 without a registration, both in acme, and u-1
// registered for show 2 in zenith.
func sandbox(t testing.TB, cfg notifiedtest.Config) *notifiedtest.Server {
	t.Helper()
	s, err := notifiedtest.New(cfg)
	require.NoError(t, err)
	require.NoError(t, s.AddUser("acme", notifiedtest.User{ID: "u-1", Email: "One@Members.example"}))
	require.NoError(t, s.AddUser("acme", notifiedtest.User{ID: "u-2"}))
	require.NoError(t, s.AddUser("zenith", notifiedtest.User{ID: "u-1"}))
	require.NoError(t, s.Register("u-1", 1, "full"))
	require.NoError(t, s.Register("u-1", 2, "full"))
	return s
}

// get sends a raw query, post a raw query and a form.
func get(s http.Handler, query string) *httptest.ResponseRecorder {
	return send(s, http.MethodGet, query, "")
}

func send(s http.Handler, method, query, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	r.URL.RawQuery = query
	r.Header.Set("Amsbridge-Key", "k-1")
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const add = cmd + login + "&OpCodeList=M&LookupByExternalUserID=1&ExternalUserID=u-1&ShowKey=1&AddOnsChangeList=11,12"

// TestCalls: what the vendor's text says about calls, and what it does not allow.
func TestCalls(t *testing.T) {
	t.Parallel()
	with := func(old, replacement string) string {
		if !strings.Contains(add, old) {
			panic(old)
		}
		return strings.Replace(add, old, replacement, 1)
	}
	badCall := fmt.Sprint("APICallResult ", notifiedtest.GuessResultBadCall)
	unknownOpCode := fmt.Sprint("APICallResult ", notifiedtest.GuessResultUnknownOpCode)
	refused := fmt.Sprint("APICallResult ", notifiedtest.GuessResultCredentials)
	badParameter := fmt.Sprint(notifiedtest.GuessStatusBadParameter)
	for name, c := range map[string]struct {
		query, form string // with a form it is a POST
		status      string
		violation   string
	}{
		"GET":                        {query: add, status: "0"},
		"POST":                       {query: cmd, form: strings.TrimPrefix(add, cmd+"&"), status: "0"},
		"POST, all in the form":      {form: add, status: "0"},
		"POST, all in the URL":       {query: add, form: "", status: "0"},
		"another order":              {query: cmd + "&AddOnsChangeList=11&ShowKey=1&ExternalUserID=u-1&LookupByExternalUserID=1&OpCodeList=M" + login, status: "0"},
		"commas escaped":             {query: with("11,12", "11%2C12"), status: "0"},
		"LASCmd not first":           {query: "OpCodeList=M&" + cmd + login, status: "CallFailed", violation: "LASCmd"},
		"LASCmd escaped":             {query: with("AI:4;F:APIUTILS!50500", "AI%3A4%3BF%3AAPIUTILS%2150500"), status: "CallFailed", violation: "LASCmd"},
		"LASCmd in another case":     {query: with("LASCmd", "lascmd"), status: "CallFailed", violation: "LASCmd"},
		"LASCmd behind URL's others": {query: "OpCodeList=M", form: cmd + login, status: "CallFailed", violation: "LASCmd"},
		"no LASCmd":                  {query: strings.TrimPrefix(add, cmd+"&"), status: "CallFailed", violation: "LASCmd"},
		"nothing":                    {status: "CallFailed", violation: "LASCmd"},
		"wrong auth code":            {query: with("=code", "=Code"), status: refused},
		"wrong credentials":          {query: with("=secret", "=secret2"), status: refused},
		"no credentials":             {query: with(login, ""), status: refused},
		"raw semicolon kept":         {query: with("=u-1", "=u;1"), status: "71"},
		"no opcode":                  {query: with("=M", "="), status: badCall, violation: "OpCodeList is missing"},
		"opcode I of the template":   {query: with("=M", "=I"), status: badCall, violation: "AddOnsChangeList is no parameter"},
		"opcode in lower case":       {query: with("=M", "=m"), status: unknownOpCode, violation: "AddOnsChangeList is no parameter"},
		"unknown opcode after M":     {query: with("=M", "=MQ"), status: unknownOpCode},
		"M twice":                    {query: with("=M", "=MM"), status: "0"},
		"long opcode list":           {query: with("=M", "="+strings.Repeat("M", 21)), status: badCall, violation: "OpCodeList is longer than 20"},
		"unknown format":             {query: add + "&OutputFormat=J", status: badCall, violation: "OutputFormat"},
		"look-up by neither":         {query: with("UserID=1", "UserID=2"), status: badCall, violation: "LookupByExternalUserID"},
		"unknown parameter":          {query: add + "&Surprise=1", status: badCall, violation: "Surprise is no parameter"},
		"parameter twice":            {query: add + "&ShowKey=1", status: badCall, violation: "ShowKey is there twice"},
		"bad percent-encoding":       {query: with("=u-1", "=u%zz"), status: badCall, violation: "percent-encoded"},
		"not UTF-8":                  {query: with("=u-1", "=u%ff"), status: badCall, violation: "UTF-8"},
		"no value":                   {query: add + "&ShowKey", status: badCall, violation: "no value"},
		"long user ID":               {query: with("=u-1", "="+strings.Repeat("%C3%A9", 128)), status: badCall, violation: "ExternalUserID is longer than 255"},
		"long auth code":             {query: with("=code", "="+strings.Repeat("c", 81)), status: refused, violation: "APIUserAuthCode is longer than 80"},
		"long list":                  {query: with("11,12", strings.Repeat("1111111,", 1000)+"1"), status: badCall, violation: "AddOnsChangeList is longer than 8000"},
		"list with a space":          {query: with("11,12", "11,%2012"), status: badParameter, violation: "AddOnsChangeList"},
		"list with a letter":         {query: with("11,12", "11,a"), status: badParameter, violation: "AddOnsChangeList"},
		"list ends with a comma":     {query: with("11,12", "11,"), status: badParameter, violation: "AddOnsChangeList"},
		"empty list":                 {query: with("11,12", ""), status: badParameter, violation: "AddOnsChangeList"},
		"negative add-on":            {query: with("11,12", "-11"), status: badParameter, violation: "AddOnsChangeList"},
		"no show":                    {query: with("&ShowKey=1", ""), status: badParameter, violation: "ShowKey"},
		"show is a word":             {query: with("ShowKey=1", "ShowKey=one"), status: badParameter, violation: "ShowKey"},
		"no such person":             {query: with("=u-1", "=U-1"), status: "71"},
		"not registered":             {query: with("=u-1", "=u-2"), status: "72"},
		"no such show":               {query: with("ShowKey=1", "ShowKey=9"), status: "51"},
		"another area's show":        {query: with("ShowKey=1", "ShowKey=2"), status: "51"},
		"no such add-on":             {query: with("11,12", "11,99"), status: "76"},
		"another area's add-on":      {query: with("11,12", "21"), status: "76"},
		"another package's add-on":   {query: with("11,12", "11,15"), status: fmt.Sprint(notifiedtest.GuessStatusNotInPackage)},
		"refers to another package":  {query: with("11,12", "13"), status: fmt.Sprint(notifiedtest.GuessStatusOtherPackage)},
		"by e-mail":                  {query: with("UserID=1&ExternalUserID=u-1", "UserID=0&EMailAddress=one%40members.example"), status: "0"},
		"by e-mail, by default":      {query: with("&LookupByExternalUserID=1&ExternalUserID=u-1", "&EMailAddress=One%40Members.example"), status: "0"},
		"by nobody's e-mail":         {query: with("UserID=1", "UserID=0"), status: "71"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sandbox(t, config())
			method := http.MethodGet
			if c.form != "" || strings.HasPrefix(name, "POST") {
				method = http.MethodPost
			}
			w := send(s, method, c.query, c.form)
			require.Equal(t, 200, w.Code, "errors come as HTTP 200")
			calls := s.Journal()
			require.Len(t, calls, 1)
			require.Equal(t, c.status, calls[0].Status, w.Body)
			require.Equal(t, c.status == "0", calls[0].Effect)
			require.Equal(t, c.status == "0", len(s.AddOns("u-1", 1)) > 0, "all or none")
			if c.violation == "" {
				require.Empty(t, calls[0].Violations)
				return
			}
			require.Contains(t, strings.Join(calls[0].Violations, "\n"), c.violation)
		})
	}
}

func TestCredentialsFailAsTheRootOfResults(t *testing.T) {
	t.Parallel()
	w := get(sandbox(t, config()), strings.Replace(add, "secret", "wrong", 1)+"&OutputFormat=X")
	require.Contains(t, w.Body.String(), `<APIResults APICallResult="90103" APICallDiagnostic="Invalid API Credentials Supplied!"`)
}

func TestReAdd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reAdd  notifiedtest.ReAdd
		status string
		count  string
	}{
		{notifiedtest.CountNew, "0", "AddOnsAdded=1"},
		{notifiedtest.CountAll, "0", "AddOnsAdded=2"},
		{notifiedtest.RefusePresent, fmt.Sprint(notifiedtest.GuessStatusPresent), "OpCodesInError=1"},
	} {
		cfg := config()
		cfg.ReAdd = c.reAdd
		s := sandbox(t, cfg)
		require.Contains(t, get(s, strings.Replace(add, "11,12", "11", 1)+"&OutputFormat=H").Body.String(), "AddOnsAdded=1")
		require.Contains(t, get(s, add+"&OutputFormat=H").Body.String(), c.count)
		require.Equal(t, c.status, s.Journal()[1].Status)
	}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	s := sandbox(t, config())
	s.Misbehave(notifiedtest.Fault{}, notifiedtest.Fault{Kind: notifiedtest.Throttle})
	get(s, strings.Replace(add, "UserID=1&ExternalUserID=u-1", "UserID=0&EMailAddress=One%40Members.example", 1))
	get(s, add)
	send(s, http.MethodPost, cmd, strings.TrimPrefix(add, cmd+"&"))
	one := notifiedtest.Call{
		Seq: 1, Time: start, Method: "GET", Key: "k-1", OpCodes: "M", User: "u-1", Show: 1,
		AddOns: []int64{11, 12}, Added: []int64{11, 12}, Effect: true, Status: "0",
		Results: []notifiedtest.OpResult{{OpCode: "M", Status: 0}}, Fault: notifiedtest.None,
	}
	two := notifiedtest.Call{Seq: 2, Time: start, Method: "GET", Key: "k-1", Repeat: true, OpCodes: "M", User: "u-1", Fault: notifiedtest.Throttle}
	three := one
	three.Seq, three.Method, three.Repeat, three.Added, three.Effect = 3, "POST", true, nil, false
	calls := s.Journal()
	require.Equal(t, []notifiedtest.Call{one, two, three}, calls)
	calls[0].AddOns[0], calls[0].Added[0], calls[0].Results[0].Status = 99, 99, 99
	require.Equal(t, one, s.Journal()[0], "the journal is a copy")
}

func TestMisbehaveByAndReset(t *testing.T) {
	t.Parallel()
	s := sandbox(t, config())
	s.MisbehaveBy(func(call int) notifiedtest.Fault {
		if call%2 == 0 {
			return notifiedtest.Fault{Kind: notifiedtest.ServerError}
		}
		return notifiedtest.Fault{}
	})
	require.Equal(t, []int{200, 500, 200, 500}, []int{get(s, add).Code, get(s, add).Code, get(s, add).Code, get(s, add).Code})
	s.Reset()
	require.Empty(t, s.Journal())
	require.Empty(t, s.AddOns("u-1", 1))
	get(s, add)
	require.Equal(t, 200, get(s, add).Code, "the faults are forgotten")
	require.Equal(t, "71", s.Journal()[1].Status, "and so are the people")
}

func TestOtherPathsAndMethods(t *testing.T) {
	t.Parallel()
	s := sandbox(t, config())
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/scripts/server.nxp", http.NoBody))
	require.Equal(t, http.StatusNotFound, w.Code)
	require.Equal(t, http.StatusMethodNotAllowed, send(s, http.MethodPut, add, "").Code)
	require.Empty(t, s.Journal())
}

func TestBodies(t *testing.T) {
	t.Parallel()
	s := sandbox(t, config())
	r := httptest.NewRequest(http.MethodPost, path+"?"+cmd, strings.NewReader(`{"OpCodeList":"M"}`))
	r.Header.Set("Content-Type", "application/json")
	s.ServeHTTP(httptest.NewRecorder(), r)
	send(s, http.MethodGet, add, "x=1")
	send(s, http.MethodPost, add, "x="+strings.Repeat("1", 64<<10))
	for i, want := range []string{"the body is no form", "a GET has a body", "the body is longer than 64 KiB"} {
		require.Contains(t, s.Journal()[i].Violations, want)
	}
	require.Empty(t, s.AddOns("u-1", 1))
	get(s, cmd+login+"&OpCodeList=M"+strings.Repeat("&x", 1000))
	require.Len(t, s.Journal()[3].Violations, 20)
}

func TestConcurrentCallsAddOnce(t *testing.T) {
	t.Parallel()
	s := sandbox(t, config())
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			get(s, add)
			s.Journal()
			s.AddOns("u-1", 1)
		})
	}
	wg.Wait()
	effects := 0
	for i, c := range s.Journal() {
		require.Equal(t, i+1, c.Seq)
		if c.Effect {
			effects++
		}
	}
	require.Equal(t, 1, effects)
	require.Equal(t, []int64{11, 12}, s.AddOns("u-1", 1))
}

// FuzzCall: a call that had an effect has no violation, unless a later opcode of its chain was refused.
// The answer is never an HTTP error.
func FuzzCall(f *testing.F) {
	f.Add(add, "")
	f.Add(cmd, strings.TrimPrefix(add, cmd+"&"))
	f.Add("&&=&%&;", "=;&")
	f.Add(cmd+login+"&OpCodeList=CrTDZKNA&OutputFormat=H&EMailAddress=a%40b.example&ShowKey=1&ShowPackageKey=1001&AddOnsChangeList=11", "")
	f.Add(cmd+login+"&OpCodeList=Cr&EMailAddress=a%40b.example", "") // C has an effect, but r lacks a package
	f.Fuzz(func(t *testing.T, query, form string) {
		s := sandbox(t, config())
		w := send(s, http.MethodPost, query, form)
		require.Equal(t, 200, w.Code)
		c := s.Journal()[0]
		if c.Effect {
			if len(c.Violations) > 0 {
				last := len(c.Results) - 1
				require.Positive(t, last, "an opcode before it had the effect")
				require.NotZero(t, c.Results[last].Status)
			}
			v, err := url.ParseQuery(strings.TrimPrefix(strings.Trim(query+"&"+form, "&"), cmd))
			require.NoError(t, err, "what has an effect is a form that anybody can read")
			require.Equal(t, c.OpCodes, v.Get("OpCodeList"))
			require.Empty(t, strings.Trim(c.OpCodes, "MNAKZRrCIUDGTFJ"))
		}
		require.LessOrEqual(t, len(c.Results), 20)
		_, err := io.Copy(io.Discard, w.Body)
		require.NoError(t, err)
	})
}
