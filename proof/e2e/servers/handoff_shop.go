package servers

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/handoff"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// HandOffShop is a shop whose only member is always signed in, and a platform of another site that takes its
// hand-offs: those of the shop's origin, in a window of their own.
type HandOffShop struct {
	// Shop and Platform have no slash at their ends.
	Shop, Platform string

	sso            *amsbridge.SSO
	shop, platform *httptest.Server
	ahead          chan string // the purposes that browsers named for asking before any click
	came           atomic.Int64
}

// NewHandOffShop serves both until Close.
func NewHandOffShop() (*HandOffShop, error) {
	shop, platform := http.NewServeMux(), http.NewServeMux()
	s := &HandOffShop{shop: httptest.NewServer(shop), platform: httptest.NewServer(platform), ahead: make(chan string, 100)}
	s.Shop, s.Platform = s.shop.URL, strings.Replace(s.platform.URL, "127.0.0.1", "localhost", 1)
	start, enter, err := s.handlers()
	if err != nil {
		s.Close()
		return nil, err
	}
	shop.HandleFunc("GET /eager/{how}", s.eager)
	shop.HandleFunc("/hand-off", func(w http.ResponseWriter, r *http.Request) {
		start.ServeHTTP(w, r)
		if purpose := r.Header.Get("Sec-Purpose"); purpose != "" {
			select {
			case s.ahead <- purpose:
			default: // more than anybody asks about
			}
		}
	})
	platform.Handle("/in", enter)
	platform.HandleFunc("GET /welcome", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!DOCTYPE html>
<html lang="en"><head><title>Learn</title></head><body><main><h1>Learn</h1>
<p>Came in: %d.</p></main></body></html>`, s.came.Load()) // the reader may be gone
	})
	for _, mux := range []*http.ServeMux{shop, platform} {
		mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	}
	return s, nil
}

// handlers are the shop's way out and the platform's way in.
func (s *HandOffShop) handlers() (start, enter http.Handler, err error) {
	key, err := ssokeys.Generate(ssokeys.EdDSA)
	if err != nil {
		return nil, nil, err
	}
	state, err := ssokeys.Generate(ssokeys.HS256)
	if err != nil {
		return nil, nil, err
	}
	public, err := key.Verification()
	if err != nil {
		return nil, nil, err
	}
	quiet := func(context.Context, amsbridge.SSOEvent) {}
	s.sso, err = amsbridge.NewSSO(amsbridge.SSOConfig{
		Issuer: s.Shop, Audit: quiet, Audiences: []amsbridge.Audience{{Name: "learn", Audience: s.Platform, Key: key}},
	})
	if err != nil {
		return nil, nil, err
	}
	handOffs, err := handoff.New(handoff.Config{
		SSO: s.sso, SignIn: "/sign-in", StateKey: state.Secret, Audit: quiet,
		CurrentUser: func(*http.Request) (amsbridge.User, error) { return amsbridge.User{ID: "U-1001"}, nil },
		Platforms:   []handoff.Platform{{Name: "learn", Title: "Learn", URL: s.Platform + "/in", TellOrigin: true}},
	})
	if err != nil {
		return nil, nil, err
	}
	verifier, err := ssoverify.New(ssoverify.Config{
		Issuer: s.Shop, Audience: s.Platform, Keys: []ssokeys.VerificationKey{public},
		Replay: ssoverify.NewMemoryReplay(nil), Audit: quiet,
	})
	if err != nil {
		return nil, nil, err
	}
	enter, err = verifier.Accept(ssoverify.AcceptConfig{Origins: []string{s.Shop}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.came.Add(1)
		http.Redirect(w, r, "/welcome", http.StatusSeeOther)
	}))
	return handOffs.Start(), enter, err
}

// Close ends both.
func (s *HandOffShop) Close() {
	s.shop.Close()
	s.platform.Close()
}

// Token is one that somebody got for themselves, and brings to others.
func (s *HandOffShop) Token(ctx context.Context) (string, error) {
	return s.sso.HandOff(ctx, amsbridge.HandOffRequest{Audience: "learn", User: amsbridge.User{ID: "U-666"}})
}

// EagerPage is a page of the shop whose link "Walk in" browsers ask for at once, before anybody clicks: how is
// "prefetch" or "prerender" (HTML, speculation rules).
func (s *HandOffShop) EagerPage(how string) string { return s.Shop + "/eager/" + how }

func (s *HandOffShop) eager(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, `<!DOCTYPE html>
<html lang="en"><head><title>Shop</title>
<script type="speculationrules">{%q: [{"urls": ["/hand-off?to=learn"], "eagerness": "immediate"}]}</script></head>
<body><main><h1>Shop</h1><p><a href="/hand-off?to=learn">Walk in</a></p></main></body></html>`,
		r.PathValue("how")) // the reader may be gone
}

// Ahead waits until a browser has asked for the hand-off before any click, and returns the purpose that it
// named.
func (s *HandOffShop) Ahead(ctx context.Context) (string, error) {
	select {
	case purpose := <-s.ahead:
		return purpose, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Smuggle publishes a page that posts a token of its owner's in the background, by a script and into a frame,
// says "Done." when both were answered, and has the button "See pictures", which posts it in the window.
func (f *ForeignSite) Smuggle(platform, token string) string {
	var page strings.Builder
	_ = smugglePage.Execute(&page, map[string]string{"Action": platform + "/in", "Token": token}) // to a Builder
	return f.publish("/smuggle", page.String())
}

var smugglePage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><head><title>A thief</title></head><body><main><h1>A thief</h1>
<p id="state">Wait.</p>
<iframe name="frame" title="nothing"></iframe>
<form id="hidden" method="post" action="{{.Action}}" target="frame"><input type="hidden" name="token" value="{{.Token}}"></form>
<form method="post" action="{{.Action}}"><input type="hidden" name="token" value="{{.Token}}"><button>See pictures</button></form>
<script>
const loaded = new Promise(done => document.querySelector("iframe").addEventListener("load", done, {once: true}))
document.getElementById("hidden").submit()
const sent = fetch({{.Action}}, {method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams({token: {{.Token}}})})
Promise.all([loaded, sent]).then(() => { document.getElementById("state").textContent = "Done." })
</script></main></body></html>`))
