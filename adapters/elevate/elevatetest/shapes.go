package elevatetest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
)

// ReplyShapes returns, by name, replies that a client must not take for a success, in the words of the
// profile. In "error", "error list", "error object", "error of status 422" and "error beside success"
// the platform refuses. "no success" and "no success as text" exist where the profile names a success
// field. "neither", "empty", "list", "cut", "two objects", "field twice", "too deep", "too long",
// "page" and "redirect page" mean nothing; "neither" is a success where the profile
// has AcceptUnmarked. All but the one of status 422 are 200, and Product URLs in them are of [Config].BaseURL.
// Give one to [Server.Misbehave], with Effect set where the call is to be carried out all the same.
// That a platform would send them is a guess.
func (s *Server) ReplyShapes() map[string]Fault {
	p := s.cfg.Profile
	object := func(fields map[string]any) string {
		o := map[string]any{}
		for path, v := range fields {
			fieldpath.Set(o, path, v)
		}
		b, err := json.Marshal(o)
		if err != nil {
			return "{"
		}
		return string(b)
	}
	// Each refusal would be a success without its error: it has a Product URL too.
	link := s.cfg.BaseURL + productPath
	done := map[string]any{p.ProductURL: link}
	if len(p.Success) > 0 {
		done[p.Success[0]] = true
	}
	all := map[string]Fault{
		"neither":     {Body: "{}"},
		"empty":       {},
		"list":        {Body: "[" + object(done) + "]"},
		"cut":         {Body: strings.TrimSuffix(object(done), "}")},
		"two objects": {Body: object(done) + object(done)},
		"too deep":    {Body: strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000)},
		"too long":    {Body: strings.Repeat(" ", 2<<20) + object(done)},
		"page": {
			Body: "<!DOCTYPE html><title>Elevate</title><p>success\n", ContentType: "text/html; charset=utf-8",
		},
		"redirect page": {
			Body: `<meta http-equiv="refresh" content="0; url=` + link + `">`, ContentType: "text/html",
		},
		"field twice": {Body: strings.Replace(object(done), "{", `{"a":1,"a":2,`, 1)},
	}
	if len(p.Success) > 0 {
		all["no success"] = Fault{Body: object(map[string]any{p.Success[0]: false, p.ProductURL: link})}
		all["no success as text"] = Fault{Body: object(map[string]any{p.Success[0]: "false", p.ProductURL: link})}
	}
	if len(p.Errors) > 0 {
		name := p.Errors[len(p.Errors)-1]
		all["error"] = Fault{Body: object(map[string]any{name: "no such thing"})}
		all["error list"] = Fault{Body: object(map[string]any{name: []string{"no such thing", "nor another"}})}
		all["error object"] = Fault{Body: object(map[string]any{name: map[string]string{"code": "E1"}})}
		all["error of status 422"] = Fault{Status: http.StatusUnprocessableEntity, Body: all["error"].Body}
		beside := map[string]any{name: "no such thing"}
		for path, v := range done {
			beside[path] = v
		}
		all["error beside success"] = Fault{Body: object(beside)}
	}
	for name, f := range all {
		f.Kind = Reply
		all[name] = f
	}
	return all
}
