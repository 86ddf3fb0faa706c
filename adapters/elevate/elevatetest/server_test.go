package elevatetest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

const valid = `{"api_key":"key","firstname":"Ada","lastname":"Byron","email":"ada@example.org","unique_user_id":"u-7",` +
	`"remote_product_id":"COURSE-1","send_confirmation_email":false}`

func newServer(t *testing.T) *elevatetest.Server {
	t.Helper()
	s, err := elevatetest.New(elevatetest.Config{
		Key: "key", Profile: elevate.GuessedProfile(),
		Now: func() time.Time { return time.Unix(1_800_000_000, 0).UTC() },
		Products: []elevatetest.Product{
			{RemoteProductID: "COURSE-1", Title: `<script>"Safety"</script>`},
			{RemoteProductID: "Old & Odd", Closed: true},
		},
	})
	require.NoError(t, err)
	return s
}

// call serves one request without a network.
func call(s http.Handler, method, contentType, body string) *httptest.ResponseRecorder {
	return serveBody(s, strings.NewReader(body), func(r *http.Request) {
		r.Method = method
		r.Header.Set("Content-Type", contentType)
	})
}

func serveBody(s http.Handler, body io.Reader, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "https://learn.example.org/api/registration", body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Amsbridge-Key", "k")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestNewNamesTheField(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*elevatetest.Config){
		"Config.Profile":       func(c *elevatetest.Config) { c.Profile = nil },
		"Config.Profile.Email": func(c *elevatetest.Config) { c.Profile.Email = "" },
		"Config.Key":           func(c *elevatetest.Config) { c.Key = "" },
		"Config.UserName":      func(c *elevatetest.Config) { c.Profile.Auth = elevate.AuthBasic },
		"Config.Password":      func(c *elevatetest.Config) { c.Profile.Auth, c.UserName = elevate.AuthBasic, "u" },
		"Config.Path":          func(c *elevatetest.Config) { c.Path = "api" },
		"Config.UpsertDelay":   func(c *elevatetest.Config) { c.UpsertDelay = -1 },
		"Config.Products[0].AppearsAfter": func(c *elevatetest.Config) {
			c.Products = []elevatetest.Product{{RemoteProductID: "a", AppearsAfter: -1}}
		},
		"Config.BaseURL":                     func(c *elevatetest.Config) { c.BaseURL = "learn.example.org" },
		"Config.Products[0].RemoteProductID": func(c *elevatetest.Config) { c.Products = []elevatetest.Product{{}} },
		"Config.Products[1].RemoteProductID": func(c *elevatetest.Config) {
			c.Products = []elevatetest.Product{{RemoteProductID: "a"}, {RemoteProductID: "a", Slug: "b"}}
		},
		"Config.Products[0].Slug": func(c *elevatetest.Config) { c.Products = []elevatetest.Product{{RemoteProductID: "é"}} },
		"Config.Products[1].Slug": func(c *elevatetest.Config) {
			c.Products = []elevatetest.Product{{RemoteProductID: "a"}, {RemoteProductID: "A"}}
		},
	} {
		cfg := elevatetest.Config{Key: "key", Profile: elevate.GuessedProfile()}
		change(&cfg)
		_, err := elevatetest.New(cfg)
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad, field)
		require.Equal(t, "elevatetest", bad.Package)
		require.Equal(t, field, bad.Field)
	}
}

