package install

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func tarball(t *testing.T, name, text string) (packed []byte, sum string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}))
	_, err := io.WriteString(w, text)
	require.NoError(t, errors.Join(err, w.Close(), z.Close()))
	digest := sha512.Sum512(b.Bytes())
	return b.Bytes(), base64.StdEncoding.EncodeToString(digest[:])
}

func TestOnlyThePinnedScriptIsTaken(t *testing.T) {
	t.Parallel()
	packed, sum := tarball(t, axeFile, "the script")
	text, err := script(packed, sum)
	require.NoError(t, err)
	require.Equal(t, "the script", text)

	_, err = script(packed, axeSum)
	require.ErrorIs(t, err, errNotAxe, "another tarball than the pinned one")

	packed, sum = tarball(t, "package/README.md", "no script")
	_, err = script(packed, sum)
	require.ErrorIs(t, err, io.EOF)

	_, err = axeFrom(t.TempDir() + "/none.tgz")
	require.Error(t, err)
}

func TestMissingSaysWhatToDo(t *testing.T) {
	t.Parallel()
	cause := errors.New("exit status 100")
	err := missing("Chromium", "as root, run: apt-get install chromium", cause)
	require.EqualError(t, err, "Chromium is missing: as root, run: apt-get install chromium (exit status 100)")
	require.ErrorIs(t, err, cause)
}
