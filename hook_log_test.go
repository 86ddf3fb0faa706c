package amsbridge_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

// A message that is stored parked is logged once, with the order's ID and the field, and with no
// personal data.
func TestParkedAtBirthIsLogged(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var log strings.Builder
	var err error
	s.hook, err = amsbridge.NewHook(s.store, amsbridge.HookConfig{
		Catalog: &s.catalog, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	require.NoError(t, err)
	cleo := amsbridge.User{ID: "U-3", FirstName: "Cleo", LastName: "Patra", Email: "not an address"}
	bought := order(line("sound", "course", ada), line("no address", "course-2", cleo), line("unmapped", "nowhere", bob))
	parked := s.commit(s.hook.OrderCompleted, bought).Parked
	require.Len(t, parked, 2)

	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 2)
	for i, p := range parked {
		require.Contains(t, lines[i], "level=WARN")
		require.Contains(t, lines[i], "will be parked if the transaction commits")
		require.Contains(t, lines[i], "key="+p.Key)
		require.Contains(t, lines[i], "subject=1001")
		require.Contains(t, lines[i], p.Reason)
	}
	for _, private := range []string{"Ada", "Cleo", "Patra", "Bob", "U-3", "not an address", "example.org"} {
		require.NotContains(t, log.String(), private)
	}

	log.Reset()
	s.commit(s.hook.OrderCompleted, bought)
	require.Empty(t, log.String(), "it was parked before")
}
