package notified

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/internal/apiclient"
)

// lasCmd must be the first parameter. It is never escaped: the vendor's text
// shows it in these very bytes.
const lasCmd = "LASCmd=AI:4;F:APIUTILS!50500"

var formType = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}

// request lays a call out. The query is built by hand, since [url.Values] sorts
// its keys and would escape LASCmd. The key may be empty.
func (c *Client) request(key string, q Chain) apiclient.Request {
	shared := c.constant()
	req := apiclient.Request{Method: http.MethodPost, URL: shared.url, Key: key}
	params := c.params(shared.params, q)
	if c.cfg.UseGET {
		req.Method = http.MethodGet
		req.URL += "&" + string(params)
		return req
	}
	req.Body = params
	req.Header = formType
	return req
}

// params are all parameters: those that the opcodes need, and no other.
func (c *Client) params(begun string, q Chain) []byte {
	need := needs(q.OpCodes)
	b := make([]byte, 0, len(begun)+160+8*len(q.AddOnKeys))
	b = append(append(b, begun...), q.OpCodes...)
	b = append(append(b, "&OutputFormat="...), c.cfg.OutputFormat...)
	if c.cfg.LookupByEmail {
		b = append(b, "&LookupByExternalUserID=0"...)
	} else {
		b = append(append(b, "&LookupByExternalUserID=1&ExternalUserID="...), escape(string(q.Person.UserID))...)
	}
	if c.cfg.LookupByEmail || need&needProfile != 0 {
		b = append(append(b, "&EMailAddress="...), escape(q.Person.Email)...)
	}
	if need&needProfile != 0 {
		b = append(b, "&"+c.cfg.Names.FirstNameParam+"="+escape(q.Person.FirstName)+
			"&"+c.cfg.Names.LastNameParam+"="+escape(q.Person.LastName)...)
	}
	if need&needShow != 0 {
		b = strconv.AppendInt(append(b, "&ShowKey="...), q.ShowKey, 10)
	}
	if need&needPackage != 0 {
		b = strconv.AppendInt(append(b, "&"+c.cfg.Names.ShowPackageParam+"="...), q.ShowPackageKey, 10)
	}
	if need&needKeys != 0 {
		b = appendKeys(append(b, "&AddOnsChangeList="...), q.AddOnKeys) // digits and commas, as in the vendor's example
	}
	return b
}

// escape percent-encodes all but the unreserved characters of RFC 3986 section
// 2.3. A space becomes %20: '+' means one in forms only.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func keyList(keys []int64) string { return string(appendKeys(nil, keys)) }

// listLen is how many bytes the list of these keys takes, of which none is
// negative.
func listLen(keys []int64) int {
	n := max(0, len(keys)-1)
	for _, k := range keys {
		for n++; k > 9; k /= 10 {
			n++
		}
	}
	return n
}

func appendKeys(b []byte, keys []int64) []byte {
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, k, 10)
	}
	return b
}
