// Package reach says in plain words whether a platform's host was reached, for the checks of a real
// account.
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

// Host returns what a call to an endpoint shows about its host and certificate. d is the call's error,
// nil for a success; its reason must be scrubbed and becomes part of the text. Host calls only the
// resolver, and only where no connection was made.
//
// The second value tells whether the host answered.
func Host(ctx context.Context, endpoint string, d *outbox.DeliveryError) ([]contract.Finding, bool) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return []contract.Finding{{Subject: "host", State: contract.Wrong, Text: "the endpoint is not a URL"}}, false
	}
	findings := func(host contract.State, hostText string, tls contract.State, tlsText string) []contract.Finding {
		return []contract.Finding{
			{Subject: "host " + u.Hostname(), State: host, Text: hostText},
			{Subject: "TLS", State: tls, Text: tlsText},
		}
	}
	verified, certificate := contract.Good, "the certificate verifies"
	if u.Scheme != "https" {
		verified = contract.NotChecked
		certificate = "the endpoint is plain http on this machine, which is for sandboxes only"
	}
	unsent := d != nil && d.Outcome == outbox.OutcomeUnavailable && d.Code == ""
	silent := d != nil && d.Outcome == outbox.OutcomeUnknown && d.Code == "" && d.Err != nil
	const unreached = "the host was not reached"
	switch {
	case (unsent || silent) && errors.Is(ctx.Err(), context.Canceled):
		const calledOff = "the check was called off before an answer came"
		return findings(contract.NotChecked, calledOff, contract.NotChecked, calledOff), false
	case unsent && notTLS(d.Reason):
		return findings(contract.Good, "it resolves, and something listens there",
			contract.Wrong, "no connection is made to a host that does not prove who it is: "+d.Reason), false
	case unsent && !resolves(ctx, u.Hostname()):
		return findings(contract.Wrong, "its name does not resolve: is it spelled right, and is this machine's DNS?",
			contract.NotChecked, unreached), false
	case unsent:
		return findings(contract.Wrong,
			"it resolves and cannot be reached; is there a firewall in between? "+d.Reason,
			contract.NotChecked, unreached), false
	case silent:
		return findings(contract.Wrong, "it takes the call and gives no whole answer: "+d.Reason,
			verified, certificate), false
	}
	return findings(contract.Good, "it resolves, and something answers there", verified, certificate), true
}

// notTLS tells whether a connection failed because of its certificate, or because it was not TLS. It
// reads the text, since scrubbing lost the error's type.
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
