package install

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The pinned axe-core: the sum is the registry's own "integrity" of the tarball.
const (
	AxeVersion = "4.14.1"
	axeSum     = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)

// axeFile is the script within the tarball, of some 650 KB.
const (
	axeFile = "package/axe.min.js"
	axeMax  = 4 << 20
)

// errNotAxe is returned for a tarball that is not the pinned one.
var errNotAxe = errors.New("its SHA-512 is not the pinned one")

// Axe returns the script of the pinned axe-core. The tarball is fetched with npm
// once, kept in the user's cache folder, and checked against the pinned sum each
// time.
func Axe(ctx context.Context, out io.Writer) (string, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		folder = os.TempDir()
	}
	folder = filepath.Join(folder, "amsbridge-e2e")
	kept := filepath.Join(folder, "axe-core-"+AxeVersion+".tgz")
	if script, err := axeFrom(kept); err == nil {
		return script, nil
	}
	if err := fetchAxe(ctx, out, folder, kept); err != nil {
		return "", err
	}
	return axeFrom(kept)
}

// fetchAxe has npm fetch the tarball beside its place, and moves it there whole.
func fetchAxe(ctx context.Context, out io.Writer, folder, kept string) error {
	if found("npm") == "" {
		if err := debian(ctx, out, "npm", "npm", "ca-certificates"); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(folder, "fetch-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(fresh) }() // only a cache
	wanted := "axe-core@" + AxeVersion
	_, _ = fmt.Fprintf(out, "e2e: fetching %s with npm\n", wanted)
	err = command(ctx, "npm", "pack", "--loglevel=error", "--pack-destination", fresh, wanted)
	if err != nil {
		how := "npm could not fetch " + wanted + "; put its tarball to " + kept
		return missing("axe-core", how, err)
	}
	tarball := filepath.Join(fresh, filepath.Base(kept))
	if _, err := axeFrom(tarball); err != nil {
		return missing("axe-core", "npm fetched something else", err)
	}
	return os.Rename(tarball, kept)
}

// axeFrom reads the script from a tarball that is the pinned one.
func axeFrom(path string) (string, error) {
	tarball, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return script(tarball, axeSum)
}

func script(tarball []byte, sum string) (string, error) {
	if got := sha512.Sum512(tarball); base64.StdEncoding.EncodeToString(got[:]) != sum {
		return "", errNotAxe
	}
	plain, err := gzip.NewReader(bytes.NewReader(tarball))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(plain); ; {
		file, err := files.Next()
		if err != nil {
			return "", fmt.Errorf("%s: %w", axeFile, err)
		}
		if file.Name == axeFile {
			text, err := io.ReadAll(io.LimitReader(files, axeMax))
			return string(text), err
		}
	}
}
