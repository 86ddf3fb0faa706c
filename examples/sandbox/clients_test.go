package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestOurClientsMeetTheFaults(t *testing.T) {
	t.Parallel()
	p := start(t)
	atBoth := func(name, seed string) {
		for _, platform := range []string{atElevate, atNotified} {
			a := p.post("/faults", "platform", platform, "preset", name, "seed", seed)
			require.Equal(t, http.StatusSeeOther, a.status, a.body)
			require.Equal(t, "/#"+platform, a.header.Get("Location"))
		}
	}
	learning, events := p.elevate(), p.notified()
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, learning, registration("U-1", "course-ethics")))
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, events, addOns("U-1001", 9985)))
	for _, c := range []struct {
		preset string
		want   outbox.Outcome
	}{
		{"down", outbox.OutcomeUnavailable}, {"refusing", outbox.OutcomeUnauthorized}, {"cutting", outbox.OutcomeUnknown},
	} {
		atBoth(c.preset, "")
		require.Equal(t, c.want, outcome(t, learning, registration("U-1", "course-budget")), c.preset)
		require.Equal(t, c.want, outcome(t, events, addOns("U-1001", 10342)), c.preset)
	}
	body := p.page()
	require.Contains(t, body, "show 7001, Full pass, add-ons 9985, 10342", "what is cut is carried out")
	require.Regexp(t, `(?s)Registrations at Elevate.*course-budget</a>.*course-ethics</a>.*People at Notified`, body, "the latest first")
	require.Equal(t, 2, strings.Count(body, `<strong class="bad">cuts answers`))

	atBoth("slow", "")
	began := time.Now()
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, learning, registration("U-2", "course-ethics")))
	require.GreaterOrEqual(t, time.Since(began), 2*time.Second)

	atBoth("none", "")
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, learning, registration("U-3", "course-ethics")))
	require.Equal(t, outbox.OutcomeNotReady, outcome(t, events, addOns("U-1003", 9985)), "known, not registered")
	require.Equal(t, outbox.OutcomeRejected, outcome(t, learning, registration("U-3", "course-2019")), "closed")
}

// The same seed strikes the same calls.
func TestRandomFaultsGoByTheirSeed(t *testing.T) {
	t.Parallel()
	const calls = 40
	play := func(seed string) (outcomes []string, struck int) {
		p := start(t)
		require.Equal(t, http.StatusSeeOther, p.post("/faults", "platform", atElevate, "preset", "random", "seed", seed).status)
		client := p.elevate()
		for i := range calls {
			o := outcome(t, client, registration(fmt.Sprint("U-", i), "course-ethics"))
			outcomes = append(outcomes, o.String())
			if o != outbox.OutcomeDelivered {
				struck++
			}
		}
		return outcomes, struck
	}
	first, struck := play("7")
	again, _ := play("7")
	other, _ := play("8")
	require.Equal(t, first, again)
	require.NotEqual(t, first, other)
	require.Positive(t, struck)
	require.Less(t, struck, calls/2)
}

func TestScriptByTheForm(t *testing.T) {
	t.Parallel()
	p := start(t)
	const script = `{"users": {"U-1": [{"kind": "throttle", "retry_after": "2"}]}}`
	require.Equal(t, http.StatusSeeOther, p.post("/script", "platform", atElevate, "script", script).status)
	learning := p.elevate()
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, learning, registration("U-2", "course-ethics")))
	require.Equal(t, outbox.OutcomeThrottled, outcome(t, learning, registration("U-1", "course-ethics")))
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, learning, registration("U-1", "course-ethics")), "as listed: once")
	require.Contains(t, p.page(), "as the script says")
}

func TestReportAPI(t *testing.T) {
	t.Parallel()
	p := start(t)
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, p.elevate(), registration("U-1", "course-ethics")))
	open := func() *elevate.Reports { // each asks once an hour at most
		reports, err := elevate.NewReports(elevate.ReportsConfig{
			Endpoint: p.printed("Report API"), APIKey: elevate.Key(p.printed("api_key")), Profile: elevate.GuessedReportProfile(), AllowLoopbackHTTP: true,
		})
		require.NoError(t, err)
		t.Cleanup(reports.CloseIdleConnections)
		return reports
	}
	found := 0
	for row, err := range open().Registrations(t.Context(), time.Now().Add(-time.Hour)) {
		require.NoError(t, err)
		require.Equal(t, "course-ethics", row.RemoteProductID)
		found++
	}
	require.Equal(t, 1, found)
	require.Contains(t, p.page(), "rows: 1")

	require.Equal(t, http.StatusSeeOther, p.post("/faults", "platform", atReports, "preset", "down").status)
	for _, err := range open().Registrations(t.Context(), time.Now().Add(-time.Hour)) {
		var d *outbox.DeliveryError
		require.ErrorAs(t, err, &d)
		require.Equal(t, outbox.OutcomeUnavailable, d.Outcome)
	}
	require.Equal(t, outbox.OutcomeDelivered, outcome(t, p.elevate(), registration("U-2", "course-ethics")), "its own faults")
}

