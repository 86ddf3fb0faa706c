package elevate

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
	"github.com/amsbridge/amsbridge/internal/apiclient"
)

// Auth says how the credentials are sent.
type Auth string

// The ways to authenticate of a [Profile].
const (
	AuthBody   Auth = "body"   // the key is the JSON field AuthField
	AuthBearer Auth = "bearer" // Authorization: Bearer <key>
	AuthBasic  Auth = "basic"  // Authorization: Basic, with user name and password
	AuthHeader Auth = "header" // the key is the value of the header AuthField
)

// Profile is Elevate's wire format, as the vendor's public page on the Registration API has it. Field names are
// dotted paths: "user.email" is the field email of the object user. There is no default: [ReadProfile] reads
// one from a file, and [GuessedProfile] is a guess.
type Profile struct {
	// Name says where the profile comes from, for people. Required.
	Name string `json:"name"`

	// Auth is how the credentials are sent, and AuthField the name of the JSON field or header, for an
	// Auth that needs one.
	Auth      Auth   `json:"auth"`
	AuthField string `json:"auth_field"`

	// FirstName to RemoteProductID name the facts of Elevate's text. Required.
	FirstName       string `json:"first_name"`
	LastName        string `json:"last_name"`
	Email           string `json:"email"`
	UserID          string `json:"user_id"`
	RemoteProductID string `json:"remote_product_id"`

	// Confirmation names the field that asks Elevate to mail the user, with the JSON values that turn
	// it on and off. It is always sent, since Elevate's text does not say what its absence means.
	// Required.
	Confirmation    string          `json:"confirmation"`
	ConfirmationOn  json.RawMessage `json:"confirmation_on"`
	ConfirmationOff json.RawMessage `json:"confirmation_off"`

	// Extra are constant fields sent with each call: path to JSON value.
	Extra map[string]json.RawMessage `json:"extra,omitzero"`

	// Success name the reply's fields that say whether it succeeded. True, 1, "true", "1", "ok",
	// "success", "yes" and a 2xx mean yes; false, 0, "false", "0", "error", "failed", "failure", "no", a
	// 4xx and a 5xx mean no, in any case of letters. One no outweighs all; else one yes is enough, and
	// where a field is there and none says yes, the reply is not understood. Empty for none.
	Success []string `json:"success,omitzero"`
	// Errors name the reply's fields that, when not empty, hold the reason of a refusal, whatever the
	// Success fields say. Null, false, 0, "none", "null", "false", "0" and what holds nothing else are empty.
	Errors []string `json:"errors,omitzero"`
	// NoError are further texts that in an Errors field report no error, in any case of letters.
	NoError []string `json:"no_error,omitzero"`
	// ProductURL names the reply's field with the Product URL, or with an object whose url or href it is.
	// Where there is none, the only field of that name deeper in the reply is taken, but not as a sign of
	// success. Required.
	ProductURL string `json:"product_url"`
	// ProductURLBase is the URL that a relative Product URL is resolved against. Defaults to the endpoint,
	// for those that begin with a slash; others are then not stored.
	ProductURLBase string `json:"product_url_base"`
	// AcceptUnmarked takes a 2xx reply for a success when it is a JSON object with neither the Success
	// field nor an error. Defaults to false: such a reply needs a Product URL that may be stored, or
	// else it is "unknown" and the message is sent again.
	AcceptUnmarked bool `json:"accept_unmarked"`
}

// GuessedProfile returns a guess, not Elevate's word. The names api_key, firstname, lastname, email and
// remote_product_id are those of Elevate's Report API; everything else, above all the Unique User ID's
// name, is made up. The vendor's page has the real names: see docs/connect-elevate.md.
func GuessedProfile() *Profile {
	return &Profile{
		Name: "guessed", Auth: AuthBody, AuthField: "api_key",
		FirstName: "firstname", LastName: "lastname", Email: "email",
		UserID: "unique_user_id", RemoteProductID: "remote_product_id",
		Confirmation:   "send_confirmation_email",
		ConfirmationOn: json.RawMessage("true"), ConfirmationOff: json.RawMessage("false"),
		Success: []string{"success", "status"}, Errors: []string{"error", "errors"},
		NoError: []string{"no error", "no errors", "ok", "success"}, ProductURL: "product_url",
	}
}

