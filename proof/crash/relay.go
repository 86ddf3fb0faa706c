package crash

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// relay passes connections on to a server, until it swallows what is sent: connections that were open then stay
// open, and nothing comes through any more, as when a network path breaks without a word. It is safe for
// concurrent use.
type relay struct {
	listener net.Listener
	server   string
	ended    sync.WaitGroup

	mu        sync.Mutex
	swallowed chan struct{} // closed once what is open is swallowed
	hole      bool          // new connections are swallowed too
	conns     map[net.Conn]struct{}
	closed    bool
}

func startRelay(ctx context.Context, server string) (*relay, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: listener, server: server, swallowed: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	r.ended.Go(r.accept)
	return r, nil
}

func (r *relay) address() string { return r.listener.Addr().String() }

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.ended.Go(func() { r.pass(client) })
	}
}

// pass connects a client with the server.
func (r *relay) pass(client net.Conn) {
	var d net.Dialer
	server, err := d.DialContext(context.Background(), "tcp", r.server)
	if err != nil {
		_ = client.Close() // as the server would
		return
	}
	r.mu.Lock()
	swallowed := r.swallowed
	if r.hole {
		swallowed = make(chan struct{})
		close(swallowed)
	}
	closed := r.closed
	r.conns[client], r.conns[server] = struct{}{}, struct{}{}
	r.mu.Unlock()
	if closed {
		r.close(client)
		r.close(server)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { r.copy(server, client, swallowed) })
	both.Go(func() { r.copy(client, server, swallowed) })
	both.Wait()
}

// copy passes bytes on. The end of one connection is passed on too, unless it is swallowed.
func (r *relay) copy(to, from net.Conn, swallowed <-chan struct{}) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-swallowed:
			if err != nil {
				r.close(from)
				return
			}
			continue
		default:
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				r.close(from)
			}
		}
		if err != nil {
			r.close(to)
			r.close(from)
			return
		}
	}
}

func (r *relay) close(c net.Conn) {
	r.mu.Lock()
	delete(r.conns, c)
	r.mu.Unlock()
	_ = c.Close() // nobody waits for it
}

// swallow breaks the path for all that is open, and for new connections until heal.
func (r *relay) swallow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.swallowed)
	r.swallowed, r.hole = make(chan struct{}), true
}

// heal lets new connections through. Those that were swallowed stay so.
func (r *relay) heal() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hole = false
}

func (r *relay) stop() error {
	err := r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for c := range r.conns {
		err = errors.Join(err, c.Close())
	}
	r.mu.Unlock()
	r.ended.Wait()
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
