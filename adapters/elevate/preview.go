package elevate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
)

// Masked replaces a credential in a [Preview], and PreviewKey a grant's key where it has none.
const (
	Masked     = "***"
	PreviewKey = "{message key}"
)

// Preview is a request as [Client.Give] would send it, for people who set up a profile or compare it
// with the vendor's text. It shows no credential, but it does show the person: protect it like the
// order.
type Preview struct {
	// Method is the HTTP method.
	Method string
	// URL is the endpoint. All values of its query are masked, since they may hold a token.
	URL string
	// Header is the header that the profile and the client make. The connection adds Host and
	// Content-Length.
	Header http.Header
	// Body is the JSON, byte for byte except for the masks.
	Body []byte
}

// String returns the request in the form of HTTP/1.1, headers sorted by name.
func (p Preview) String() string {
	var b strings.Builder
	b.WriteString(p.Method + " " + p.URL + "\n")
	for _, name := range slices.Sorted(maps.Keys(p.Header)) {
		for _, v := range p.Header[name] {
			b.WriteString(name + ": " + v + "\n")
		}
	}
	b.WriteString("\n")
	b.Write(p.Body)
	return b.String()
}

// Preview returns the request that [Client.Give] would send for a grant, except for credentials, and
// sends nothing. Without a Key it shows [PreviewKey]. [amsbridge.DecodeGrant] makes a grant of a stored
// message; Had, which turns the confirmation email off, is not stored with it. A grant that Give would
// reject unsent is an [*amsbridge.InputError] that names the field.
//
// A constant of Profile.Extra that holds a credential is masked whole.
func (c *Client) Preview(g amsbridge.Grant) (Preview, error) {
	if _, bad := missing(g); bad != nil {
		return Preview{}, bad
	}
	g.Key = cmp.Or(g.Key, PreviewKey)
	shown := c.profile.clone()
	for path, v := range shown.Extra {
		if c.credentials.reveal().in(v) {
			shown.Extra[path] = json.RawMessage(`"` + Masked + `"`)
		}
	}
	req, err := shown.request(c.endpoint, secrets{key: Masked}, g, c.confirms(g))
	if err != nil {
		return Preview{}, check.Bad("elevate", "Grant", "cannot be written as JSON")
	}
	header, err := c.api.Header(req)
	if err != nil { // the rest of it is ours
		return Preview{}, check.Bad("elevate", "Grant.Key", "has characters that no header may hold")
	}
	if c.profile.Auth == AuthBasic {
		header.Set("Authorization", "Basic "+Masked)
	}
	return Preview{Method: req.Method, URL: c.maskURL(req.URL), Header: header, Body: req.Body}, nil
}

// in tells whether JSON holds a credential, however its strings are escaped.
func (s secrets) in(raw json.RawMessage) bool {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return true
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return true
	}
	for _, secret := range s.texts() {
		quoted, err := json.Marshal(secret)
		if err != nil || bytes.Contains(plain, quoted[1:len(quoted)-1]) {
			return true
		}
	}
	return false
}

// maskURL masks the query's values, and a path that holds a credential.
func (c *Client) maskURL(raw string) string {
	base, query, found := strings.Cut(raw, "?")
	u, err := url.Parse(base)
	if err != nil {
		return Masked
	}
	for _, secret := range c.credentials.reveal().texts() {
		if strings.Contains(u.Path, secret) {
			base = u.Scheme + "://" + u.Host + "/" + Masked
		}
	}
	if !found {
		return base
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if name, _, named := strings.Cut(part, "="); named {
			parts[i] = name + "=" + Masked
		} else {
			parts[i] = Masked
		}
	}
	return base + "?" + strings.Join(parts, "&")
}