const noProfile = "is missing. The vendor's public page \"Elevate Registration API\" has the wire format: " +
	"where the credentials go and under which name; the JSON field names of first name, " +
	"last name, email, Unique User ID and Remote Product ID; the name, values and default of the field that " +
	"asks for a confirmation email; how a reply says success or error; and the name of the Product URL in the " +
	"reply. Fill in a Profile, or a file for ReadProfile (docs/connect-elevate.md), or name GuessedProfile() to use " +
	"what is only our guess"

// Check returns an [*amsbridge.InputError] for the first field that is missing
// or malformed.
func (p *Profile) Check() error { return p.check(refuser("Profile")) }

func (p *Profile) check(bad func(field, problem string) error) error {
	if p.Name == "" {
		return bad("Name", "is empty")
	}
	taken := map[string]any{}
	for _, f := range p.names() {
		if problem := pathProblem(f.path); problem != "" {
			return bad(f.field, problem)
		}
		if f.sent && !fieldpath.Set(taken, f.path, true) {
			return bad(f.field, "is the path of another field too, or lies on one")
		}
	}
	switch p.Auth {
	case AuthBody, AuthBearer, AuthBasic:
	case AuthHeader:
		if strings.ContainsFunc(p.AuthField, notHeaderName) || p.AuthField == "" {
			return bad("AuthField", "is not a header's name")
		}
		if slices.Contains(ownHeaders, http.CanonicalHeaderKey(p.AuthField)) {
			return bad("AuthField", "is a header with a meaning of its own")
		}
	default:
		return bad("Auth", "is not body, bearer, basic or header")
	}
	u, err := url.Parse(p.ProductURLBase)
	if p.ProductURLBase != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil) {
		return bad("ProductURLBase", "is not an https URL with a host and without a user name")
	}
	if !json.Valid(p.ConfirmationOn) {
		return bad("ConfirmationOn", "is not JSON")
	}
	if !json.Valid(p.ConfirmationOff) {
		return bad("ConfirmationOff", "is not JSON")
	}
	for _, path := range slices.Sorted(maps.Keys(p.Extra)) {
		if !json.Valid(p.Extra[path]) {
			return bad(fmt.Sprintf("Extra[%q]", path), "is not JSON")
		}
	}
	return nil
}

// clone copies the profile, so that later changes by the caller do not reach a client in use.
func (p *Profile) clone() *Profile {
	c := *p
	c.ConfirmationOn, c.ConfirmationOff = slices.Clone(p.ConfirmationOn), slices.Clone(p.ConfirmationOff)
	c.Success, c.Errors, c.NoError = slices.Clone(p.Success), slices.Clone(p.Errors), slices.Clone(p.NoError)
	c.Extra = maps.Clone(p.Extra)
	for path, v := range c.Extra {
		c.Extra[path] = slices.Clone(v)
	}
	return &c
}

// ownHeaders cannot carry a key, since the client or net/http sets or drops them.
var ownHeaders = []string{
	"Accept", apiclient.KeyHeader, "Connection", "Content-Length", "Content-Type", "Host", "Idempotency-Key",
	"Trailer", "Transfer-Encoding", "User-Agent", "X-Idempotency-Key",
}

type namedPath struct {
	field, path string
	sent        bool
}

// names lists every path that must be set.
func (p *Profile) names() []namedPath {
	all := []namedPath{
		{"FirstName", p.FirstName, true},
		{"LastName", p.LastName, true},
		{"Email", p.Email, true},
		{"UserID", p.UserID, true},
		{"RemoteProductID", p.RemoteProductID, true},
		{"Confirmation", p.Confirmation, true},
		{"ProductURL", p.ProductURL, false},
	}
	if p.Auth == AuthBody {
		all = append(all, namedPath{"AuthField", p.AuthField, true})
	}
	for _, path := range slices.Sorted(maps.Keys(p.Extra)) {
		all = append(all, namedPath{fmt.Sprintf("Extra[%q]", path), path, true})
	}
	for i, path := range p.Success {
		all = append(all, namedPath{fmt.Sprintf("Success[%d]", i), path, false})
	}
	for i, path := range p.Errors {
		all = append(all, namedPath{fmt.Sprintf("Errors[%d]", i), path, false})
	}
	return all
}

func pathProblem(path string) string {
	for name := range strings.SplitSeq(path, ".") {
		if name == "" {
			return "is empty, or has an empty part"
		}
	}
	return ""
}

// notHeaderName matches characters that no header name may hold (RFC 9110 section 5.6.2).
func notHeaderName(r rune) bool {
	alphanumeric := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !alphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
