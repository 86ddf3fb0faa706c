package notified

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/internal/apiclient"
)

// lasCmd must be the first parameter, and unescaped: the vendor's text shows exactly these bytes.
const lasCmd = "LASCmd=AI:4;F:APIUTILS!50500"

// request writes a call. [url.Values] would sort the keys, moving LASCmd, and would escape it. The key
// may be empty.
func (c *Client) request(key string, q Chain) apiclient.Request {
	address, params := c.cfg.BaseURL+"?"+lasCmd, c.params(q)
	if c.cfg.UseGET {
		return apiclient.Request{Method: http.MethodGet, URL: address + "&" + params, Key: key}
	}
	if c.cfg.LASCmdInForm {
		address, params = c.cfg.BaseURL, lasCmd+"&"+params
	}
	return apiclient.Request{
		Method: http.MethodPost, URL: address, Key: key, Body: []byte(params),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	}
}

// params returns exactly the parameters that the opcodes need, without LASCmd.
func (c *Client) params(q Chain) string {
	var b strings.Builder
	add := func(name, value string) { b.WriteString("&" + name + "=" + value) }
	authCode, credentials := c.secrets()
	add("APIUserAuthCode", escape(authCode))
	add("APIUserCredentials", escape(credentials))
	add("OpCodeList", q.OpCodes)
	add("OutputFormat", string(c.cfg.OutputFormat))
	if c.cfg.LookupByEmail {
		add("LookupByExternalUserID", "0")
	} else {
		add("LookupByExternalUserID", "1")
		add("ExternalUserID", escape(string(q.Person.UserID)))
	}
	needs := needsOf(q.OpCodes)
	if c.cfg.LookupByEmail || needs&needProfile != 0 {
		add("EMailAddress", escape(q.Person.Email))
	}
	if needs&needProfile != 0 {
		add(c.cfg.Names.FirstNameParam, escape(q.Person.FirstName))
		add(c.cfg.Names.LastNameParam, escape(q.Person.LastName))
	}
	if needs&needShow != 0 {
		add("ShowKey", strconv.FormatInt(q.ShowKey, 10))
	}
	if needs&needPackage != 0 {
		add(c.cfg.Names.ShowPackageParam, strconv.FormatInt(q.ShowPackageKey, 10))
	}
	if needs&needKeys != 0 {
		add("AddOnsChangeList", keyList(q.AddOnKeys)) // digits and commas, as in the vendor's example
	}
	return b.String()[1:]
}

// escape percent-encodes everything but the unreserved characters of RFC 3986 section 2.3. A space
// becomes %20, since '+' is a space only in forms.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// keyList joins keys by commas.
func keyList(keys []int64) string {
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(k, 10))
	}
	return b.String()
}
