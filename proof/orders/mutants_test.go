package orders

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A break that matches nothing would prove nothing. "go run ./proof/cmd/orders -mutants" plays them all.
func TestMutantsMatchTheCode(t *testing.T) {
	t.Parallel()
	for _, m := range Mutants() {
		_, err := m.Apply("../..")
		require.NoError(t, err)
	}
}
