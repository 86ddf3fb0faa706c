// Package reach says in plain words whether a platform's host was reached, for
// the checks of a real account.
package reach

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/amsbridge/amsbridge/adapters/contract"

	"github.com/amsbridge/amsbridge/outbox"
)

// Host says what a call to an endpoint shows of its host and of its
// certificate. d is what the call came to, nil for a success. Its reason is
// scrubbed and becomes part of the text. It calls nothing but the resolver, and
// that only where no connection was had.
//
// It tells by the second value whether anything answered.
func Host(ctx context.Context, endpoint string, d *outbox.DeliveryError) ([]contract.Finding, bool) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return []contract.Finding{{Subject: "host", State: contract.Wrong, Text: "the endpoint is not a URL"}}, false
	}
	host := contract.Finding{Subject: "host " + u.Hostname(), State: contract.Good, Text: "it resolves, and something answers there"}
	secure := contract.Finding{Subject: "TLS", State: contract.Good, Text: "the certificate verifies"}
	if u.Scheme != "https" {
		secure.State, secure.Text = contract.NotChecked, "the endpoint is plain http on this machine, which is for sandboxes only"
	}
	unsent := d != nil && d.Outcome == outbox.OutcomeUnavailable && d.Code == ""
	silent := d != nil && d.Outcome == outbox.OutcomeUnknown && d.Code == "" && d.Err != nil
	switch {
	case (unsent || silent) && errors.Is(ctx.Err(), context.Canceled):
		host.State, host.Text = contract.NotChecked, "the check was called off before an answer came"
		secure.State, secure.Text = contract.NotChecked, host.Text
	case unsent && notTLS(d.Reason):
		host.Text = "it resolves, and something listens there"
		secure.State, secure.Text = contract.Wrong, "no connection is made to a host that does not prove who it is: "+d.Reason
	case unsent && !resolves(ctx, u.Hostname()):
		host.State, host.Text = contract.Wrong, "its name does not resolve: is it spelled right, and is this machine's DNS?"
		secure.State, secure.Text = contract.NotChecked, "the host was not reached"
	case unsent:
		host.State, host.Text = contract.Wrong, "it resolves and cannot be reached; is there a firewall in between? "+d.Reason
		secure.State, secure.Text = contract.NotChecked, "the host was not reached"
	case silent:
		host.State, host.Text = contract.Wrong, "it takes the call and gives no whole answer: "+d.Reason
	default:
		return []contract.Finding{host, secure}, true
	}
	return []contract.Finding{host, secure}, false
}

// notTLS tells whether a connection failed at its certificate, or at what was no
// TLS at all: the error's type was lost when it was scrubbed.
func notTLS(reason string) bool {
	for _, word := range []string{"tls:", "x509:", "server gave HTTP response to HTTPS client"} {
		if strings.Contains(reason, word) {
			return true
		}
	}
	return false
}

func resolves(ctx context.Context, host string) bool {
	_, err := net.DefaultResolver.LookupHost(ctx, host)
	return err == nil
}
