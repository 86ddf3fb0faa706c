package notified

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/adapters/internal/apiclient"
)

// lasCmd must be the first parameter. It is never escaped: the vendor's text
// shows it in these very bytes.
const lasCmd = "LASCmd=AI:4;F:APIUTILS!50500"

// request lays a call out. The query is built by hand, since [url.Values] sorts
// its keys and would escape LASCmd. The key may be empty.
func (c *Client) request(key string, q Chain) apiclient.Request {
	params := c.params(q)
	req := apiclient.Request{Method: http.MethodPost, URL: c.cfg.BaseURL, Header: http.Header{}}
	if key != "" {
		req.Header.Set(apiclient.KeyHeader, key)
	}
	switch {
	case c.cfg.UseGET:
		req.Method = http.MethodGet
		req.URL += "?" + lasCmd + "&" + params
		return req
	case c.cfg.LASCmdInForm:
		req.Body = []byte(lasCmd + "&" + params)
	default:
		req.URL += "?" + lasCmd
		req.Body = []byte(params)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

// params are all parameters but LASCmd: those that the opcodes need, and no
// other.
func (c *Client) params(q Chain) string {
	var b strings.Builder
	b.WriteString("APIUserAuthCode=" + escape(c.cfg.AuthCode) +
		"&APIUserCredentials=" + escape(c.cfg.Credentials) +
		"&OpCodeList=" + q.OpCodes + "&OutputFormat=" + string(c.cfg.OutputFormat))
	need := needs(q.OpCodes)
	if c.cfg.LookupByEmail {
		b.WriteString("&LookupByExternalUserID=0")
	} else {
		b.WriteString("&LookupByExternalUserID=1&ExternalUserID=" + escape(string(q.Person.UserID)))
	}
	if c.cfg.LookupByEmail || need&needProfile != 0 {
		b.WriteString("&EMailAddress=" + escape(q.Person.Email))
	}
	if need&needProfile != 0 {
		b.WriteString("&" + c.cfg.Names.FirstNameParam + "=" + escape(q.Person.FirstName) +
			"&" + c.cfg.Names.LastNameParam + "=" + escape(q.Person.LastName))
	}
	if need&needShow != 0 {
		b.WriteString("&ShowKey=" + strconv.FormatInt(q.ShowKey, 10))
	}
	if need&needPackage != 0 {
		b.WriteString("&" + c.cfg.Names.ShowPackageParam + "=" + strconv.FormatInt(q.ShowPackageKey, 10))
	}
	if need&needKeys != 0 {
		b.WriteString("&AddOnsChangeList=" + keyList(q.AddOnKeys)) // digits and commas, as in the vendor's example
	}
	return b.String()
}

// escape percent-encodes all but the unreserved characters of RFC 3986 section
// 2.3. A space becomes %20: '+' means one in forms only.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func keyList(keys []int64) string {
	texts := make([]string, len(keys))
	for i, k := range keys {
		texts[i] = strconv.FormatInt(k, 10)
	}
	return strings.Join(texts, ",")
}
