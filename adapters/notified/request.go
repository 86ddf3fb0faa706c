package notified

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/internal/apiclient"
)

// lasCmd must be the first parameter. It is never escaped: the vendor's text
// shows it in these very bytes.
const lasCmd = "LASCmd=AI:4;F:APIUTILS!50500"

// request lays a push out. The query is built by hand, since [url.Values] sorts
// its keys and would escape LASCmd.
func (c *Client) request(key string, push amsbridge.AddOns) apiclient.Request {
	params := "APIUserAuthCode=" + escape(c.cfg.AuthCode) +
		"&APIUserCredentials=" + escape(c.cfg.Credentials) +
		"&OpCodeList=M&OutputFormat=" + string(c.cfg.OutputFormat) + "&LookupByExternalUserID=1" +
		"&ExternalUserID=" + escape(string(push.User.ID)) +
		"&ShowKey=" + strconv.FormatInt(push.ShowKey, 10) +
		"&AddOnsChangeList=" + keyList(push.Keys()) // digits and commas, as in the vendor's example
	req := apiclient.Request{Method: http.MethodPost, URL: c.cfg.BaseURL, Header: http.Header{apiclient.KeyHeader: {key}}}
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

// checkPush returns an [*amsbridge.InputError] for a push that the vendor's text
// does not allow.
func checkPush(push amsbridge.AddOns) error {
	if err := push.User.ID.Check(); err != nil {
		return err
	}
	keys := push.Keys()
	switch {
	case push.ShowKey <= 0:
		return &amsbridge.InputError{Field: "show key", Problem: "is not positive"}
	case len(keys) == 0:
		return &amsbridge.InputError{Field: "add-on keys", Problem: "are empty"}
	case keys[0] <= 0: // they are sorted
		return &amsbridge.InputError{Field: "add-on keys", Problem: "hold one that is not positive"}
	case len(keyList(keys)) > amsbridge.MaxAddOnList:
		return &amsbridge.InputError{Field: "add-on keys", Problem: "are longer than 8,000 bytes as a list"}
	}
	return nil
}
