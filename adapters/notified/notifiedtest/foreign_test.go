package notifiedtest_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// The clients below are like those that others wrote for the platform: they know its address and
// nothing of this module.

// webcasts registers people by e-mail address and reads X. It depends on the order and number of
// results, and on status 76.
type webcasts struct{ base string }

var errNoWebcast = errors.New("no such webcast")

func (w webcasts) link(email, item string) (string, error) {
	api := w.base + "?LASCmd=AI:4;F:APIUTILS!50500&APIUserAuthCode=code&APIUserCredentials=secret&ShowKey=3&OutputFormat=X&"
	resp, err := http.Get(api + url.Values{
		"OpCodeList": {"CrT"}, "ShowPackageKey": {"31"}, "EMailAddress": {email},
		"FirstName": {"Anonymous"}, "LastName": {"Visitor"}, "ShowLaunchInitialDisplayItem": {item},
	}.Encode())
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	var answer struct {
		XMLName    xml.Name
		Diag       string `xml:"Diag,attr"`
		Result     string `xml:"APICallResult,attr"`
		Diagnostic string `xml:"APICallDiagnostic,attr"`
		Processed  string `xml:"OpCodesProcessed,attr"`
		OpCodes    []struct {
			OpCode  string `xml:"OpCode,attr"`
			Status  string `xml:"Status,attr"`
			Message string `xml:"Message,attr"`
			Ticket  string `xml:"ResultRow>LoginTicketKey"`
		} `xml:"OpCodeResult"`
	}
	dec := xml.NewDecoder(resp.Body)
	dec.Strict = false
	if err := dec.Decode(&answer); err != nil {
		return "", err
	}
	switch {
	case answer.XMLName.Local == "CallFailed":
		return "", errors.New(answer.Diag)
	case answer.Result != "0":
		return "", errors.New(answer.Diagnostic)
	case answer.Processed != "3":
		return "", errNoWebcast
	}
	for _, op := range answer.OpCodes {
		switch {
		case op.OpCode == "T" && op.Status == "76":
			return "", errNoWebcast
		case op.Status != "0":
			return "", errors.New(op.Message)
		}
	}
	if answer.OpCodes[2].OpCode != "T" {
		return "", errors.New("results out of order")
	}
	return w.base + "?LASCmd=AI:4;F:APIUTILS!50505&LoginTicketKey=" + answer.OpCodes[2].Ticket, nil
}

// portal makes tickets for members by ID, sends credentials before the auth code, and cuts the T answer
// at the output's name.
type portal struct{ base string }

func (p portal) ticket(member, show string) (key, problem string, err error) {
	body, err := fetch(p.base + "?LASCmd=AI:4;F:APIUTILS!50500&APIUserCredentials=secret&APIUserAuthCode=code&OpCodeList=T&OutputFormat=T" +
		"&LookupByExternalUserID=1&ExternalUserID=" + url.QueryEscape(member) + "&ShowKey=" + show)
	if _, key, ok := strings.Cut(body, "LoginTicketKey"); ok || err != nil {
		return strings.TrimSpace(key), "", err
	}
	_, rest, _ := strings.Cut(body, "APICallDiagnostic=")
	problem, _, _ = strings.Cut(rest, "OpCodesProcessed")
	return "", strings.TrimSpace(problem), nil
}

// kiosk makes one person for everybody. It first sends an opcode that the sandbox does not know, and
// ignores the answer. It takes the ticket from the fourth line of the T answer, which ends in CRLF.
type kiosk struct{ base string }

func (k kiosk) ticket(item string) (key, person string, err error) {
	api := k.base + "?LASCmd=AI:4;F:APIUTILS!50500&APIUserAuthCode=code&APIUserCredentials=secret"
	var found struct {
		OpCodes []struct {
			Row struct {
				First struct {
					Text string `xml:",chardata"`
				} `xml:",any"`
			} `xml:"ResultRow"`
		} `xml:"OpCodeResult"`
	}
	for _, opCode := range []string{"@", "I", "G"} {
		body, err := fetch(api + "&OpCodeList=" + opCode + "&OutputFormat=X&EMailAddress=public@members.example")
		if err != nil {
			return "", "", err
		}
		if err := xml.Unmarshal([]byte(body), &found); err != nil {
			return "", "", err
		}
	}
	body, err := fetch(api + "&EMailAddress=public@members.example&OpCodeList=T&OutputFormat=T&ShowLaunchInitialDisplayItem=" + item + "&ShowKey=4")
	lines := strings.Split(body, "\r\n")
	if err != nil || len(lines) < 4 {
		return "", "", errors.Join(err, errors.New("no ticket"))
	}
	return lines[3], found.OpCodes[len(found.OpCodes)-1].Row.First.Text, nil
}

func fetch(address string) (string, error) {
	resp, err := http.Get(address)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	return string(body), errors.Join(err, resp.Body.Close())
}

func serve(t *testing.T, change func(*notifiedtest.Config)) (s *notifiedtest.Server, base string) {
	t.Helper()
	s = sandboxWith(t, func(c *notifiedtest.Config) {
		c.Shows[len(c.Shows)-1].DisplayItems = []string{"E44908"}
		if change != nil {
			change(c)
		}
	})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL + "/any/where/scripts/Server.nxp"
}

func TestAForeignClientThatRegistersByEmail(t *testing.T) {
	t.Parallel()
	s, base := serve(t, nil)
	client := webcasts{base}
	for range 2 {
		link, err := client.link("guest@members.example", "E123")
		require.NoError(t, err)
		page, err := fetch(link)
		require.NoError(t, err)
		require.Contains(t, page, "Opened at")
	}
	require.Len(t, s.Persons("acme"), 3, "the second time they are there")
	require.Equal(t, "full", s.Registrations("acme")[1].Package)
	_, err := client.link("guest@members.example", "E999")
	require.ErrorIs(t, err, errNoWebcast)
	for _, c := range s.Journal() {
		require.Empty(t, c.Violations)
		require.Empty(t, c.Key)
		require.False(t, c.Repeat, "calls without a key repeat none")
	}
}

func TestAForeignClientThatCutsTheTextAtTheOutput(t *testing.T) {
	t.Parallel()
	for _, blankLines := range []bool{false, true} {
		s, base := serve(t, func(c *notifiedtest.Config) { c.BlankLines = blankLines })
		key, _, err := portal{base}.ticket("u-1", "1")
		require.NoError(t, err)
		page, err := fetch(base + "?LASCmd=AI:4;F:APIUTILS!50505&LoginTicketKey=" + key)
		require.NoError(t, err)
		require.Contains(t, page, `<b id="user">u-1</b>`)
		key, problem, err := portal{base}.ticket("u-9", "1")
		require.NoError(t, err)
		require.Equal(t, []string{"", "OK"}, []string{key, problem}, "the call itself went well")
		require.Empty(t, s.Journal()[0].Violations)
	}
}

func TestAForeignClientThatCountsLines(t *testing.T) {
	t.Parallel()
	s, base := serve(t, nil)
	for range 2 { // the second time they exist already
		key, person, err := kiosk{base}.ticket("E44908")
		require.NoError(t, err)
		require.NotEmpty(t, person)
		page, err := fetch(base + "?LASCmd=AI:4;F:APIUTILS!50505&LoginTicketKey=" + key)
		require.NoError(t, err)
		require.Contains(t, page, "Opened at")
	}
	require.Len(t, s.Persons("acme"), 3)
}
