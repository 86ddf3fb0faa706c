package notified

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// TestOutputs: in every format, the outputs of an opcode with status 0 are read or refused.
func TestOutputs(t *testing.T) {
	t.Parallel()
	item := func(values ...string) []row {
		var rows []row
		for _, v := range values {
			rows = append(rows, row{{"AddOnItemKey", v}})
		}
		return rows
	}
	one := func(name, value string) []row { return []row{{{name, value}}} }
	for name, c := range map[string]struct {
		code string
		rows []row
		want Step           // if it can be read
		bad  outbox.Outcome // if it cannot
	}{
		"items":                 {code: "A", rows: item("10342", "9985"), want: Step{AddOns: []int64{9985, 10342}}},
		"item twice":            {code: "A", rows: item("5", "3", "5"), want: Step{AddOns: []int64{3, 5}}},
		"no item":               {code: "A"},
		"great item":            {code: "A", rows: item("9223372036854775807"), want: Step{AddOns: []int64{9223372036854775807}}},
		"overflow":              {code: "A", rows: item("9223372036854775808"), bad: outbox.OutcomeRejected},
		"item zero":             {code: "A", rows: item("5", "0"), bad: outbox.OutcomeRejected},
		"negative item":         {code: "A", rows: item("-5"), bad: outbox.OutcomeRejected},
		"item with a sign":      {code: "A", rows: item("x5"), bad: outbox.OutcomeRejected},
		"full-width item":       {code: "A", rows: item("\uff15"), bad: outbox.OutcomeRejected},
		"list in one row":       {code: "A", rows: item("5,6"), bad: outbox.OutcomeRejected},
		"another output":        {code: "A", rows: one("Name", "6"), bad: outbox.OutcomeRejected},
		"package":               {code: "K", rows: one("ShowPackageKey", "7"), want: Step{ShowPackageKey: 7}},
		"no package":            {code: "K", bad: outbox.OutcomeRejected},
		"package zero":          {code: "K", rows: one("ShowPackageKey", "0"), bad: outbox.OutcomeRejected},
		"two packages":          {code: "K", rows: append(one("ShowPackageKey", "7"), one("ShowPackageKey", "7")...), bad: outbox.OutcomeRejected},
		"added":                 {code: "M", rows: one("AddOnsAdded", "0")},
		"not added":             {code: "M", rows: one("AddOnsRemoved", "2"), bad: outbox.OutcomeUnknown},
		"removed":               {code: "N", rows: one("AddOnsRemoved", "2"), want: Step{AddOnsChanged: 2}},
		"not removed":           {code: "N", rows: one("AddOnsAdded", "2"), bad: outbox.OutcomeUnknown},
		"negative count":        {code: "N", rows: one("AddOnsRemoved", "-2"), bad: outbox.OutcomeUnknown},
		"registration":          {code: "Z", rows: one("WhateverKey", "x-1"), want: Step{RegistrationID: "x-1"}},
		"two of them":           {code: "Z", rows: append(one("WhateverKey", "x-1"), one("WhateverKey", "x-2")...), bad: outbox.OutcomeRejected},
		"no registration":       {code: "Z", bad: outbox.OutcomeRejected},
		"no ticket":             {code: "T", rows: one("Ticket", "x"), bad: outbox.OutcomeRejected},
		"rows that say nothing": {code: "R", rows: one("Whatever", "5")},
		"nothing":               {code: "U"},
	} {
		for _, f := range formats {
			t.Run(name+", "+string(f), func(t *testing.T) {
				t.Parallel()
				steps, d := judge(f, c.code, []byte(write(f, chain("0 1 0", ran(c.code, "0", c.rows...)))))
				require.Len(t, steps, 1)
				want := Step{}
				if c.bad != outbox.OutcomeNone {
					require.NotNil(t, d)
					require.Equal(t, c.bad, d.Outcome)
				} else {
					require.Nil(t, d)
					want = c.want
				}
				want.OpCode, want.Message = c.code, "so "+c.code
				require.Equal(t, want, steps[0])
			})
		}
	}
}

// TestRefusedStepsHaveNoOutputs: the row of an opcode that failed is ignored.
func TestRefusedStepsHaveNoOutputs(t *testing.T) {
	t.Parallel()
	for code, output := range map[string]string{"A": "AddOnItemKey", "K": "ShowPackageKey", "M": "AddOnsAdded", "T": "LoginTicketKey", "Z": "X"} {
		steps, d := judge(FormatXML, code, []byte(write(FormatXML, chain("0 1 1", ran(code, "51", row{{output, "5"}})))))
		require.NotNil(t, d)
		require.Equal(t, []Step{{OpCode: code, Status: 51, Message: "so " + code}}, steps)
		require.Contains(t, d.Reason, fmt.Sprintf("Notified refuses %s: a person must look: so %s", opcodes[code[0]].refuses, code))
	}
}

// TestFirstOf: a reason names only a few keys, each whole.
func TestFirstOf(t *testing.T) {
	t.Parallel()
	keys := make([]int64, 1000)
	for i := range keys {
		keys[i] = int64(i + 1)
	}
	require.Equal(t, "1,2", firstOf(keys[:2]))
	require.Equal(t, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20", firstOf(keys[:20]))
	require.Equal(t, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20 and 980 more", firstOf(keys))
}
