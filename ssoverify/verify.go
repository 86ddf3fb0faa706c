package ssoverify

import (
	"context"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// HandOff is the content of an accepted hand-off.
type HandOff struct {
	// User is the member. The ID is the same bytes as in the pushes. Other fields are set where the
	// verifier's Claims name them and the token holds them.
	User amsbridge.User
	// ID is the token's jti. Do not use the token's text as a key: whoever holds an ES256 token can
	// write its signature in a second way.
	ID               string
	Issuer, Audience string
	// IssuedAt and ExpiresAt are in whole seconds, in UTC. The token is accepted
	// until ExpiresAt plus the verifier's Skew.
	IssuedAt, ExpiresAt time.Time
	// ReturnTo is the page that the member asked for, on an origin that the verifier allows. Otherwise
	// it is DefaultReturn.
	ReturnTo string
	// Nonce is the value that the receiver gave when it started the hand-off, or empty. The receiver
	// compares it with the one in the member's browser session.
	Nonce string
}

// Config configures [New].
type Config struct {
	// Issuer is the only accepted issuer. Required.
	Issuer string
	// Audience is this receiver's aud claim. Required.
	Audience string
	// Keys are the issuer's keys, each once, with its own ID. At least one, unless KeySource is set. While
	// keys change, list the old and the new.
	Keys []ssokeys.VerificationKey
	// KeySource finds the issuer's keys in place of Keys: the issuer's own
	// [ssokeys.Ring], or an [ssokeys.Remote].
	KeySource ssokeys.Source
	// Replay remembers the tokens that were used. Required, unless AllowReplay.
	Replay ReplayStore
	// AllowReplay accepts a token again until it expires. Whoever signs members in with it must refuse
	// the second use. Defaults to false.
	AllowReplay bool
	// Claims name the profile claims, as the issuer's [amsbridge.Audience] does. Defaults to none; a
	// token with other claims is refused.
	Claims amsbridge.ProfileClaims
	// ReturnOrigins and DefaultReturn are as in [amsbridge.Audience]: a target that is not allowed is
	// replaced, although it is signed. They default to targets without an origin, and to none.
	ReturnOrigins []string
	DefaultReturn string
	// Audit takes a row for each token that is accepted or refused. Defaults to
	// the log.
	Audit amsbridge.SSOAudit
	// Skew is how far the issuer's clock may be off, either way; at most a
	// minute. Defaults to 30 seconds.
	Skew time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Verifier accepts the hand-offs of one issuer to one audience, each once, and no other token. It is
// safe for concurrent use.
type Verifier struct {
	reader  *tokenReader
	claims  ssotoken.Profile
	returns web.ReturnPolicy
	replay  ReplayStore
	audit   amsbridge.SSOAudit
}

// New checks the configuration and copies it. It returns an
// *amsbridge.InputError that names the first bad field.
func New(cfg Config) (*Verifier, error) {
	claims := ssotoken.Profile(cfg.Claims)
	if field, problem := claims.Problem(); problem != "" {
		return nil, check.Bad("ssoverify", "Config.Claims."+field, problem)
	}
	reader, err := newTokenReader(tokenReader{
		config: "Config", typ: ssotoken.HandOffType, issuer: cfg.Issuer, audience: cfg.Audience,
		maxLifetime: ssotoken.MaxHandOffLifetime, names: claims.HandOffClaims(),
		skew: cfg.Skew, now: cfg.Now,
	}, cfg.Keys, cfg.KeySource)
	if err != nil {
		return nil, err
	}
	returns, field, problem := web.NewReturnPolicy(cfg.ReturnOrigins, cfg.DefaultReturn)
	switch {
	case problem != "":
		return nil, check.Bad("ssoverify", "Config."+field, problem)
	case cfg.Replay == nil && !cfg.AllowReplay:
		return nil, check.Bad("ssoverify", "Config.Replay", "is missing; without one a token could be used twice")
	case cfg.Replay != nil && check.IsNil(cfg.Replay):
		return nil, check.Bad("ssoverify", "Config.Replay", "holds a nil pointer")
	case cfg.Replay != nil && cfg.AllowReplay:
		return nil, check.Bad("ssoverify", "Config.AllowReplay", "is set beside a replay store")
	}
	if cfg.Audit == nil {
		cfg.Audit = amsbridge.LogSSO
	}
	return &Verifier{
		reader: reader, claims: claims, returns: returns, replay: cfg.Replay,
		audit: amsbridge.BoundRefusals(cfg.Audit, reader.now),
	}, nil
}

// Verify accepts a token only if it is exactly what [amsbridge.SSO.HandOff] would have written: signed
// by the key that its kid names and by that key's own algorithm, for this issuer and audience, at a
// time from iat minus Skew until just before exp plus Skew, and if it is the first accepted token with
// its (iss, aud, jti). Any other is refused with a [*TokenError], and so is every token while the
// replay store or the key source fails.
func (v *Verifier) Verify(ctx context.Context, token string) (HandOff, error) {
	return v.verify(ctx, token, nil)
}

// verify accepts a token that also pleases the caller, where one is given. A token that does not is not used
// up.
func (v *Verifier) verify(ctx context.Context, token string, pleases func(HandOff) error) (HandOff, error) {
	t, err := v.reader.read(ctx, token)
	var h HandOff
	if err == nil {
		h, err = v.handOff(t)
	}
	if err == nil && pleases != nil {
		err = pleases(h)
	}
	if err == nil {
		err = v.consume(ctx, h)
	}
	if err = v.reader.auditAndWrap(ctx, v.audit, t, err); err != nil {
		return HandOff{}, err
	}
	return h, nil
}

// handOff reads the claims of a hand-off's own.
func (v *Verifier) handOff(t token) (HandOff, error) {
	h := HandOff{
		ID: t.id, Issuer: v.reader.issuer, Audience: v.reader.audience,
		IssuedAt: t.issuedAt, ExpiresAt: t.expiresAt,
	}
	c := claimReader{claims: t.extra}
	var profile ssotoken.Profile
	for _, p := range v.claims.Pairs(&profile) {
		*p.Value = c.optional(p.Claim, ssotoken.MaxProfileClaim)
	}
	h.User = amsbridge.User{
		ID: t.user, FirstName: profile.FirstName, LastName: profile.LastName, Email: profile.Email,
		MemberType: profile.MemberType,
	}
	to := c.optional(ssotoken.ReturnTo, web.MaxTarget)
	h.Nonce = c.optional(ssotoken.Nonce, ssotoken.MaxNonce)
	if c.err != nil {
		return HandOff{}, c.err
	}
	h.ReturnTo = v.returns.Target(to)
	return h, nil
}

// consume uses a hand-off up.
func (v *Verifier) consume(ctx context.Context, h HandOff) error {
	if v.replay == nil {
		return nil
	}
	first, err := v.replay.Consume(ctx, h.Issuer, h.Audience, h.ID, h.ExpiresAt.Add(v.reader.skew))
	if err != nil {
		return &failedError{what: "the replay store", err: err}
	}
	if !first {
		return errUsed
	}
	return nil
}
