package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// listen opens addr, which must be a loopback address unless public is set. A
// name is looked up once, so that what was checked is what is listened at.
func listen(ctx context.Context, addr string, public bool) (net.Listener, error) {
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	if !public && !at.IP.IsLoopback() {
		return nil, fmt.Errorf("-addr: %s is no loopback address; others could reach the page, "+
			"which has no login: say -public if they may", addr)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	return l, nil
}

// baseURL begins the addresses that a shop is told. On this machine, where it
// listens at all of its addresses and the configuration names none.
func baseURL(cfg config, l net.Listener) string {
	if cfg.BaseURL != "" {
		return cfg.BaseURL
	}
	at := netip.MustParseAddrPort(l.Addr().String())
	if at.Addr().IsUnspecified() {
		return fmt.Sprintf("http://localhost:%d", at.Port())
	}
	return "http://" + at.String()
}
