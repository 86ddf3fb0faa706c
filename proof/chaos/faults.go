package chaos

import (
	"net/http"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

// faultRate is the share of calls that meet a fault.
const faultRate = 0.3

// tooSlow outlasts every delivery.
const tooSlow = time.Minute

// cheapFaults are those that a sender gets past by itself; one listed twice is twice
// as likely.
//
// Not among them, nor anywhere in a run, is an answer that says "failed" of a
// call that was carried out (a 4xx or 5xx with [elevatetest.Fault.Effect]): such
// an answer is believed, so that the next send is no possible duplicate for the
// client, and asks for a confirmation mail once more.
func cheapFaults() []elevatetest.Fault {
	return []elevatetest.Fault{
		{Kind: elevatetest.ServerError},
		{Kind: elevatetest.ServerError},
		{Kind: elevatetest.ServerError},
		{Kind: elevatetest.ServerError},
		{Kind: elevatetest.ServerError},
		{Kind: elevatetest.Unavailable},
		{Kind: elevatetest.Unavailable, RetryAfter: "5"},
		{Kind: elevatetest.Unavailable, RetryAfter: "3600"},
		{Kind: elevatetest.Garbage},
		{Kind: elevatetest.Garbage, Effect: true},
		{Kind: elevatetest.Garbage, Body: "{"},
		{Kind: elevatetest.Garbage, Body: `{"error":`, Effect: true},
		{Kind: elevatetest.Garbage, Body: "<?xml version=\"1.0\"?><APIResults APICallResult=\"0\" OpCodesProcessed=\"1\">", Effect: true},
		{Kind: elevatetest.Garbage, Body: `<CallFailed Diag="Database down"/>`},
		{Kind: elevatetest.LoginPage},
		{Kind: elevatetest.LoginPage},
		{Kind: elevatetest.LoginPage, Effect: true},
		{Kind: elevatetest.LoginPage, Effect: true},
		{Kind: elevatetest.Slow, Delay: 10 * time.Millisecond},
		{Kind: elevatetest.Slow, Delay: 30 * time.Millisecond},
		{Kind: elevatetest.CutBefore},
		{Kind: elevatetest.CutBefore},
		{Kind: elevatetest.CutBefore},
		{Kind: elevatetest.CutAfter},
		{Kind: elevatetest.CutAfter},
		{Kind: elevatetest.CutAfter},
		{Kind: elevatetest.CutAfter},
		{Kind: elevatetest.CutAfter},
		{Kind: elevatetest.Truncate},
		{Kind: elevatetest.Truncate},
		{Kind: elevatetest.Truncate},
		{Kind: elevatetest.HoldAfter, Delay: 20 * time.Millisecond},
	}
}

// costlyFaults are those that a sender gets past as well, and that cost the run's own
// time: they stop a whole platform, the redirect and the like when three messages in a row meet them, or a worker until its delivery times out.
func costlyFaults() []elevatetest.Fault {
	return []elevatetest.Fault{
		{Kind: elevatetest.Throttle},
		{Kind: elevatetest.Throttle, RetryAfter: "1"},
		{Kind: elevatetest.Throttle, RetryAfter: "300"},
		{Kind: elevatetest.Throttle, RetryAfter: "later"},
		{Kind: elevatetest.Unauthorized},
		{Kind: elevatetest.Garbage, Body: `<CallFailed Diag="Invalid API Credentials Supplied!"/>`}, // pauses Notified
		{Kind: elevatetest.Forbidden},
		{Kind: elevatetest.Forbidden},
		{Kind: elevatetest.Forbidden},
		{Kind: elevatetest.Forbidden},
		{Kind: elevatetest.Forbidden},
		{Kind: elevatetest.Forbidden},
		{Kind: elevatetest.Redirect},
		{Kind: elevatetest.Slow, Delay: tooSlow},
		{Kind: elevatetest.HoldAfter, Delay: tooSlow},
	}
}

// parkingFault is the one after which a person is needed.
func parkingFault() elevatetest.Fault {
	return elevatetest.Fault{Kind: elevatetest.Reply, Status: http.StatusConflict, Body: "{}"}
}

// setFaults gives the sandboxes their fault scripts. Which calls of one message key
// meet a fault, and which one, follows from the seed. Every other stranger meets
// none, so that 72 hours of "not ready" are seen, which any other failure
// begins anew.
func (p *platforms) setFaults(cfg Config, m *market) error {
	script := elevatetest.Script{Seed: cfg.Seed, Rate: faultRate, Users: map[string][]elevatetest.Fault{}}
	for n, id := range m.strangers {
		if n%2 == 0 {
			script.Users[id] = nil
		}
	}
	script.Faults = faultsOf(cfg, cfg.ElevateBodies)
	if err := p.elevate.Follow(script); err != nil {
		return err
	}
	script.Faults = faultsOf(cfg, cfg.NotifiedBodies)
	return p.notified.Follow(script)
}

// faultsOf are those of one sandbox, with further bodies of replies that make no
// sense.
func faultsOf(cfg Config, bodies []string) []elevatetest.Fault {
	list := slices.Concat(cheapFaults(), cheapFaults(), costlyFaults())
	if !cfg.Harmless {
		list = append(list, parkingFault(), parkingFault())
	}
	for _, body := range bodies {
		for range 4 { // a short run must meet each
			list = append(list,
				elevatetest.Fault{Kind: elevatetest.Garbage, Body: body}, elevatetest.Fault{Kind: elevatetest.Garbage, Body: body, Effect: true})
		}
	}
	return list
}