func TestCallsOfTheWrongFormAreRefused(t *testing.T) {
	t.Parallel()
	without := func(field string) string {
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(valid), &o))
		delete(o, field)
		b, err := json.Marshal(o)
		require.NoError(t, err)
		return string(b)
	}
	with := func(field, value string) string {
		return strings.Replace(without(field), "{", `{"`+field+`":`+value+`,`, 1)
	}
	const asJSON = "application/json; charset=utf-8"
	for _, c := range []struct {
		method, contentType, body string
		status                    int
		violation                 string
	}{
		{"GET", asJSON, "", 405, "not POST"},
		{"PUT", asJSON, valid, 405, "not POST"},
		{"POST", "", valid, 415, "content type"},
		{"POST", "application/x-www-form-urlencoded", valid, 415, "content type"},
		{"POST", asJSON, "", 400, "JSON"},
		{"POST", asJSON, "[]", 400, "the body is not an object"},
		{"POST", asJSON, valid + "x", 400, "the body is followed by more text"},
		{"POST", "application/json; charset=latin1", valid, 415, "charset"},
		{"POST", asJSON, strings.Replace(valid, "{", `{"email":"x@example.org",`, 1), 400, "a field of the body stands there twice"},
		{"POST", asJSON, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), 400, "nests too deeply"},
		{"POST", asJSON, strings.Replace(valid, "Byron", "Byr\xf6n", 1), 400, "UTF-8"},
		{"POST", asJSON, `"` + strings.Repeat("x", 70<<10) + `"`, 413, "64 KiB"},
		{"POST", asJSON, without("api_key"), 401, "credentials"},
		{"POST", asJSON, with("api_key", `"Key"`), 401, "credentials"},
		{"POST", asJSON, without("firstname"), 422, "firstname is missing"},
		{"POST", asJSON, with("lastname", `" "`), 422, "lastname is empty"},
		{"POST", asJSON, with("lastname", `7`), 422, "lastname is not a text"},
		{"POST", asJSON, with("email", `"ada"`), 422, "email is not an e-mail"},
		{"POST", asJSON, with("email", `"Ada <ada@example.org>"`), 422, "email is not an e-mail"},
		{"POST", asJSON, with("unique_user_id", `"null"`), 422, "unique_user_id is not a user ID"},
		{"POST", asJSON, with("unique_user_id", `"`+strings.Repeat("é", 128)+`"`), 422, "unique_user_id is not a user ID: it is longer than 255 bytes"},
		{"POST", asJSON, with("unique_user_id", `" u-7"`), 422, "it is padded"},
		{"POST", asJSON, with("unique_user_id", `7`), 422, "unique_user_id is not a text"},
		{"POST", asJSON, without("remote_product_id"), 422, "remote_product_id is missing"},
		{"POST", asJSON, with("send_confirmation_email", `"true"`), 422, "neither on nor off"},
		{"POST", asJSON, with("discount", `1`), 422, "does not name the field"},
		{"POST", asJSON, with("user", `{"id":1}`), 422, "does not name the field user.id"},
		{"POST", asJSON, with("Email", `"x@example.org"`), 422, "does not name the field Email"},
		{"POST", asJSON, with("ada lovelace", `1`), 422, "does not name the field whose name is not shown"},
	} {
		s := newServer(t)
		w := call(s, c.method, c.contentType, c.body)
		require.Equal(t, c.status, w.Code, c.violation)
		require.Contains(t, w.Body.String(), `"success":false`)
		require.Empty(t, s.Users())
		j := s.Journal()
		require.Len(t, j, 1)
		require.Contains(t, strings.Join(j[0].Violations, "\n"), c.violation)
		require.Equal(t, j[0].Violations[0], j[0].Refusal)
		require.Equal(t, c.status, j[0].Status)
		require.Equal(t, c.status == 405, w.Header().Get("Allow") == "POST")
		require.NotContains(t, fmt.Sprintf("%+v", j), "@example.org")
	}
}

func TestHeadersAndURLOfTheWrongFormAreRefused(t *testing.T) {
	t.Parallel()
	for violation, change := range map[string]func(*http.Request){
		"encoded": func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") },
		"query":   func(r *http.Request) { r.URL.RawQuery = "api_key=key" },
	} {
		s := newServer(t)
		w := serveBody(s, strings.NewReader(valid), change)
		require.Equal(t, 4, w.Code/100)
		require.Empty(t, s.Persons())
		require.Len(t, s.Journal()[0].Violations, 1)
		require.Contains(t, s.Journal()[0].Violations[0], violation)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	script, err := elevatetest.ParseScript([]byte(`{"rate": 1, "faults": [{"kind": "unavailable"}],
		"calls": {"3": {"kind": "reply", "status": 202, "body": "{}"}}, "users": {"u-7": [{"kind": "server error", "effect": true}]}}`))
	require.NoError(t, err)
	require.NoError(t, s.Follow(script))
	other := strings.Replace(valid, "u-7", "u-8", 1)
	var got []int
	for _, body := range []string{valid, valid, valid, other} {
		got = append(got, call(s, "POST", "application/json", body).Code)
	}
	require.Equal(t, []int{500, 200, 202, 503}, got)
	require.Len(t, s.Registrations(), 1)
	require.Equal(t, elevatetest.Reply, s.Journal()[2].Fault)
	var bad *amsbridge.InputError
	require.ErrorAs(t, s.Follow(elevatetest.Script{Rate: 2}), &bad)
	require.Equal(t, "script.rate", bad.Field)
	require.NoError(t, s.Follow(elevatetest.Script{}))
	require.Equal(t, 200, call(s, "POST", "application/json", other).Code)
	require.NoError(t, s.Follow(elevatetest.Script{Rate: 1, Faults: elevatetest.DefaultFaults()[:1]}))
	require.Equal(t, 429, call(s, "POST", "application/json", other).Code)
	s.Reset()
	require.Equal(t, 200, call(s, "POST", "application/json", other).Code, "the script is forgotten")
}

// A sender that retries meets the same faults in whatever order its calls arrive, since the rate
// depends on each message's key.
func TestFollowRateGoesByTheKey(t *testing.T) {
	t.Parallel()
	met := func(keys []string) map[string][]int {
		s := newServer(t)
		require.NoError(t, s.Follow(elevatetest.Script{Seed: 3, Rate: 0.5, Faults: []elevatetest.Fault{{Kind: elevatetest.ServerError}}}))
		all := map[string][]int{}
		for _, key := range keys {
			w := serveBody(s, strings.NewReader(valid), func(r *http.Request) { r.Header.Set("Amsbridge-Key", key) })
			all[key] = append(all[key], w.Code)
		}
		return all
	}
	abc := met([]string{"a", "b", "c", "a", "b", "c", "a", "b", "c", "a", "b", "c"})
	require.Equal(t, abc, met([]string{"c", "c", "c", "c", "b", "b", "b", "b", "a", "a", "a", "a"}))
	require.False(t, slices.Equal(abc["a"], abc["b"]) && slices.Equal(abc["b"], abc["c"]))
}

func TestConfirmationIsOptional(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := call(s, "POST", "application/json", strings.Replace(valid, `,"send_confirmation_email":false`, "", 1))
	require.Equal(t, http.StatusOK, w.Code)
	require.Empty(t, s.Mails())
	w = call(s, "POST", "application/json", strings.Replace(valid, "false", "true", 1))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, []elevatetest.Mail{{
		Seq: 2, To: "ada@example.org", UserID: "u-7", RemoteProductID: "COURSE-1", ProductURL: "https://learn.example.org/products/course-1",
	}}, s.Mails())
}

