package amsbridge

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// Keys and facts of refunds are kept for ever: another key would take back
// twice, and other facts of one key are a conflict.
func TestRefundKeysAndFactsNeverChange(t *testing.T) {
	t.Parallel()
	u := User{ID: "U-1"}
	reg, err := Registration{OrderID: "1001", LineID: "1", RemoteProductID: "C-1", User: u}.message("elevate/acme")
	require.NoError(t, err)
	lines := []LineAddOns{{"2", []int64{3, 5}}, {"3", []int64{4}}, {"4", nil}}
	add, err := AddOns{OrderID: "1001", ShowKey: 7, ShowPackageKey: 70, Lines: lines, User: u}.message("notified/acme", 1)
	require.NoError(t, err)
	p := &plan{order: Order{ID: "1001", Association: "acme"}, elevate: "elevate/acme"}
	require.NoError(t, p.addParkedLine(Line{ID: "5"}, Product{}, 0, u, "email", "is empty", nil))
	parkedLine := p.drafts[0].msg

	plan := func(lines []string, stands func(outbox.Message) outbox.Record) []outbox.Message {
		r := newRefunding(Refund{ID: "R-1", OrderID: "1001", Association: "acme", LineIDs: lines},
			func(m outbox.Message) (outbox.Message, error) { return m, nil })
		var all []outbox.Record
		for i, m := range []outbox.Message{reg, add, parkedLine} {
			m.ID = outbox.ID(i + 1)
			rec := stands(m)
			rec.Message = m
			all = append(all, rec)
		}
		require.NoError(t, r.read(all))
		records, err := r.records()
		require.NoError(t, err)
		for _, m := range records {
			for _, line := range m.Items {
				r.fresh[seatOf(m, line)] = true
			}
			all = append(all, outbox.Record{Message: m, State: outbox.StateWithdrawn})
		}
		require.NoError(t, r.read(all))
		for _, id := range r.open() {
			r.became[id] = outbox.Withdrawn
		}
		require.NoError(t, r.readPerson(all))
		require.NoError(t, r.plan())
		out := records
		for _, m := range r.made {
			out = append(out, m.msg)
		}
		return out
	}
	type want struct{ destination, key, kind, facts, fingerprint string }
	shown := func(all []outbox.Message) (out []want) {
		for _, m := range all {
			require.Equal(t, keyOf(m.KeyParts...), m.Key)
			out = append(out, want{m.Destination, m.Key, m.Kind, string(m.Facts), string(m.Fingerprint)})
		}
		return out
	}
	// The keys were computed by another program, as in TestKeysNeverChange.
	require.Equal(t, []want{
		{"refunds/acme", "2ftleonz343rqrj3sao3pn3dkyeb6lnv", KindRefund, `{"refund_id":"R-1"}`, "2ftleonz343rqrj3"},
		{"unmapped/acme", "q5knbfapq7brkdlnm3lwzf7ul7qlonm4", KindRefundTask, `{"refund_id":"R-1","of":["yxh5ni6vpu4bgg2xvhz53d7stw33lnfn"]}`, "q5knbfapq7brkdln"},
		{"elevate/acme", "atvr6nyaze7n6jxc63uwhuebcpzpcktt", KindRefundTask, `{"refund_id":"R-1","of":["ri4mwaybjomt2klh5tcbb7c4wftmibfq"],"remote_product_id":"C-1","registration":true}`, ""},
		{"notified/acme", "cormpva4xwllj2ajvi5mdo7pvp5gk3la", KindRemoveAddOns, `{"user_id":"U-1","show_key":7,"add_ons":[{"line_id":"2","keys":[3,5]},{"line_id":"3","keys":[4]}]}`, ""},
		{"notified/acme", "63tj5mgwpwpctn35pagry7pfxfa7d5nb", KindRefundTask, `{"refund_id":"R-1","of":["6qe2fnndeiihuac5cj6wexuej3lsdbdx"],"show_key":7,"registration":true}`, ""},
	}, shown(plan(nil, func(m outbox.Message) outbox.Record {
		if m.IsTask() {
			return outbox.Record{State: outbox.StateMarkedDone}
		}
		return outbox.Record{State: outbox.StateDelivered}
	})))
	require.Equal(t, []want{
		{"refunds/acme", "2ftleonz343rqrj3sao3pn3dkyeb6lnv", KindRefund, `{"refund_id":"R-1"}`, "2ftleonz343rqrj3"},
		{"notified/acme", "u75oxyseils77bikjk67k2lcyugzzbvn", KindAddOns, `{"user_id":"U-1","show_key":7,"show_package_key":70,"add_ons":[{"line_id":"3","keys":[4]},{"line_id":"4","keys":null}]}`, ""},
		{"notified/acme", "sfrdbrz67sjode5de4mjubly2xtfe4fu", KindRefundTask, `{"refund_id":"R-1","of":["6qe2fnndeiihuac5cj6wexuej3lsdbdx"],"show_key":7,"add_on_keys":[3,5]}`, ""},
	}, shown(plan([]string{"2"}, func(outbox.Message) outbox.Record {
		return outbox.Record{State: outbox.StateParked, Outcome: outbox.OutcomeRejected}
	})))
	require.Equal(t, []string{"refund", "task/refund", "refunds"}, []string{KindRefund, KindRefundTask, Refunds})
}
