package keytest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Printed returns values in all the ways in which a program prints and logs them.
func Printed(t testing.TB, values ...any) string {
	t.Helper()
	var out bytes.Buffer
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			_, err := fmt.Fprintf(&out, verb+"\n", v)
			require.NoError(t, err)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "v", v)
		if encoded, err := json.Marshal(v); err == nil { // a function it has no word for
			out.Write(encoded)
		}
	}
	return out.String()
}

// NoSecret fails where a text holds the secret in any form in which Go prints or
// encodes bytes.
func NoSecret(t testing.TB, text string, secret []byte) {
	t.Helper()
	for _, form := range []string{
		fmt.Sprintf("%x", secret[:8]), fmt.Sprintf("%X", secret[:8]), string(secret[:8]),
		new(big.Int).SetBytes(secret).String()[:16],
		strings.Trim(fmt.Sprint(secret[:8]), "[]"), strings.Trim(fmt.Sprintf("%#v", secret[:4])[6:], "{}"),
		base64.RawURLEncoding.EncodeToString(secret)[:10], base64.StdEncoding.EncodeToString(secret)[:10],
	} {
		require.False(t, strings.Contains(text, form), "the secret is there, as %s", form)
	}
}
