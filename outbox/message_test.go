package outbox_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// Ordering keys are stored: another way to make them would find nobody's messages.
func TestOrderingKeysStayAsTheyAre(t *testing.T) {
	t.Parallel()
	m := outbox.Message{Destination: "elevate/acme", Person: "U-1"}
	require.Equal(t, int64(-8809750757286996990), m.OrderingKey())
}

func TestAPersonsOrderingKeysAreTogether(t *testing.T) {
	t.Parallel()
	seen := map[int64]bool{}
	for _, association := range []string{"", "acme", "acme.b"} {
		for _, person := range []string{"U-1", "U-2", ""} {
			first, last := outbox.OrderingKeys(association, person)
			require.Equal(t, int64(math.MaxUint32), last-first)
			for _, platform := range []string{"elevate", "notified"} {
				m := outbox.Message{Destination: platform, Person: person}
				if association != "" {
					m.Destination += "/" + association
				}
				require.Equal(t, association, m.Association())
				require.GreaterOrEqual(t, m.OrderingKey(), first)
				require.LessOrEqual(t, m.OrderingKey(), last)
				seen[m.OrderingKey()] = true
			}
		}
	}
	require.Len(t, seen, 18)
}
