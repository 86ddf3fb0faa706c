package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Sandbox is the program that serves both sandboxes to shops in any language.
type Sandbox struct {
	// Page is the address of its page.
	Page string

	*process
	calls []call
}

// Which of the printed calls is sent.
const (
	Registration = iota
	Report
	AddOns
)

// call is one that the program prints, for a person to copy.
type call struct{ address, contentType, body string }

var (
	pageLine = regexp.MustCompile(`(?m)^Watch and break them: +(\S+)$`)
	jsonCall = regexp.MustCompile(`(?m)^ +try: +curl -sS (http\S+) .*-d '(.*)'$`)
	formCall = regexp.MustCompile(`(?m)^ +try: +curl -sS '(http[^']+)'((?: --data-urlencode \S+)+)$`)
)

// StartSandbox runs the sandboxes on a free port, as they come.
func StartSandbox(ctx context.Context, file string) (*Sandbox, error) {
	p, err := start(ctx, file, "-addr", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Sandbox{process: p}
	printed := ""
	for line := ""; err == nil && !strings.Contains(line, "Ctrl-C"); printed += line {
		line, err = p.readLine()
	}
	if at := pageLine.FindStringSubmatch(printed); at != nil {
		s.Page = at[1]
	}
	for _, found := range jsonCall.FindAllStringSubmatch(printed, -1) {
		s.calls = append(s.calls, call{found[1], "application/json", found[2]})
	}
	for _, found := range formCall.FindAllStringSubmatch(printed, -1) {
		form := url.Values{}
		for _, field := range strings.Fields(strings.ReplaceAll(found[2], "--data-urlencode", "")) {
			name, value, _ := strings.Cut(field, "=")
			form.Set(name, value)
		}
		s.calls = append(s.calls, call{found[1], "application/x-www-form-urlencoded", form.Encode()})
	}
	if err != nil || s.Page == "" || len(s.calls) != AddOns+1 {
		missing := fmt.Errorf("the sandboxes printed no page, or not the three calls:\n%s", printed)
		return nil, errors.Join(missing, err, s.Stop())
	}
	return s, nil
}

// Send sends one of the printed calls, and returns the status and the text of
// the answer.
func (s *Sandbox) Send(ctx context.Context, which int) (status int, reply string, err error) {
	c := s.calls[which]
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, strings.NewReader(c.body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", c.contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), errors.Join(err, resp.Body.Close())
}
