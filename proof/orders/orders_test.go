package orders

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/proof/testdb"
)

// The short form of "make orders". It runs no two at once, since package rapid knows one number of checks.
func TestSequences(t *testing.T) { //nolint:paralleltest // see above
	for _, on := range Engines() {
		t.Run(on.Name, func(t *testing.T) {
			e, err := on.Open(context.Background())
			var missing *testdb.MissingError
			if errors.As(err, &missing) && os.Getenv("CI") != "true" {
				t.Skipf("NOT TESTED on %s: %s", missing.Engine, missing.Reason)
			}
			require.NoError(t, err)
			defer func() { require.NoError(t, e.Close()) }()
			count, err := Run(t.Context(), e, max(10, 100/on.Part), 1)
			require.NoError(t, err)
			t.Log(count)
		})
	}
}
