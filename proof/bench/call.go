package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/outbox"
)

// Call is one delivery, made in two ways: by a platform's client, and as the
// same bytes by a bare http.Client with the same transport settings. A local
// server answers both at once with the same reply.
type Call struct {
	name   string
	server *httptest.Server
	// sent is the request that is noted when there is none.
	sent    atomic.Pointer[request]
	client  destination
	message outbox.Message
	// same is what the client sent, which the bare one repeats.
	same *request
	bare *http.Client
}

type destination interface {
	outbox.Destination
	CloseIdleConnections()
}

// request is all that a server sees of one.
type request struct {
	method, uri string
	header      http.Header
	body        []byte
}

func (r *request) equal(other *request) bool {
	return r.method == other.method && r.uri == other.uri && bytes.Equal(r.body, other.body) &&
		maps.EqualFunc(r.header, other.header, slices.Equal[[]string])
}

// The replies are as short as a success can be: the longer one is, the less of
// a call's time is the client's own.
const (
	elevateReply  = `{"success":true,"product_url":"http://%s/products/course-1"}`
	notifiedReply = `<?xml version="1.0"?><APIResults APICallResult="0" APICallDiagnostic="" OpCodesProcessed="1" OpCodesInError="0">` +
		`<OpCodeResult OpCode="M" Status="0" Message=""><ResultRow><AddOnsAdded>2</AddOnsAdded></ResultRow></OpCodeResult></APIResults>`
)

// ElevateCall returns the call of one registration.
func ElevateCall(ctx context.Context) (*Call, error) {
	product := amsbridge.Product{ID: course, RemoteProductID: course}
	return newCall(ctx, "elevate", product, "application/json", elevateReply, func(url string) (destination, error) {
		return elevate.New(elevate.Config{
			Endpoint: url + "/registration", AllowLoopbackHTTP: true, Concurrency: workers,
			Credentials: elevate.Key("5up3r-s3cr3t/key+1"), Profile: elevate.GuessedProfile(),
		})
	})
}

// NotifiedCall returns the call of one push of two add-ons.
func NotifiedCall(ctx context.Context) (*Call, error) {
	product := amsbridge.Product{ID: course, ShowKey: 77001, AddOnKeys: []int64{9985, 10342}}
	return newCall(ctx, "notified", product, "text/xml", notifiedReply, func(url string) (destination, error) {
		return notified.New(notified.Config{
			BaseURL: url + "/scripts/Server.nxp", AllowLoopbackHTTP: true, Concurrency: workers,
			AuthCode: "5up3r-c0de/1", Credentials: "5up3r-s3cr3t+1",
		})
	})
}

func newCall(
	ctx context.Context, name string, product amsbridge.Product, contentType, reply string,
	open func(url string) (destination, error),
) (_ *Call, err error) {
	c := &Call{name: name}
	if c.message, err = messageOf(ctx, product); err != nil {
		return nil, err
	}
	c.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if c.sent.Load() == nil {
			c.sent.Store(&request{r.Method, r.RequestURI, r.Header, body})
		}
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, reply) // the caller may be gone
	}))
	if name == "elevate" { // its Product URL must lie on the platform
		reply = fmt.Sprintf(reply, c.server.Listener.Addr())
	}
	c.server.Start()
	c.bare = &http.Client{Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           workers,
		MaxIdleConnsPerHost:    workers,
		IdleConnTimeout:        90 * time.Second,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}}
	if c.client, err = open(c.server.URL); err == nil {
		err = c.compare(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// messageOf returns what the hook makes of an order of the product.
func messageOf(ctx context.Context, product amsbridge.Product) (outbox.Message, error) {
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{product}})
	if err != nil {
		return outbox.Message{}, err
	}
	hook, made, err := collecting(catalog)
	if err != nil {
		return outbox.Message{}, err
	}
	order := amsbridge.Order{
		ID: "o-00000001", Buyer: person(1), Lines: []amsbridge.Line{{ID: "1", ProductID: product.ID, Quantity: 1}},
	}
	if _, err := hook.OrderCompleted(ctx, struct{}{}, order); err != nil {
		return outbox.Message{}, err
	}
	if len(made.msgs) != 1 {
		return outbox.Message{}, fmt.Errorf("bench: an order of one product made %d messages", len(made.msgs))
	}
	return made.msgs[0], nil
}

// compare makes one call in either way and returns an error unless the server
// saw the same twice: otherwise the figures would compare two requests.
func (c *Call) compare(ctx context.Context) error {
	if err := c.deliver(ctx); err != nil {
		return err
	}
	c.same = c.sent.Swap(nil)
	delete(c.same.header, "Content-Length") // net/http writes it
	if err := c.post(ctx); err != nil {
		return err
	}
	again := c.sent.Load()
	delete(again.header, "Content-Length")
	if !c.same.equal(again) {
		return errors.New("bench: the bare client does not send what the client sends")
	}
	return nil
}

// Close ends the server and the connections.
func (c *Call) Close() {
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
	c.bare.CloseIdleConnections()
	c.server.Close()
}

func (c *Call) deliver(ctx context.Context) error {
	_, err := c.client.Deliver(ctx, c.message)
	return err
}

// post does the least that anybody who reads the reply must do: its header is
// never copied.
func (c *Call) post(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, c.same.method, c.server.URL+c.same.uri, bytes.NewReader(c.same.body))
	if err != nil {
		return err
	}
	req.Header = c.same.header
	resp, err := c.bare.Do(req)
	if err != nil {
		return err
	}
	_, err = io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New("bench: the server did not answer 200")
	}
	return errors.Join(err, resp.Body.Close())
}

// Deliver makes n calls by the platform's client, from 100 workers.
func (c *Call) Deliver(ctx context.Context, n int) error { return times(ctx, n, workers, c.deliver) }

// Bare makes n calls by the bare http.Client, from 100 workers.
func (c *Call) Bare(ctx context.Context, n int) error { return times(ctx, n, workers, c.post) }
