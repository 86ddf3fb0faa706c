package check_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
)

func TestIsNil(t *testing.T) {
	t.Parallel()
	var reader io.Reader
	var pointer *strings.Reader
	for _, v := range []any{nil, reader, pointer, http.HandlerFunc(nil)} {
		require.True(t, check.IsNil(v), "%T", v)
	}
	for _, v := range []any{strings.NewReader(""), http.NotFoundHandler(), http.Header(nil), []string(nil), 0, ""} {
		require.False(t, check.IsNil(v), "%T", v)
	}
}
