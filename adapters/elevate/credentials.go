package elevate

import (
	"encoding/base64"
	"strings"
)

// Credentials are what Elevate gave the shop. The zero value is none. They show nothing when printed,
// logged or encoded, inside other values too.
type Credentials struct{ reveal func() secrets } // a function, so that no printing shows them

type secrets struct{ key, user, password string }

// Key returns credentials of one secret text, for [AuthBody], [AuthBearer] and [AuthHeader].
func Key(secret string) Credentials { return credentials(secrets{key: secret}) }

// UserPassword returns credentials for [AuthBasic].
func UserPassword(user, password string) Credentials {
	return credentials(secrets{user: user, password: password})
}

func credentials(s secrets) Credentials { return Credentials{func() secrets { return s }} }

// problem says why these credentials cannot be sent by this Auth.
func (c Credentials) problem(auth Auth) string {
	if c.reveal == nil {
		return "are missing"
	}
	s := c.reveal()
	switch {
	case auth == AuthBasic && (s.user == "" || s.password == ""):
		return "are not a user name and a password, as the profile wants them"
	case auth == AuthBasic && strings.Contains(s.user, ":"):
		return "have a user name with a colon" // RFC 7617 section 2
	case auth != AuthBasic && s.key == "":
		return "are not a key, as the profile wants it"
	case strings.ContainsFunc(s.key, func(r rune) bool { return r < ' ' || r > '~' }):
		return "have a key with characters other than visible ASCII"
	}
	return ""
}

// basic returns user name and password encoded for basic authentication (RFC 7617).
func (s secrets) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(s.user + ":" + s.password))
}

// texts returns all secret texts.
func (s secrets) texts() []string {
	if s.key != "" {
		return []string{s.key}
	}
	return []string{s.password, strings.TrimRight(s.basic(), "=")}
}
