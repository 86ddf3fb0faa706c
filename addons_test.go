package amsbridge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// listed is the length of a part's key list as it is sent to Notified.
func listed(a AddOns) int {
	var texts []string
	for _, k := range a.Keys() {
		texts = append(texts, strconv.FormatInt(k, 10))
	}
	return len(strings.Join(texts, ","))
}

// requireSplit checks everything that is promised of the parts of a push.
func requireSplit(t *testing.T, whole AddOns, limit int) []AddOns {
	t.Helper()
	parts := whole.split(limit)
	var keys []int64
	byLine := map[string][]int64{}
	for i, part := range parts {
		require.Equal(t, []any{whole.OrderID, whole.ShowKey, whole.User}, []any{part.OrderID, part.ShowKey, part.User})
		if n := len(part.Keys()); n > 1 {
			require.LessOrEqual(t, listed(part), limit)
		}
		if i > 0 {
			joined := AddOns{Lines: append(slices.Clone(parts[i-1].Lines), LineAddOns{Keys: part.Keys()[:1]})}
			require.Greater(t, listed(joined), limit, "no part ends early")
		}
		keys = append(keys, part.Keys()...)
		for _, l := range part.Lines {
			require.NotEmpty(t, l.Keys)
			byLine[l.LineID] = append(byLine[l.LineID], l.Keys...)
		}
	}
	require.Equal(t, whole.Keys(), keys, "in numeric order, each key in one part")
	for _, l := range whole.Lines {
		want := slices.Compact(slices.Sorted(slices.Values(l.Keys)))
		require.Equal(t, want, byLine[l.LineID], "line %s", l.LineID)
	}
	require.Len(t, byLine, len(whole.Lines))
	return parts
}

func TestAddOnsAreSplitAtTheLimit(t *testing.T) {
	t.Parallel()
	nineDigits := func(n int) AddOns {
		a := AddOns{OrderID: "1001", ShowKey: 7, User: User{ID: "U-1"}, Lines: []LineAddOns{{LineID: "1"}}}
		for i := range n {
			a.Lines[0].Keys = append(a.Lines[0].Keys, int64(900_000_000-i))
		}
		return a
	}
	for keys, parts := range map[int]int{1: 1, 2: 1, 800: 1, 801: 2, 1600: 2, 1601: 3} {
		// Each key takes ten bytes with its comma, the last one nine: 800 keys take 7,999.
		require.Len(t, requireSplit(t, nineDigits(keys), MaxAddOnList), parts, "%d keys", keys)
	}
	exact := AddOns{Lines: []LineAddOns{{"1", []int64{1, 22, 333}}}} // 1,22,333 is 8 bytes
	require.Len(t, requireSplit(t, exact, 8), 1)
	require.Len(t, requireSplit(t, exact, 7), 2)
	require.Len(t, requireSplit(t, exact, 1), 3, "a key longer than the limit goes alone")
	require.Equal(t, 8000, MaxAddOnList, "Varchar 8000 in the vendor text")
}

func TestAddOnsOfTwoLinesShareTheirKeys(t *testing.T) {
	t.Parallel()
	a := AddOns{Lines: []LineAddOns{{"1", []int64{5, 1, 5}}, {"2", []int64{5, 9}}}}
	require.Equal(t, []int64{1, 5, 9}, a.Keys())
	parts := requireSplit(t, a, 3)
	require.Equal(t, []LineAddOns{{"1", []int64{1, 5}}, {"2", []int64{5}}}, parts[0].Lines)
	require.Equal(t, []LineAddOns{{"2", []int64{9}}}, parts[1].Lines)
	require.Equal(t, []int64{5, 1, 5}, a.Lines[0].Keys, "the catalogue's slice is not written to")
}

func randomAddOns(r *rand.Rand) AddOns {
	a := AddOns{OrderID: "1001", ShowKey: 7, User: User{ID: "U-1"}}
	for i := range 1 + r.IntN(6) {
		l := LineAddOns{LineID: fmt.Sprint(i)}
		for range 1 + r.IntN(400) {
			l.Keys = append(l.Keys, 1+r.Int64N([]int64{50, 5000, 1 << 62}[r.IntN(3)]))
		}
		a.Lines = append(a.Lines, l)
	}
	return a
}

func TestSplitOfRandomAddOns(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	r := rand.New(rand.NewPCG(seed, 0))
	for range 60 {
		a, limit := randomAddOns(r), []int{20, 100, 1000, MaxAddOnList}[r.IntN(4)]
		parts := requireSplit(t, a, limit)
		for i := range a.Lines {
			r.Shuffle(len(a.Lines[i].Keys), func(x, y int) {
				a.Lines[i].Keys[x], a.Lines[i].Keys[y] = a.Lines[i].Keys[y], a.Lines[i].Keys[x]
			})
		}
		require.Equal(t, parts, a.split(limit), "whatever order the keys come in")
	}
}

// FuzzSplit makes the keys of two lines from the fuzzer's bytes.
func FuzzSplit(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 255, 0}, uint8(3), uint16(10))
	f.Add([]byte{9}, uint8(0), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, mid uint8, limit uint16) {
		if len(b) == 0 {
			return
		}
		a := AddOns{OrderID: "o", ShowKey: 1}
		key := int64(1)
		for i, x := range b {
			key = key*int64(x%7)%1_000_003_000 + int64(x) + 1
			id := "1"
			if i > int(mid) {
				id = "2"
			}
			if n := len(a.Lines); n == 0 || a.Lines[n-1].LineID != id {
				a.Lines = append(a.Lines, LineAddOns{LineID: id})
			}
			l := &a.Lines[len(a.Lines)-1]
			l.Keys = append(l.Keys, key)
		}
		requireSplit(t, a, int(limit)+1)
	})
}

func TestALineThatOnlyRegistersGoesWithTheFirstPart(t *testing.T) {
	t.Parallel()
	a := AddOns{ShowPackageKey: 70, Lines: []LineAddOns{{LineID: "1"}, {"2", []int64{22, 333}}}}
	parts := a.split(3)
	require.Len(t, parts, 2)
	require.Equal(t, []LineAddOns{{LineID: "1"}, {"2", []int64{22}}}, parts[0].Lines)
	require.Equal(t, []LineAddOns{{"2", []int64{333}}}, parts[1].Lines)
	require.EqualValues(t, 70, parts[1].ShowPackageKey, "each part can be the first to arrive")
	a.Lines = a.Lines[:1]
	require.Equal(t, []AddOns{a}, a.split(3), "nothing but a registration")
}
