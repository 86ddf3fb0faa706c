package notifiedtest_test

import (
	"encoding/json"
	"encoding/xml"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// Each module refuses wrong credentials and a wrong show in its own way, and clients read the words.
func TestForeignClientsReadWhatIsRefused(t *testing.T) {
	t.Parallel()
	s, base := serve(t, func(c *notifiedtest.Config) { c.Accounts[0].Credentials = "renewed" })
	_, err := webcasts{base}.link("guest@members.example", "E123")
	require.EqualError(t, err, "Invalid API Credentials Supplied!")
	ask := func(query string) string {
		body, err := fetch(base + "?" + query)
		require.NoError(t, err)
		return body
	}
	const old, now, show = "&APIUserAuthCode=code&APIUserCredentials=secret", "&APIUserAuthCode=code&APIUserCredentials=renewed", "&ShowKey=3&OutputFormat=X"
	for query, want := range map[string]string{
		"LASCmd=AI:4;F:APIUTILS!50540" + old + show + "&OpCodeList=EEL":                                `<APIResults APICallResult="90103" APICallDiagnostic="Invalid API Credentials Supplied!" OpCodesProcessed="0" OpCodesInError="1" >`,
		"LASCmd=AI:4;F:APIUTILS!50565" + old + show:                                                    `<CallFailed Diag="Invalid API Credentials Supplied!"/>`,
		"LASCmd=AI:4;F:APIUTILS!50540" + now + "&ShowKey=123&OutputFormat=X&OpCodeList=EEL":            `APICallDiagnostic="Invalid Show Key Specified!" OpCodesProcessed="0" OpCodesInError="1"`,
		"LASCmd=AI:4;F:APIUTILS!50540" + now + "&ShowKey=2&OutputFormat=X&OpCodeList=EDL&EventKey=123": `APICallDiagnostic="Invalid Show Key Specified!"`,
		"LASCmd=AI:4;F:APIUTILS!50565" + now + "&ShowKey=123&OutputFormat=X":                           `<CallFailed Diag="Invalid Show Key Specified!"/>`,
		"LASCmd=AI:4;F:APIUTILS!50540" + now + show + "&OpCodeList=EDL&EventKey=999":                   `<OpCodeResult OpCode="EDL" Status="51" Message="Event Not Found!" >`,
		"LASCmd=AI:4;F:APIUTILS!50540" + now + show + "&OpCodeList=Q":                                  `APICallDiagnostic="Unknown OpCode!"`,
		"LASCmd=AI:4;F:APIUTILS!50540" + now + show + "&OpCodeList=EEL&Surprise=1":                     "Surprise is no parameter",
		"LASCmd=AI:4;F:APIUTILS!50599" + now + show:                                                    `<CallFailed Diag="Invalid LASCmd!"/>`,
	} {
		require.Contains(t, ask(query), want, query)
	}
	for _, c := range s.Journal() {
		require.False(t, c.Effect)
	}
}

// The calls of the public client with the CrT chain, as it sends them: the list of events, what is private, an
// event's dates, and a ticket for somebody who has no name.
func TestAForeignClientThatOpensWebcasts(t *testing.T) {
	t.Parallel()
	s, base := serve(t, func(c *notifiedtest.Config) {
		c.Shows[len(c.Shows)-2].DisplayItems = []string{"E123", "E124", "B7"}
	})
	const common = "&APIUserAuthCode=code&APIUserCredentials=secret&ShowKey=3&OutputFormat=X"
	read := func(query string, into any) {
		body, err := fetch(base + "?LASCmd=AI:4;F:APIUTILS!" + query)
		require.NoError(t, err)
		require.NoError(t, xml.Unmarshal([]byte(body), into), body)
	}
	type result struct {
		OpCode string `xml:"OpCode,attr"`
		Status string `xml:"Status,attr"`
		Rows   []struct {
			EventKey, Description, Active, BoothKey       string
			DateType, FromDateTime, ToDateTime, IconImage string
			LoginTicketKey                                string
		} `xml:"ResultRow"`
	}
	type results struct {
		Result    string   `xml:"APICallResult,attr"`
		Processed string   `xml:"OpCodesProcessed,attr"`
		InError   string   `xml:"OpCodesInError,attr"`
		OpCodes   []result `xml:"OpCodeResult"`
	}
	var events, dates, opened results
	read("50540"+common+"&OpCodeList=EEL", &events)
	require.Equal(t, "0", events.InError)
	require.Len(t, events.OpCodes[0].Rows, 2, "B7 is no event")
	var setup struct {
		Booths []struct {
			Key string `xml:"BoothKey,attr"`
		} `xml:"SecurityGroupChannelAssignment>SecurityGroupChannelAssignment"`
		Events []struct {
			Key string `xml:"EventKey,attr"`
		} `xml:"SecurityGroupProgramAssignment>SecurityGroupProgramAssignment"`
	}
	read("50565"+common+"&InfoTypeFilter=|GE|GB|", &setup)
	require.Len(t, setup.Booths, 1)
	require.Len(t, setup.Events, 1)
	key := events.OpCodes[0].Rows[1].EventKey
	read("50540"+common+"&OpCodeList=EDL&EventKey="+key, &dates)
	require.Equal(t, "4", dates.OpCodes[0].Rows[0].DateType)
	_, err := time.Parse(time.DateTime, dates.OpCodes[0].Rows[0].FromDateTime)
	require.NoError(t, err)

	for range 2 {
		read("50500"+common+"&OpCodeList=CrT&ShowPackageKey=31&EMailAddress=0b6a%40anonymous.example.invalid&FirstName=Anonymous&LastName=User"+
			"&ShowLaunchInitialDisplayItem=E"+key, &opened)
		require.Equal(t, []string{"0", "3"}, []string{opened.Result, opened.Processed})
		for i, op := range opened.OpCodes {
			require.Equal(t, []string{"CrT"[i : i+1], "0"}, []string{op.OpCode, op.Status})
		}
		page, err := fetch(base + "?LASCmd=AI:4;F:APIUTILS!50505&LoginTicketKey=" + opened.OpCodes[2].Rows[0].LoginTicketKey)
		require.NoError(t, err)
		require.Contains(t, page, `<b id="item">E124</b>`)
		opened = results{}
	}
	read("50500"+common+"&OpCodeList=CrT&ShowPackageKey=31&EMailAddress=0b6a%40anonymous.example.invalid&FirstName=Anonymous&LastName=User"+
		"&ShowLaunchInitialDisplayItem=E0", &opened)
	require.Equal(t, []string{"3", "T", "76"}, []string{opened.Processed, opened.OpCodes[2].OpCode, opened.OpCodes[2].Status})
	require.Len(t, s.Persons("acme"), 3)
	for i, c := range s.Journal() {
		require.Empty(t, c.Violations)
		require.Equal(t, []string{"50540", "50565", "50540", "", "", ""}[i], c.Module)
	}

	body, err := fetch(base + "?LASCmd=AI:4;F:APIUTILS!50540&APIUserAuthCode=code&APIUserCredentials=secret&OpCodeList=EEL&ShowKey=3&OutputFormat=J")
	require.NoError(t, err)
	var feed struct {
		APIResults struct {
			OpCodeResults []struct{ Results []map[string]string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &feed))
	require.Equal(t, "124", feed.APIResults.OpCodeResults[0].Results[1]["EventKey"])
}

// The calls of the public client that registers members by ID, as it sends them: R without a package, then Z.
func TestAForeignClientThatRegistersWithoutAPackage(t *testing.T) {
	t.Parallel()
	s, base := serve(t, nil)
	call := func(opCode, user, more string) (status, message, id string) {
		body, err := fetch(base + "?LASCmd=AI:4;F:APIUTILS!50500&APIUserAuthCode=code&APIUserCredentials=secret&OpCodeList=" + opCode +
			"&OutputFormat=X&LookupByExternalUserID=1&ExternalUserID=" + user + "&ShowKey=3" + more)
		require.NoError(t, err)
		var answer struct {
			OpCode struct {
				Status  string `xml:"Status,attr"`
				Message string `xml:"Message,attr"`
				ID      string `xml:"ResultRow>RegistrationID"`
			} `xml:"OpCodeResult"`
		}
		require.NoError(t, xml.Unmarshal([]byte(body), &answer), body)
		return answer.OpCode.Status, answer.OpCode.Message, answer.OpCode.ID
	}
	status, message, _ := call("R", "u-2", "&TriggerRegistrationEvents=1")
	require.Equal(t, []string{"0", "OK"}, []string{status, message})
	status, _, id := call("Z", "u-2", "")
	require.Equal(t, "0", status)
	require.NotEmpty(t, id)
	status, _, _ = call("R", "u-2", "&TriggerRegistrationEvents=1")
	require.Equal(t, "44", status, "already registered")
	status, _, _ = call("Z", "u-1", "")
	require.Equal(t, "72", status)
	for _, c := range s.Journal() {
		require.Empty(t, c.Violations)
	}
}
