package notified_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified"
)

// TestRequestGolden shows the exact bytes of calls.
func TestRequestGolden(t *testing.T) {
	t.Parallel()
	const cmd = "LASCmd=AI:4;F:APIUTILS!50500"
	const params = "APIUserAuthCode=auth%20code%26%3B&APIUserCredentials=cred%2Bentials%3D&OpCodeList=M&OutputFormat=X" +
		"&LookupByExternalUserID=1&ExternalUserID=o%27dd%20%26%20id%3B%2050%25%2F%2B%3D%23%3F%C3%A9%F0%9F%8E%93%22%3Cx%3E" +
		"&ShowKey=77001&AddOnsChangeList=9985,10342"
	for name, c := range map[string]struct {
		cfg        notified.Config
		line, body string
	}{
		"POST":                     {notified.Config{}, "POST /scripts/Server.nxp?" + cmd, params},
		"POST, LASCmd in the form": {notified.Config{LASCmdInForm: true}, "POST /scripts/Server.nxp", cmd + "&" + params},
		"H":                        {notified.Config{OutputFormat: notified.FormatPairs}, "POST /scripts/Server.nxp?" + cmd, strings.Replace(params, "Format=X", "Format=H", 1)},
		"T":                        {notified.Config{OutputFormat: notified.FormatText}, "POST /scripts/Server.nxp?" + cmd, strings.Replace(params, "Format=X", "Format=T", 1)},
		"GET":                      {notified.Config{UseGET: true}, "GET /scripts/Server.nxp?" + cmd + "&" + params, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			type seen struct {
				line, body string
				header     http.Header
			}
			got := make(chan seen, 1)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					body = []byte(err.Error())
				}
				got <- seen{r.Method + " " + r.RequestURI, string(body), r.Header}
				w.WriteHeader(http.StatusInternalServerError)
			}))
			t.Cleanup(srv.Close)
			cfg := c.cfg
			cfg.AuthCode, cfg.Credentials = "auth code&;", "cred+entials="
			cfg.BaseURL = srv.URL + sandboxPath
			_, err := newClient(t, cfg).Give(t.Context(), push("key-1", oddID, show, 10342, 9985))
			require.Error(t, err)
			g := <-got
			require.Equal(t, c.line, g.line)
			require.Equal(t, c.body, g.body)
			require.Equal(t, "key-1", g.header.Get("Amsbridge-Key"))
			require.Empty(t, g.header.Get("Idempotency-Key"), "net/http would re-send by itself")
			require.Equal(t, c.body != "", g.header.Get("Content-Type") == "application/x-www-form-urlencoded")
			require.NotContains(t, g.body+g.line, "Planted", "no name or e-mail is sent")
		})
	}
}

// FuzzUserID: every user ID that passes the check arrives byte for byte.
func FuzzUserID(f *testing.F) {
	f.Add(oddID)
	f.Add("a;b&c=d%e+f g")
	seen := make(chan string, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		values, err := url.ParseQuery(string(body))
		seen <- fmt.Sprint(values.Get("ExternalUserID"), err)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	f.Cleanup(srv.Close)
	client := newClient(f, notified.Config{BaseURL: srv.URL + "/api"})
	f.Fuzz(func(t *testing.T, id string) {
		if !utf8.ValidString(id) {
			return // no message can hold this ID
		}
		m := push("k", id, show, 1)
		if _, err := client.Give(t.Context(), m); failure(t, err).Code != "500" {
			return // refused before sending
		}
		require.Equal(t, id+"<nil>", <-seen)
	})
}
