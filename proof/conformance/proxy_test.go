package conformance

import (
	"bytes"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

// proxy stands before a server. A connection that sends a given text falls silent: whatever is sent on it
// is taken and swallowed, and it stays open.
type proxy struct {
	listener net.Listener
	server   string
	wg       sync.WaitGroup

	mu     sync.Mutex
	at     string // the text, in capitals; empty for never
	before bool   // the server does not get the text either
	conns  []net.Conn
	silent int // connections that fell silent
}

// startProxy returns a proxy, and the DSN that leads through it.
func startProxy(t *testing.T, driver, dsn string) (*proxy, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener}
	if driver == "mysql" {
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		p.server, cfg.Addr = cfg.Addr, listener.Addr().String()
		dsn = cfg.FormatDSN()
	} else {
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		p.server, u.Host = u.Host, listener.Addr().String()
		dsn = u.String()
	}
	p.wg.Go(p.accept)
	t.Cleanup(p.close)
	return p, dsn
}

// silence makes connections fall silent at their next text that contains at; none, where at is empty.
// Those that are silent stay so.
func (p *proxy) silence(at string, before bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.before = at, before
}

func (p *proxy) fellSilent() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silent
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = near.Close()
			continue
		}
		c := &proxied{p: p, near: near, far: far}
		p.mu.Lock()
		p.conns = append(p.conns, near, far)
		p.mu.Unlock()
		p.wg.Go(c.ask)
		p.wg.Go(c.answer)
	}
}

// proxied is one connection.
type proxied struct {
	p         *proxy
	near, far net.Conn
	silent    bool // under p.mu
}

// ask passes on what the client says.
func (c *proxied) ask() {
	defer func() { _ = c.far.Close() }()
	b := make([]byte, 1<<16)
	for {
		n, err := c.near.Read(b)
		if err != nil {
			return
		}
		c.p.mu.Lock()
		if !c.silent && c.p.at != "" && strings.Contains(string(bytes.ToUpper(b[:n])), c.p.at) {
			c.silent = true
			c.p.silent++
			if !c.p.before {
				_, _ = c.far.Write(b[:n])
			}
		}
		silent := c.silent
		c.p.mu.Unlock()
		if !silent {
			if _, err := c.far.Write(b[:n]); err != nil {
				return
			}
		}
	}
}

// answer passes on what the server says.
func (c *proxied) answer() {
	b := make([]byte, 1<<16)
	for {
		n, err := c.far.Read(b)
		c.p.mu.Lock()
		silent := c.silent
		c.p.mu.Unlock()
		if silent {
			if err != nil {
				return // the client's side stays open
			}
			continue
		}
		if err != nil {
			_ = c.near.Close()
			return
		}
		if _, err := c.near.Write(b[:n]); err != nil {
			return
		}
	}
}
