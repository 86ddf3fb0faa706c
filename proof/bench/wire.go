package bench

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
)

// counting returns a dialer whose connections count round trips: how often a
// write follows what was read. What is written in several pieces before the
// answer counts once. What pgx's pools ask of a connection that rested for over a
// second, whether it is still there, is not counted.
func counting(trips *atomic.Int64) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &countedConn{Conn: conn, trips: trips}, nil
	}
}

type countedConn struct {
	net.Conn
	trips *atomic.Int64
	// asked is set from a write until something is read.
	asked atomic.Bool
}

func (c *countedConn) Write(p []byte) (int, error) {
	if !c.asked.Swap(true) && !bytes.Contains(p, []byte("-- ping\x00")) {
		c.trips.Add(1)
	}
	return c.Conn.Write(p)
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.asked.Store(false)
	}
	return n, err
}
