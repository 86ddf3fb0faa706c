package elevate_test

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/elevate"
)

// The profile in docs/connect-elevate.md needs nothing but names in its gaps, and is refused with the gaps. The
// page says what each field of a profile is.
func TestThePageOnConnectingHasAProfile(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/connect-elevate.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(page), "```json\n")
	require.True(t, ok)
	template, _, ok := strings.Cut(rest, "```")
	require.True(t, ok)
	_, err = elevate.ReadProfile(strings.NewReader(template))
	require.ErrorContains(t, err, "is the path of another field too")

	gaps := 0
	filled := regexp.MustCompile(`"…"`).ReplaceAllStringFunc(template, func(string) string {
		gaps++
		return strconv.Quote("name" + strconv.Itoa(gaps))
	})
	p, err := elevate.ReadProfile(strings.NewReader(filled))
	require.NoError(t, err)
	require.NoError(t, p.Check())
	require.Equal(t, []string{"name8"}, p.Success)

	for i := range reflect.TypeFor[elevate.Profile]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[elevate.Profile]().Field(i).Tag.Get("json"), ",")
		require.Contains(t, string(page), "`"+name+"`", "a field of a profile")
	}
	var known map[string]any
	require.NoError(t, json.Unmarshal([]byte(template), &known))
	require.Len(t, known, 14)
}
