package bench

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/outbox"
)

// workers send at the same time, unless said otherwise.
const workers = 100

// Platform is a local server that answers every registration with the same
// success.
type Platform struct {
	*httptest.Server
	// Calls counts what it answered.
	Calls atomic.Int64
	delay time.Duration
	// sample is the body of a registration.
	sample []byte
}

// StartPlatform starts one that answers after so long. The caller closes it.
func StartPlatform(ctx context.Context, delay time.Duration) (*Platform, error) {
	p := &Platform{delay: delay}
	var reply []byte
	var body atomic.Pointer[[]byte]
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if body.Load() == nil {
			body.Store(&sent)
		}
		if p.delay > 0 {
			wait := time.NewTimer(p.delay)
			defer wait.Stop()
			select {
			case <-wait.C:
			case <-r.Context().Done():
				return
			}
		}
		p.Calls.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(reply) // the caller may be gone
	}))
	reply = []byte(`{"success":true,"product_url":"http://` + p.Listener.Addr().String() + `/products/course-1"}`)
	p.Start()
	if err := p.prime(ctx); err != nil {
		p.Close()
		return nil, err
	}
	p.sample = *body.Load()
	return p, nil
}

// prime makes the one call whose body is kept.
func (p *Platform) prime(ctx context.Context) error {
	hook, made, err := collecting(oneCourse{})
	if err != nil {
		return err
	}
	if _, err := hook.OrderCompleted(ctx, struct{}{}, orderOf(0, 0)); err != nil {
		return err
	}
	client, err := elevateAt(p.URL, 1)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	_, err = straight{client}.Deliver(ctx, made.msgs[0])
	return err
}

// elevateAt returns the real client of the platform at that address.
func elevateAt(url string, concurrency int) (*elevate.Client, error) {
	return elevate.New(elevate.Config{
		Endpoint: url + "/registration", AllowLoopbackHTTP: true, Concurrency: concurrency,
		Credentials: elevate.Key("key"), Profile: elevate.GuessedProfile(),
	})
}

// straight gives what a message says to its platform, without a look at what else the person has.
type straight struct{ amsbridge.Platform }

// Deliver implements [outbox.Destination].
func (s straight) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	g, err := amsbridge.DecodeGrant(m)
	if err != nil {
		return outbox.Result{}, err
	}
	return s.Give(ctx, g)
}

// errNotOK is what a bare client makes of another answer than the platform's.
var errNotOK = errors.New("bench: the platform did not answer 200")