// A shop that has nothing of ours: no client, no headers, parameters in an order
// of its own, GET.
func TestShopInAnotherLanguage(t *testing.T) {
	t.Parallel()
	p := start(t)
	send := func(body string) answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.printed("Registration API"), strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return answer{status: resp.StatusCode}
	}
	form := `{"api_key":"` + p.printed("key, sent as body") + `","firstname":"Grace","lastname":"Example","email":"grace@example.org",` +
		`"unique_user_id":"php-7","remote_product_id":"course-budget","send_confirmation_email":true}`
	require.Equal(t, http.StatusOK, send(form).status)
	require.Equal(t, http.StatusUnprocessableEntity, send(strings.Replace(form, "firstname", "first_name", 1)).status)

	notified := notifiedPath + "?LASCmd=AI:4;F:APIUTILS!50500&ShowKey=7001&AddOnsChangeList=9985&OutputFormat=T&ExternalUserID=U-1002" +
		"&LookupByExternalUserID=1&OpCodeList=M&APIUserAuthCode=" + url.QueryEscape(p.printed("APIUserAuthCode")) +
		"&APIUserCredentials=" + url.QueryEscape(p.printed("APIUserCredentials"))
	require.Contains(t, p.do(http.MethodGet, notified, nil, nil).body, "Status=0")
	require.Contains(t, p.do(http.MethodGet, strings.Replace(notified, "OutputFormat=T", "OutputFormat=Q", 1), nil, nil).body, "Bad Call")

	body := p.page()
	require.Contains(t, body, "grace@example.org", "the confirmation email")
	require.Contains(t, body, "Grace Example", "the registration")
	require.Contains(t, body, "show 7001, Day pass, add-ons 9985")
	require.Equal(t, 2, strings.Count(body, `class="violating"`))
	require.Contains(t, body, "Against the wire profile")
	require.Contains(t, body, "Against the vendor’s text")
	require.Contains(t, body, "OutputFormat is not T, H or X")
	require.Contains(t, p.do(http.MethodGet, "/products/reading-a-budget", nil, nil).body, "Reading a budget")
}

// What public clients of Notified ask for is in the sample: display items, events, and a show that needs no
// registration.
func TestTheSampleHasWhatForeignClientsAskFor(t *testing.T) {
	t.Parallel()
	p := start(t)
	ask := func(module, query string) string {
		return p.do(http.MethodGet, notifiedPath+"?LASCmd=AI:4;F:APIUTILS!"+module+"&APIUserAuthCode="+p.printed("APIUserAuthCode")+
			"&APIUserCredentials="+p.printed("APIUserCredentials")+"&OutputFormat=X&"+query, nil, nil).body
	}
	const nobody = "&LookupByExternalUserID=1&ExternalUserID=U-1003&ShowKey=7002"
	require.Contains(t, ask("50500", "OpCodeList=T&ShowLaunchInitialDisplayItem=E201"+nobody), "<LoginTicketKey>")
	require.Contains(t, ask("50500", "OpCodeList=T&ShowLaunchInitialDisplayItem=E999"+nobody), `Status="76"`)
	require.Contains(t, ask("50500", "OpCodeList=K"+nobody), "Show Does Not Require Registration!")
	require.Contains(t, ask("50500", "OpCodeList=R&TriggerRegistrationEvents=1&LookupByExternalUserID=1&ExternalUserID=U-1003&ShowKey=7001"), `Status="0"`)
	require.Contains(t, ask("50540", "OpCodeList=EEL&ShowKey=7001"), "<EventKey>102</EventKey>")
	require.Contains(t, ask("50565", "InfoTypeFilter=|GE|GB|&ShowKey=7001"), "SecurityGroupProgramAssignment")
	body := p.page()
	require.Contains(t, body, "module 50540, opcodes EEL")
	require.NotContains(t, body, `class="violating"`)
}

// The printed lines are run as they stand, so their quoting is tried as well.
func TestPrintedCurlLinesWork(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "there is no curl here")
		t.Skip("NOT TESTED: there is no curl here")
	}
	for name, file := range map[string]string{
		"the sample": string(sample),
		"odd credentials": `{"elevate": {"key": "it's \"$(id)\" ;&", "products": [{"remote_product_id": "$HOME'\"<&"}]},
			"notified": {"accounts": [{"area": "a", "auth_code": "'&;+% $(id)", "credentials": "é` + "`id`" + `"}],
			"shows": [{"key": 1, "area": "a", "packages": [{"name": "p", "add_ons": [{"key": 2}]}]}],
			"people": [{"id": "o'brien & co;", "area": "a", "registrations": [{"show": 1, "package": "p"}]}]}}`,
		"basic": `{"elevate": {"user_name": "u", "password": "p'\" w", "profile_file": "basic.json", "products": [{"remote_product_id": "c"}]},
			"notified": {"accounts": [{"area": "a"}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := configured(t, file)
			require.NoError(t, writeBeside(config, "basic.json", `{
				"name": "basic", "auth": "basic", "first_name": "first", "last_name": "last", "email": "mail", "user_id": "uid",
				"remote_product_id": "product", "confirmation": "mail_them", "confirmation_on": 1, "confirmation_off": 0,
				"success": ["success"], "errors": ["error"], "product_url": "url"
			}`))
			p := start(t, "-config", config)
			want := []string{`"success":true`, `"transaction_at"`, `<AddOnsAdded>1</AddOnsAdded>`}
			lines := regexp.MustCompile(`curl .*`).FindAllString(p.out, -1)
			if name == "basic" {
				want = want[:2]
			}
			require.Len(t, lines, len(want), p.out)
			for i, line := range lines {
				out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
				require.NoError(t, err, string(out))
				require.Contains(t, string(out), want[i], line)
			}
			require.NotContains(t, p.page(), `class="violating"`)
		})
	}
}
