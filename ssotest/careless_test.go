package ssotest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssotest"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// A verifier with one flaw fails exactly the cases about that flaw.
func TestCarelessVerifiers(t *testing.T) {
	t.Parallel()
	es256 := []ssokeys.Algorithm{ssokeys.ES256}
	for name, c := range map[string]struct {
		cfg  ssotest.Config
		want map[string]ssotest.Outcome
	}{
		"no replay store": {
			ssotest.Config{New: ours(func(c *ssoverify.Config) { c.Replay, c.AllowReplay = nil, true })},
			map[string]ssotest.Outcome{
				"replay/twice": ssotest.TakenAgain, "replay/100 at once": ssotest.TakenAgain, "replay/with one jti, in another order": ssotest.TakenAgain,
				"replay/with the other ES256 signature": ssotest.TakenAgain, "replay/at its last second": ssotest.TakenAgain,
				"replay/after the clock was set back": ssotest.TakenAgain,
			},
		},
		"a replay store of texts": {
			ssotest.Config{New: remembersTexts}, map[string]ssotest.Outcome{
				"replay/with one jti, in another order": ssotest.TakenAgain, "replay/with the other ES256 signature": ssotest.TakenAgain,
			},
		},
		"a replay store that forgets by its clock": {
			ssotest.Config{New: forgetsByItsClock}, map[string]ssotest.Outcome{"replay/after the clock was set back": ssotest.TakenAgain},
		},
		"a replay store that asks first": {ssotest.Config{New: asksFirst}, map[string]ssotest.Outcome{"replay/100 at once": ssotest.TakenAgain}},
		"a list of keys": {
			ssotest.Config{New: ours(func(c *ssoverify.Config) { c.KeySource = nil })},
			map[string]ssotest.Outcome{"kid/revoked while in use": ssotest.Taken},
		},
		"returns what was asked for": {ssotest.Config{New: returnsAnything}, map[string]ssotest.Outcome{
			"return/two slashes": ssotest.SentAstray, "return/three slashes": ssotest.SentAstray, "return/slash and backslash": ssotest.SentAstray,
			"return/backslashes": ssotest.SentAstray, "return/https without slashes": ssotest.SentAstray, "return/https with one slash": ssotest.SentAstray,
			"return/https with three slashes": ssotest.SentAstray, "return/another origin": ssotest.SentAstray,
			"return/userinfo that looks like ours": ssotest.SentAstray, "return/a host that begins like ours": ssotest.SentAstray,
			"return/a host that ends like ours": ssotest.SentAstray, "return/a sub-domain of ours": ssotest.SentAstray,
			"return/ours in the fragment": ssotest.SentAstray, "return/a backslash before ours": ssotest.SentAstray,
			"return/another port": ssotest.SentAstray, "return/http": ssotest.SentAstray, "return/script": ssotest.SentAstray,
			"return/script in capitals": ssotest.SentAstray, "return/data": ssotest.SentAstray, "return/an encoded slash": ssotest.Taken,
			"return/a backslash, encoded twice": ssotest.Taken, "return/dots": ssotest.Taken, "return/userinfo at our own host": ssotest.Taken, "return/a blank before": ssotest.SentAstray,
			// Our signer never writes a target with control characters: the whole token is refused.
		}},
		"trusts the header": {ssotest.Config{New: fetchesKeys}, map[string]ssotest.Outcome{
			"header/jku": ssotest.CalledOut, "header/jku, with the issuer's kid": ssotest.CalledOut, "header/jku in a token that is signed well": ssotest.CalledOut,
		}},
		"panics": {ssotest.Config{New: panics}, map[string]ssotest.Outcome{
			"size/one dot": ssotest.Panicked, "size/empty": ssotest.Panicked, "size/JSON serialization": ssotest.Panicked,
		}},
		"skew of a minute": {
			ssotest.Config{New: ours(func(c *ssoverify.Config) { c.Skew *= 2 })},
			map[string]ssotest.Outcome{
				"limit/expired a second more than the skew ago": ssotest.Taken, "limit/expired exactly the skew ago": ssotest.Taken,
				"limit/issued a second more than the skew ahead": ssotest.Taken,
			},
		},
		"skew of a second": {
			ssotest.Config{New: ours(func(c *ssoverify.Config) { c.Skew /= 30 })},
			map[string]ssotest.Outcome{
				"good/issued at the skew's edge": ssotest.Refused, "good/issued a second before": ssotest.Refused,
				"good/expired a second before the skew's edge": ssotest.Refused,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.cfg.Algorithms = es256
			got := map[string]ssotest.Outcome{}
			for name, r := range bad(t, c.cfg) {
				got[name] = r.Outcome
			}
			require.Equal(t, c.want, got)
		})
	}
}

// A verifier that refuses everything passes every attack, and no good case.
func TestOneThatRefusesEverybody(t *testing.T) {
	t.Parallel()
	for _, kind := range []ssotest.Kind{ssotest.HandOffs, ssotest.Sessions} {
		failed := bad(t, ssotest.Config{Kind: kind, New: func(ssotest.Setup) (ssotest.Verifier, error) {
			return func(context.Context, string) (ssotest.Accepted, error) { return ssotest.Accepted{}, errors.New("no") }, nil
		}, Algorithms: []ssokeys.Algorithm{ssokeys.EdDSA}})
		require.Contains(t, failed, "good/EdDSA")
		for _, r := range failed {
			require.Equal(t, ssotest.Good, r.Harm(), r.Name)
		}
	}
}

