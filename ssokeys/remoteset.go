package ssokeys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Limits of another party's key set, and how long it is kept.
const (
	maxSetBytes    = 256 << 10
	maxSetKeys     = 100
	minSetLifetime = time.Minute
	setLifetime    = 5 * time.Minute
	maxSetLifetime = time.Hour
)

// keySet is the result of a fetch.
type keySet struct {
	keys     map[string]VerificationKey
	lifetime time.Duration
	refused  []error // why keys were left out
}

// fetchKeySet makes one call. Its errors name neither the URL nor the answer.
func fetchKeySet(ctx context.Context, client *http.Client, address string) (keySet, error) {
	failed := func(err error) (keySet, error) {
		return keySet{}, fmt.Errorf("ssokeys: the key set was not fetched: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return failed(errors.New("the URL is not fit"))
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := client.Do(req)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		return failed(err)
	}
	defer func() { _ = resp.Body.Close() }() // the body was read, or is not wanted
	if resp.StatusCode != http.StatusOK {
		return failed(fmt.Errorf("status %d", resp.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSetBytes+1))
	if err != nil {
		return failed(err)
	}
	set, err := parseKeySet(body)
	if err != nil {
		return failed(err)
	}
	set.lifetime = lifetimeOf(resp.Header)
	return set, nil
}

// parseKeySet reads a JWK set (RFC 7517 section 5) key by key: a bad key does not spoil the others. An
// empty set is valid: its issuer has revoked all keys. What stands there twice, an ID or one key under two IDs,
// is left out each time: who takes the one off would leave the other.
func parseKeySet(body []byte) (keySet, error) {
	if len(body) > maxSetBytes {
		return keySet{}, errors.New("it is longer than 256 KiB")
	}
	var members map[string]json.RawMessage // a map matches names exactly, a struct's fields do not
	if json.Unmarshal(body, &members) != nil {
		return keySet{}, errors.New("it is not a JSON object")
	}
	var list []json.RawMessage
	if json.Unmarshal(members["keys"], &list) != nil || list == nil {
		return keySet{}, errors.New("it has no list of keys")
	}
	if len(list) > maxSetKeys {
		return keySet{}, errors.New("it has more than 100 keys")
	}
	set := keySet{keys: make(map[string]VerificationKey, len(list))}
	seen, prints := make(map[string]int, len(list)), make(map[string]int, len(list))
	ids := make([]string, len(list))
	refuse := func(i int, problem string) {
		err := fmt.Errorf("ssokeys: keys[%d] of the key set was left out: %s", i, problem)
		set.refused = append(set.refused, err)
	}
	for i, raw := range list {
		id, own, problem := publishedKey(raw)
		if id != "" {
			if first, twice := seen[id]; twice {
				delete(set.keys, id)
				problem = fmt.Sprintf("its ID is that of keys[%d], which is left out too", first)
			} else {
				seen[id] = i
			}
		}
		if own.Public != nil {
			print := own.fingerprint()
			if first, twice := prints[print]; twice && problem == "" {
				delete(set.keys, ids[first])
				problem = fmt.Sprintf("it is the key of keys[%d] under another ID, which is left out too", first)
			} else if !twice {
				prints[print], ids[i] = i, id
			}
		}
		if problem != "" {
			refuse(i, problem)
			continue
		}
		set.keys[id] = own
	}
	return set, nil
}

// publishedKey reads a JWK, or says why it is left out. The ID is returned, and counts as taken, even
// then.
func publishedKey(raw json.RawMessage) (id string, own VerificationKey, problem string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return "", own, "it is not a JSON object"
	}
	if json.Unmarshal(members["kid"], &id) != nil {
		id = "" // missing, or not a string
	}
	for _, name := range []string{"k", "d", "p", "q", "dp", "dq", "qi", "oth"} { // RFC 7518 section 6
		if _, ok := members[name]; ok {
			return id, own, "it holds a private key or a secret"
		}
	}
	own, err := ParseVerification(raw)
	switch {
	case err != nil:
		return id, own, strings.TrimPrefix(err.Error(), "ssokeys: ")
	case own.shared():
		problem = "it is a shared secret"
	}
	return own.ID, own, problem
}

// lifetimeOf returns the answer's max-age less its Age (RFC 9111 sections 4.2.3 and 5.2.2.1), within
// our limits.
func lifetimeOf(h http.Header) time.Duration {
	lifetime := setLifetime
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return minSetLifetime
		case "max-age":
			if d, ok := deltaSeconds(strings.Trim(value, `"`)); ok {
				lifetime = d
			}
		}
	}
	if age, ok := deltaSeconds(h.Get("Age")); ok {
		lifetime -= age
	}
	return min(max(lifetime, minSetLifetime), maxSetLifetime)
}

// deltaSeconds reads whole seconds (RFC 9111 section 1.2.2). A number too large for a Duration is a
// year, which is more than our limits.
func deltaSeconds(text string) (time.Duration, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	const year = 365 * 24 * 60 * 60
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > year {
		n = year
	}
	return time.Duration(n) * time.Second, true
}