func TestUsersAreUpdatedByTheirID(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, body := range []string{valid, strings.Replace(valid, "Byron", "Lovelace", 1), strings.Replace(valid, "u-7", "U-7", 1)} {
		require.Equal(t, http.StatusOK, call(s, "POST", "application/json", body).Code)
	}
	require.Equal(t, []amsbridge.User{
		{ID: "U-7", FirstName: "Ada", LastName: "Byron", Email: "ada@example.org"},
		{ID: "u-7", FirstName: "Ada", LastName: "Lovelace", Email: "ada@example.org"},
	}, s.Users())
	require.Len(t, s.Registrations(), 2)
	s.Misbehave(elevatetest.Fault{Kind: elevatetest.ServerError})
	s.Reset()
	require.Empty(t, s.Users())
	require.Empty(t, s.Registrations())
	require.Empty(t, s.Journal())
	require.Equal(t, http.StatusOK, call(s, "POST", "application/json", valid).Code, "the planned fault is forgotten")
	require.False(t, s.Journal()[0].Repeat)
}

func TestProductPage(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	get := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
		return w
	}
	page := get("GET", "/products/course-1").Body.String()
	require.Contains(t, page, "&lt;script&gt;")
	require.NotContains(t, page, "<script>")
	require.Contains(t, get("GET", "/products/old-odd").Body.String(), "closed")
	require.Equal(t, http.StatusOK, get("HEAD", "/products/course-1").Code)
	require.Equal(t, http.StatusNotFound, get("GET", "/products/none").Code)
	require.Equal(t, http.StatusMethodNotAllowed, get("POST", "/products/course-1").Code)
}

func TestConcurrentCallsRegisterOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.MisbehaveBy(func(call int) elevatetest.Fault {
		if call%3 == 0 {
			return elevatetest.Fault{Kind: elevatetest.ServerError, Effect: true}
		}
		return elevatetest.Fault{}
	})
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			resp, err := http.Post(srv.URL+"/api/registration", "application/json", strings.NewReader(valid)) //nolint:noctx // a test's own server
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			_, _, _ = s.Journal(), s.Users(), s.Mails()
		})
	}
	wg.Wait()
	require.Len(t, s.Registrations(), 1)
	effects, broken := 0, 0
	for i, c := range s.Journal() {
		require.Equal(t, i+1, c.Seq)
		if c.Effect {
			effects++
		}
		if c.Status == http.StatusInternalServerError {
			broken++
		}
	}
	require.Equal(t, 1, effects)
	require.Equal(t, 10, broken)
}

func ExampleServer() {
	s, err := elevatetest.New(elevatetest.Config{
		Key: "key", Profile: elevate.GuessedProfile(), Products: []elevatetest.Product{{RemoteProductID: "COURSE-1"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Misbehave(elevatetest.Fault{Kind: elevatetest.Unavailable})
	for range 2 {
		call(s, "POST", "application/json", valid)
	}
	for _, c := range s.Journal() {
		fmt.Println(c.Seq, c.UserID, c.RemoteProductID, c.Status, c.Effect, c.Repeat, c.Fault)
	}
	// Output:
	// 1 u-7 COURSE-1 503 false false unavailable
	// 2 u-7 COURSE-1 200 true true none
}

func ExampleServer_Follow() {
	s, err := elevatetest.New(elevatetest.Config{
		Key: "key", Profile: elevate.GuessedProfile(), Products: []elevatetest.Product{{RemoteProductID: "COURSE-1"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	script, err := elevatetest.ParseScript([]byte(`{"users": {"u-7": [{"kind": "throttle", "retry_after": "2"}, {"kind": "cut after"}]}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Follow(script); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(call(s, "POST", "application/json", valid).Header().Get("Retry-After"))
	_, err = elevatetest.ParseScript([]byte(`{"rate": 0.3, "faults": [{"kind": "thorttle"}]}`))
	fmt.Println(err)
	// Output:
	// 2
	// elevatetest: script.faults[0].kind is not the name of a fault
}
