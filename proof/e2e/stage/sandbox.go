package stage

import (
	"bufio"
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

	*program
	tries []try
}

// Which of the printed calls is tried.
const (
	Registration = iota
	Report
	AddOns
)

// try is a call that the program prints, for a person to copy.
type try struct{ address, contentType, body string }

var (
	page    = regexp.MustCompile(`(?m)^Watch and break them: +(\S+)$`)
	tryJSON = regexp.MustCompile(`(?m)^ +try: +curl -sS (http\S+) .*-d '(.*)'$`)
	tryForm = regexp.MustCompile(`(?m)^ +try: +curl -sS '(http[^']+)'((?: --data-urlencode \S+)+)$`)
)

// StartSandbox runs the sandboxes on a free port, as they come.
func StartSandbox(ctx context.Context, file string) (*Sandbox, error) {
	s := &Sandbox{}
	var err error
	if s.program, err = run(ctx, file, "-addr", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	printed, err := s.says(untilItServes)
	if at := page.FindStringSubmatch(printed); at != nil {
		s.Page = at[1]
	}
	for _, found := range tryJSON.FindAllStringSubmatch(printed, -1) {
		s.tries = append(s.tries, try{found[1], "application/json", found[2]})
	}
	for _, found := range tryForm.FindAllStringSubmatch(printed, -1) {
		form := url.Values{}
		for _, field := range strings.Fields(strings.ReplaceAll(found[2], "--data-urlencode", "")) {
			name, value, _ := strings.Cut(field, "=")
			form.Set(name, value)
		}
		s.tries = append(s.tries, try{found[1], "application/x-www-form-urlencoded", form.Encode()})
	}
	if err != nil || s.Page == "" || len(s.tries) != AddOns+1 {
		return nil, errors.Join(fmt.Errorf("the sandboxes printed no page, or not the three calls to try:\n%s", printed), err, s.Stop())
	}
	return s, nil
}

// untilItServes reads all that is printed before the first call may come.
func untilItServes(out *bufio.Reader) (printed string, err error) {
	for err == nil && !strings.Contains(printed, "Ctrl-C") {
		var line string
		line, err = out.ReadString('\n')
		printed += line
	}
	return printed, err
}

// Try sends one of the printed calls, and returns the status of the answer and
// its text.
func (s *Sandbox) Try(which int) (status int, reply string, err error) {
	c := s.tries[which]
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
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
