package replay

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlreplay"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// childVariable holds a child's instructions; a process that has it is one.
const childVariable = "AMSBRIDGE_REPLAY_CHILD"

const (
	issuer   = "https://shop.example.org"
	audience = "https://learn.example.org"
)

// instructions are what a child gets.
type instructions struct {
	Dialect             sqlreplay.Dialect
	Driver, Params, DSN string
	Conns, Goroutines   int
	KeyID               string
	Key                 []byte // PKIX
}

// quiet keeps the audit out of the output.
func quiet(context.Context, amsbridge.SSOEvent) {}

// tally is what a child's goroutines met in a round.
type tally struct {
	Accepted, Used, Failed int
	Problem                string
}

// childMain runs the child and ends the process, where the process is one.
func childMain() {
	text, ok := os.LookupEnv(childVariable)
	if !ok {
		return
	}
	var in instructions
	err := json.Unmarshal([]byte(text), &in)
	if err == nil {
		err = in.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "replay child:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run uses each line of standard input, a hand-off or a bare token ID, in all
// goroutines at once, and answers with the tally.
func (in instructions) run() error {
	s := setup{dialect: in.Dialect, driver: in.Driver, params: in.Params, conns: in.Conns}
	db, err := s.open(in.DSN)
	if err != nil {
		return err
	}
	store, err := sqlreplay.New(sqlreplay.Config{DB: db, Dialect: in.Dialect, Timeout: time.Minute})
	if err != nil {
		return err
	}
	key, err := x509.ParsePKIXPublicKey(in.Key)
	if err != nil {
		return err
	}
	verifier, err := ssoverify.New(ssoverify.Config{
		Issuer: issuer, Audience: audience, Replay: store, Audit: quiet,
		Keys: []ssokeys.VerificationKey{{ID: in.KeyID, Public: key}},
	})
	if err != nil {
		return err
	}
	answers := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := answers.Encode(in.round(store, verifier, lines.Text())); err != nil {
			return err
		}
	}
	return db.Close()
}

func (in instructions) round(store *sqlreplay.Store, verifier *ssoverify.Verifier, token string) (sum tally) {
	use := func() (bool, error) {
		return store.Consume(context.Background(), issuer, audience, token, time.Now().Add(time.Minute))
	}
	if strings.Contains(token, ".") {
		use = func() (bool, error) {
			_, err := verifier.Verify(context.Background(), token)
			if ssoverify.IsReplay(err) {
				return false, nil
			}
			return err == nil, err
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	start := make(chan struct{})
	for range in.Goroutines {
		wg.Go(func() {
			<-start
			first, err := use()
			mu.Lock()
			defer mu.Unlock()
			var refused *ssoverify.TokenError
			switch {
			case errors.As(err, &refused):
				sum.Failed, sum.Problem = sum.Failed+1, fmt.Sprint(refused.Err, errors.Unwrap(refused.Err))
			case err != nil:
				sum.Failed, sum.Problem = sum.Failed+1, err.Error()
			case first:
				sum.Accepted++
			default:
				sum.Used++
			}
		})
	}
	close(start)
	wg.Wait()
	return sum
}

// child is a process.
type child struct {
	stdin   io.WriteCloser
	answers *json.Decoder
	cmd     *exec.Cmd
	stderr  strings.Builder
}

// spawn starts this program again as a child; it ends with the test.
func spawn(t *testing.T, in instructions) *child {
	t.Helper()
	text, err := json.Marshal(in)
	require.NoError(t, err)
	c := &child{cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	c.cmd.Stderr = &c.stderr
	c.stdin, err = c.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	c.answers = json.NewDecoder(stdout)
	require.NoError(t, c.cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, c.stdin.Close())
		require.NoError(t, c.cmd.Wait(), "%s", &c.stderr)
	})
	return c
}
