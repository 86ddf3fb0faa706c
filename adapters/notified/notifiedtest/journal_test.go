package notifiedtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

func TestWriteJournal(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	s.Misbehave(notifiedtest.Fault{}, notifiedtest.Fault{Kind: notifiedtest.Throttle})
	about(s, "u-9", "CRM", ann+"&ShowKey=3&ShowPackageKey=31&AddOnsChangeList=311")
	about(s, "u-2", "R", "&ShowKey=one&ShowPackageKey=31")
	about(s, "u-2", "R", "&ShowKey=one&ShowPackageKey=31")
	var b bytes.Buffer
	require.NoError(t, s.WriteJournal(&b))
	require.Equal(t, `{"seq":1,"time":"2026-03-01T12:00:00Z","method":"GET","key":"k-1","op_codes":"CRM","user":"u-9","show":3,"package":31,`+
		`"add_ons":[311],"added":[311],"registered":true,"persons":1,"effect":true,"status":"0",`+
		`"results":[{"op_code":"C","status":0},{"op_code":"R","status":0},{"op_code":"M","status":0}]}
{"seq":2,"time":"2026-03-01T12:00:00Z","method":"GET","key":"k-1","repeat":true,"op_codes":"R","user":"u-2","effect":false,"fault":"throttle"}
{"seq":3,"time":"2026-03-01T12:00:00Z","method":"GET","key":"k-1","repeat":true,"op_codes":"R","user":"u-2","package":31,"effect":false,"status":"90001",`+
		`"results":[{"op_code":"R","status":90001}],"violations":["ShowKey is not digits"]}
`, b.String())
	require.ErrorIs(t, s.WriteJournal(brokenPipe{}), errBroken)
}

var errBroken = errors.New("broken pipe")

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

// TestTheJournalHoldsNoSecrets: a caller may put them into any parameter.
func TestTheJournalHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	const authCode, credentials, email, name = "PlantedAuthCode", "PlantedCredentials", "planted@members.example", "Plantedson"
	s := sandboxWith(t, func(c *notifiedtest.Config) {
		c.Accounts = append(c.Accounts, notifiedtest.Account{AuthCode: authCode, Credentials: credentials, Area: "acme"})
	})
	account := "&APIUserAuthCode=" + authCode + "&APIUserCredentials=" + credentials
	profile := "&EMailAddress=planted%40members.example&FirstName=" + name + "&LastName=" + name
	var tickets []string
	for _, query := range []string{
		cmd + account + profile + "&OpCodeList=CrT&OutputFormat=H&ShowKey=3&ShowPackageKey=31",
		cmd + account + profile + "&OpCodeList=CrT&OutputFormat=H&ShowKey=3&ShowPackageKey=31&LookupByExternalUserID=1&ExternalUserID=planted%40members.example",
		cmd + account + profile + "&OpCodeList=U&OutputFormat=" + name,
		cmd + account + "&OpCodeList=" + credentials + "&EMailAddress=planted%40members.example",
		cmd + account + "&OpCodeList=planted%40members.example",
		cmd + account + "&OpCodeList=G&planted%40members.example=1",
		cmd + account + "&OpCodeList=G&planted%40members.example",
		cmd + account + "&OpCodeList=M&ShowKey=planted%40members.example&AddOnsChangeList=" + credentials,
		"APIUserCredentials=" + credentials + "&" + cmd,
		cmd + "&APIUserAuthCode=" + authCode + "&APIUserCredentials=" + credentials + "2",
	} {
		_, ticket, ok := strings.Cut(get(s, query).Body.String(), "LoginTicketKey=")
		if ok {
			tickets = append(tickets, ticket)
			get(s, enter+ticket)
		}
	}
	send(s, http.MethodPost, cmd, strings.TrimPrefix(account+profile+"&OpCodeList=C", "&"))
	require.Len(t, tickets, 2)
	var export bytes.Buffer
	require.NoError(t, s.WriteJournal(&export))
	visits, err := json.Marshal(s.Visits())
	require.NoError(t, err)
	for _, secret := range append(tickets, authCode, credentials, email, name) {
		require.NotContains(t, export.String(), secret)
		if secret != email { // the address is a user ID too
			require.NotContains(t, string(visits), secret)
		}
	}
	require.Equal(t, len(s.Journal()), strings.Count(export.String(), "\n"))
}
