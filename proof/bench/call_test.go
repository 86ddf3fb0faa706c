package bench

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

var calls = map[string]func(context.Context) (*Call, error){
	"elevate": ElevateCall, "notified": NotifiedCall,
}

// benchmarkCall counts the server's allocations too, in either way.
func benchmarkCall(b *testing.B, platform string, bare bool) {
	call, err := calls[platform](b.Context())
	require.NoError(b, err)
	b.Cleanup(call.Close)
	way := call.Deliver
	if bare {
		way = call.Bare
	}
	b.ReportAllocs()
	b.ResetTimer()
	require.NoError(b, way(b.Context(), b.N))
}

func BenchmarkElevateCall(b *testing.B)      { benchmarkCall(b, "elevate", false) }
func BenchmarkElevateCallBare(b *testing.B)  { benchmarkCall(b, "elevate", true) }
func BenchmarkNotifiedCall(b *testing.B)     { benchmarkCall(b, "notified", false) }
func BenchmarkNotifiedCallBare(b *testing.B) { benchmarkCall(b, "notified", true) }

func TestCompareCalls(t *testing.T) {
	t.Parallel()
	for platform, open := range calls {
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			call, err := open(t.Context())
			require.NoError(t, err)
			t.Cleanup(call.Close)
			r, err := call.Compare(t.Context(), &Lab{Rounds: 2}, 20)
			require.NoError(t, err)
			require.Len(t, r.Values, 2)
			require.Len(t, r.Base, 2)
			require.Positive(t, r.Bare.Count)
			require.Positive(t, r.Client.Bytes)
			require.Contains(t, r.String(), platform+" client ÷ bare http.Client: ")
		})
	}
}
