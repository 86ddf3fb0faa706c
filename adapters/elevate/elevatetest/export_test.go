package elevatetest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

func TestWriteJournal(t *testing.T) {
	t.Parallel()
	s := newReportServer(t, nil)
	require.NoError(t, s.Follow(elevatetest.Script{Calls: map[int]elevatetest.Fault{2: {Kind: elevatetest.Throttle}}}))
	mail := strings.Replace(valid, "false", "true", 1)
	for _, body := range []string{mail, mail, strings.Replace(valid, "COURSE-1", "NOWHERE", 1), strings.Replace(valid, `"Ada"`, `7`, 1)} {
		call(s, http.MethodPost, "application/json", body)
	}
	report(s, http.MethodPost, "application/json", validReport)
	var b bytes.Buffer
	require.NoError(t, s.WriteJournal(&b))
	const at = `"time":"2027-01-15T08:00:00Z",`
	const who = at + `"key":"k","user_id":"u-7",`
	require.Equal(t, strings.Join([]string{
		`{"what":"call","seq":1,` + who + `"remote_product_id":"COURSE-1","confirmation":true,"effect":true,"status":200,"fault":"none"}`,
		`{"what":"call","seq":2,` + who + `"remote_product_id":"COURSE-1","confirmation":true,"repeat":true,"status":429,"fault":"throttle"}`,
		`{"what":"call","seq":3,` + who + `"remote_product_id":"NOWHERE","repeat":true,"status":422,"fault":"none","refusal":"unknown product"}`,
		`{"what":"call","seq":4,` + who + `"remote_product_id":"COURSE-1","repeat":true,"status":422,"fault":"none",` +
			`"violations":["the field firstname is not a text"],"refusal":"the field firstname is not a text"}`,
		`{"what":"report","seq":1,` + at + `"since":"2027-01-15T08:00:00Z","page":1,"rows":1,"status":200,"fault":"none"}`,
		`{"what":"person","number":1,` + who[:len(who)-1] + `}`,
		`{"what":"registration","number":1,` + who + `"remote_product_id":"COURSE-1"}`,
		`{"what":"mail","seq":1,"user_id":"u-7","remote_product_id":"COURSE-1"}`,
	}, "\n")+"\n", b.String())
	broken := errors.New("disk full")
	require.ErrorIs(t, s.WriteJournal(failing{broken}), broken)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// A secret or an address in the wrong field does not reach the export.
func TestWriteJournalHidesWhatWasPlanted(t *testing.T) {
	t.Parallel()
	const secret, short, address = "planted-key-4711", "pw", "quintessa@example.org"
	p := elevate.GuessedProfile()
	s, err := elevatetest.New(elevatetest.Config{
		Key: secret, UserName: "clerk", Password: short, Profile: p, ReportProfile: elevate.GuessedReportProfile(), ReportKey: "report-" + secret,
		Products: []elevatetest.Product{{RemoteProductID: "COURSE-1"}}, Now: time.Now,
	})
	require.NoError(t, err)
	body := func(field, value string) string {
		o := map[string]any{
			"api_key": secret, "firstname": "Quintessa", "lastname": "Omalley", "email": address, "unique_user_id": "u-7",
			"remote_product_id": "COURSE-1", "send_confirmation_email": true,
		}
		o[field] = value
		b, err := json.Marshal(o)
		require.NoError(t, err)
		return string(b)
	}
	for _, field := range []string{"unique_user_id", "remote_product_id", "firstname", "api_key", "send_confirmation_email", address, secret + "!"} {
		for _, value := range []string{address, "quintessa%40example.org", "Bearer " + secret, secret, short, "clerk", "report-" + secret} {
			call(s, http.MethodPost, "application/json", body(field, value))
		}
	}
	report(s, http.MethodPost, "application/json", strings.Replace(validReport, `"labels"`, `"`+address+`"`, 1))
	require.NotEmpty(t, s.Registrations())
	var b bytes.Buffer
	require.NoError(t, s.WriteJournal(&b))
	for _, planted := range []string{secret, address, "%40", "Quintessa", "Omalley", `"pw"`, `"clerk"`} {
		require.NotContains(t, b.String(), planted)
	}
	require.Contains(t, b.String(), `"user_id":"(not shown)"`)
	require.Contains(t, b.String(), "the field whose name is not shown")
}

func TestBodiesThatAreCutOff(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := serveBody(s, iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(valid))), nil)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Equal(t, []string{"the body was cut off"}, s.Journal()[0].Violations)
}
