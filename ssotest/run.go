package ssotest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Run plays every case as a subtest. A failed one says what the verifier did and why that matters. One
// about a feature that the verifier lacks is skipped with that reason.
func Run(t *testing.T, cfg Config) {
	t.Helper()
	b, err := newBench(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	for _, f := range b.cfg.Lacks {
		t.Logf("this verifier lacks %q: whoever does that for it must be tested otherwise", f)
	}
	for _, a := range b.attempts() {
		t.Run(a.Name, func(t *testing.T) {
			r, err := b.play(t.Context(), a)
			switch {
			case err != nil:
				t.Fatal(err)
			case r.Outcome == NotTried:
				t.Skip("NOT TESTED: " + r.Detail)
			case !r.Passed():
				t.Errorf("%s: %s (%s)\n%s", r.Harm(), r.Outcome, r.Detail, r.Why)
			}
		})
	}
}

// Check plays every case and returns the results, always in the same order. The error says that the
// configuration is wrong, or that New failed; what the verifier does is in the results.
func Check(ctx context.Context, cfg Config) ([]Result, error) {
	b, err := newBench(cfg)
	if err != nil {
		return nil, err
	}
	defer b.close()
	var out []Result
	for _, a := range b.attempts() {
		r, err := b.play(ctx, a)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// bench holds what all cases share.
type bench struct {
	cfg      Config
	keys     *keys
	stranger *httptest.Server
	calls    atomic.Int64
}

func newBench(cfg Config) (*bench, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	b := &bench{cfg: cfg}
	if b.keys, err = newKeys(cfg.Algorithms); err != nil {
		return nil, err
	}
	set, err := b.keys.strangersSet()
	if err != nil {
		return nil, err
	}
	b.stranger = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		b.calls.Add(1)
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_, _ = w.Write(set) // the verifier may be gone
	}))
	return b, nil
}

func (b *bench) close() { b.stranger.Close() }

// attempt is a case and how it is played: by presenting one token, or several.
type attempt struct {
	Case
	needs []Feature
	token func(*forger) string
	play  func(*trial) Outcome
}

// attempts returns the cases for this kind of token and these algorithms.
func (b *bench) attempts() []attempt {
	f := b.keys.forger(b.cfg, time.Unix(0, 0), b.stranger.URL)
	return slices.Concat(
		goodCases(f), signatureCases(f), algorithmCases(f), keyIDCases(), headerCases(), kindCases(f), audienceCases(),
		claimCases(), shadowCases(), timeCases(), limitCases(), sizeCases(), spellingCases(), ownCases(f), replayCases(f),
	)
}

// trial is one run of a case.
type trial struct {
	*forger
	ctx    context.Context
	now    time.Time
	verify Verifier
	issuer *issuer
	// The shop's answers about its sessions.
	owner  string // whose session it is; "" where every session lasts
	ended  bool   // the member signed out
	broken bool   // the session look-up fails
	detail string
}

func (b *bench) play(ctx context.Context, a attempt) (Result, error) {
	r := Result{Case: a.Case}
	for _, f := range a.needs {
		if slices.Contains(b.cfg.Lacks, f) {
			r.Outcome, r.Detail = NotTried, "the verifier lacks: "+string(f)
			return r, nil
		}
	}
	t := &trial{ctx: ctx, owner: member, now: time.Now().Truncate(time.Second)}
	t.forger = b.keys.forger(b.cfg, t.now, b.stranger.URL)
	var err error
	if t.issuer, err = newIssuer(b.keys, t.clock); err != nil {
		return r, err
	}
	setup, err := t.setup(b.cfg)
	if err != nil {
		return r, err
	}
	if t.verify, err = b.cfg.New(setup); err != nil {
		return r, fmt.Errorf("ssotest: %s: New: %w", a.Name, err)
	}
	before := b.calls.Load()
	if a.play != nil {
		r.Outcome = a.play(t)
	} else {
		r.Outcome = t.present(a.token(t.forger))
	}
	r.Detail = t.detail
	if b.calls.Load() != before && r.Outcome != TakenForAnother && r.Outcome != Panicked {
		r.Outcome = CalledOut
	}
	return r, nil
}

func (t *trial) clock() time.Time { return t.now }

// present presents a token to the verifier and returns the outcome.
func (t *trial) present(token string) Outcome {
	_, o := t.show(token)
	return o
}

// show presents a token, and returns also what the verifier read.
func (t *trial) show(token string) (got Accepted, o Outcome) {
	defer func() {
		if p := recover(); p != nil {
			o, t.detail = Panicked, fmt.Sprint(p)
		}
	}()
	got, err := t.verify(t.ctx, token)
	switch {
	case err != nil:
		t.detail = err.Error()
		return got, Refused
	case got.UserID != t.user:
		t.detail = fmt.Sprintf("%.40q is let in, whom the token does not mean", got.UserID)
		return got, TakenForAnother
	}
	t.detail = fmt.Sprintf("to the page %.80q", got.ReturnTo)
	return got, Taken
}

// mayReturn tells whether a browser that is sent there stays on this site, or on an allowed origin.
func mayReturn(to string) bool {
	if to == "" || to == returnOrigin || strings.HasPrefix(to, returnOrigin+"/") || strings.HasPrefix(to, returnOrigin+"?") {
		return true
	}
	return to[0] == '/' && !strings.HasPrefix(to, "//") && !strings.ContainsAny(to, "\\\t\r\n")
}