// A verifier of sessions that only decodes them fails the cases about what only the shop knows.
func TestSessionsThatAreOnlyDecoded(t *testing.T) {
	t.Parallel()
	failed := bad(t, ssotest.Config{Kind: ssotest.Sessions, Algorithms: []ssokeys.Algorithm{ssokeys.EdDSA}, New: func(s ssotest.Setup) (ssotest.Verifier, error) {
		s.Alive = func(context.Context, amsbridge.UserID, string) (bool, error) { return true, nil }
		return ourSessions(s)
	}})
	require.Len(t, failed, 4)
	for _, name := range []string{"after the sign-out", "while the look-up fails", "of another session", "of another member"} {
		require.Equal(t, ssotest.Attack, failed["session/"+name].Harm(), name)
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for problem, cfg := range map[string]ssotest.Config{
		"ssotest: Config.New is missing":          {},
		"ssotest: Config.Kind is neither":         {New: ours(nil), Kind: "ticket"},
		"ssotest: Config.Skew is not from":        {New: ours(nil), Skew: 1},
		"ssotest: Config.Lacks[0] is no feature":  {New: ours(nil), Lacks: []ssotest.Feature{"everything"}},
		"ssotest: Config.Algorithms is not ES256": {New: ours(nil), Algorithms: []ssokeys.Algorithm{"none"}},
		"planted": {New: func(ssotest.Setup) (ssotest.Verifier, error) { return nil, errors.New("planted") }},
	} {
		_, err := ssotest.Check(t.Context(), cfg)
		require.ErrorContains(t, err, problem)
	}
}

// around wraps our verifier and calls look with each token and its result.
func around(s ssotest.Setup, change func(*ssoverify.Config), look func(token string, a ssotest.Accepted, err error) (ssotest.Accepted, error)) (ssotest.Verifier, error) {
	v, err := ours(change)(s)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, token string) (ssotest.Accepted, error) {
		a, err := v(ctx, token)
		return look(token, a, err)
	}, nil
}

func anyNumber(c *ssoverify.Config) { c.Replay, c.AllowReplay = nil, true }

func remembersTexts(s ssotest.Setup) (ssotest.Verifier, error) {
	var used sync.Map
	return around(s, anyNumber, func(token string, a ssotest.Accepted, err error) (ssotest.Accepted, error) {
		if _, again := used.LoadOrStore(token, true); again && err == nil {
			return a, errors.New("used")
		}
		return a, err
	})
}

func forgetsByItsClock(s ssotest.Setup) (ssotest.Verifier, error) {
	return ours(func(c *ssoverify.Config) { c.Replay = &forgetful{now: s.Now, used: map[string]time.Time{}} })(s)
}

// forgetful drops every token whose time is over, whatever the clock may do afterwards.
type forgetful struct {
	mu   sync.Mutex
	now  func() time.Time
	used map[string]time.Time
}

func (m *forgetful) Consume(_ context.Context, _, _, id string, until time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, end := range m.used {
		if m.now().After(end) {
			delete(m.used, id)
		}
	}
	_, again := m.used[id]
	m.used[id] = until
	return !again, nil
}

func asksFirst(s ssotest.Setup) (ssotest.Verifier, error) {
	return ours(func(c *ssoverify.Config) {
		c.Replay = &twoSteps{used: map[string]bool{}, met: make(chan struct{})}
	})(s)
}

// twoSteps checks first and writes later: concurrent calls all find no record.
type twoSteps struct {
	mu    sync.Mutex
	used  map[string]bool
	under int
	met   chan struct{}
}

func (m *twoSteps) Consume(_ context.Context, _, _, id string, _ time.Time) (bool, error) {
	m.mu.Lock()
	first := !m.used[id]
	if m.under++; m.under == 2 {
		close(m.met)
		m.met = make(chan struct{})
		m.under = 0
	}
	met := m.met
	m.mu.Unlock()
	select {
	case <-met:
	case <-time.After(400 * time.Millisecond): // no concurrent call came
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used[id] = true
	return first, nil
}

// returnsAnything returns the token's target unchecked.
func returnsAnything(s ssotest.Setup) (ssotest.Verifier, error) {
	return around(s, nil, func(token string, a ssotest.Accepted, err error) (ssotest.Accepted, error) {
		if err != nil {
			return a, err
		}
		claims := jwt.MapClaims{}
		if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
			return a, err
		}
		a.ReturnTo, _ = claims["return_to"].(string)
		return a, nil
	})
}

// fetchesKeys fetches whatever URL the header names.
func fetchesKeys(s ssotest.Setup) (ssotest.Verifier, error) {
	return around(s, nil, func(token string, a ssotest.Accepted, err error) (ssotest.Accepted, error) {
		segment, _, _ := strings.Cut(token, ".")
		b, _ := base64.RawURLEncoding.DecodeString(segment)
		var header struct {
			JKU string `json:"jku"`
		}
		if json.Unmarshal(b, &header) == nil && header.JKU != "" {
			if answer, err := http.Get(header.JKU); err == nil { //nolint:noctx // it is careless in every way
				_ = answer.Body.Close()
			}
		}
		return a, err
	})
}

func panics(s ssotest.Setup) (ssotest.Verifier, error) {
	return around(s, nil, func(token string, a ssotest.Accepted, err error) (ssotest.Accepted, error) {
		_ = strings.Split(token, ".")[2]
		return a, err
	})
}
