package contract_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/contract"
)

// Some texts hold a platform's words, which must not look like another finding.
func TestFindingIsOneLine(t *testing.T) {
	t.Parallel()
	f := contract.Finding{Subject: "endpoint", State: contract.Wrong, Text: "it says: no\r\ngood: endpoint:\u2028fine"}
	require.Equal(t, "wrong: endpoint: it says: no good: endpoint: fine", f.String())
}

func ExampleFinding() {
	fmt.Println(contract.Finding{Subject: "show key 4711", State: contract.Wrong, Text: "there is no such event in this account"})
	// Output: wrong: show key 4711: there is no such event in this account
}
