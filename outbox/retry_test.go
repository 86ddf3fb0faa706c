package outbox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bounds of what a delay may be jittered to.
func requireJittered(t *testing.T, want, got time.Duration) {
	t.Helper()
	require.GreaterOrEqual(t, got, want*8/10)
	require.LessOrEqual(t, got, want*12/10)
}

func TestRetryDelaysDoubleUpToTheLongestAndEnd(t *testing.T) {
	t.Parallel()
	r, err := Retry{First: time.Second, Longest: 10 * time.Second, Attempts: 7}.withDefaults()
	require.NoError(t, err)
	for i, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		for range 50 {
			got, ok := r.delay(i + 1)
			require.True(t, ok)
			requireJittered(t, want*time.Second, got)
		}
	}
	for _, n := range []int{7, 8, 1 << 30} {
		_, ok := r.delay(n)
		require.False(t, ok, "the schedule has ended after attempt %d", n)
	}
	got, ok := r.delay(0)
	require.True(t, ok)
	requireJittered(t, time.Second, got)
}

// The greatest settings do not overflow, and one attempt is a schedule.
func TestRetryAtItsLimits(t *testing.T) {
	t.Parallel()
	r, err := Retry{First: time.Nanosecond, Longest: 24 * time.Hour, Attempts: 1 << 30}.withDefaults()
	require.NoError(t, err)
	for _, n := range []int{1, 47, 48, 63, 64, 65, 1000, 1 << 29} {
		got, ok := r.delay(n)
		require.True(t, ok)
		require.GreaterOrEqual(t, got, time.Duration(0))
		require.LessOrEqual(t, got, 24*time.Hour*12/10)
	}
	once, err := Retry{Attempts: 1}.withDefaults()
	require.NoError(t, err)
	_, ok := once.delay(1)
	require.False(t, ok)
	long, err := Retry{First: 3 * time.Hour}.withDefaults()
	require.NoError(t, err)
	require.Equal(t, 3*time.Hour, long.Longest, "a first delay beyond the default longest is kept")
}

// With the least jitter throughout, the last attempt is later than 72 h after
// the first, so that an outage of that length parks nothing; the doc comment
// says over 90.
func TestDefaultScheduleOutlastsAnOutageOf72Hours(t *testing.T) {
	t.Parallel()
	r, err := Retry{}.withDefaults()
	require.NoError(t, err)
	require.Equal(t, Retry{First: 10 * time.Second, Longest: 30 * time.Minute, Attempts: 250}, r)
	var least time.Duration
	d := r.First
	for n := 1; n < r.Attempts; n++ {
		got, ok := r.delay(n)
		require.True(t, ok)
		requireJittered(t, d, got)
		least += d * 8 / 10
		d = min(2*d, r.Longest)
	}
	require.Greater(t, least, 90*time.Hour)
}

func TestNotReadyIsAskedSlowlyAndEnds(t *testing.T) {
	t.Parallel()
	for waited, want := range map[time.Duration]time.Duration{
		0:                               2 * time.Minute,
		10*time.Minute - 1:              2 * time.Minute,
		10 * time.Minute:                15 * time.Minute,
		2*time.Hour - 1:                 15 * time.Minute,
		2 * time.Hour:                   time.Hour,
		72*time.Hour - time.Microsecond: time.Hour,
		72 * time.Hour:                  0,
		1000 * time.Hour:                0,
	} {
		got, ok := notReadyDelay(waited)
		require.Equal(t, want > 0, ok, waited)
		requireJittered(t, want, got)
	}
}

func TestJitterSpreads(t *testing.T) {
	t.Parallel()
	low, high := time.Hour, time.Duration(0)
	for range 2000 {
		d := jittered(time.Minute)
		requireJittered(t, time.Minute, d)
		low, high = min(low, d), max(high, d)
	}
	require.Less(t, low, 51*time.Second)
	require.Greater(t, high, 69*time.Second)
}
