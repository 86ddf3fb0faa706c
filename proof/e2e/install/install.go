// Package install puts on this machine what the browser run needs and finds
// missing: Chromium, fonts and npm from Debian's packages, and axe-core from
// the npm registry. Nothing of it lands in the source tree.
package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// missing says what this machine lacks, and what a person can do about it.
func missing(what, remedy string, cause error) error {
	if cause == nil {
		return fmt.Errorf("%s is missing: %s", what, remedy)
	}
	return fmt.Errorf("%s is missing: %s (%w)", what, remedy, cause)
}

// Chromium returns the path of the browser. On a Debian machine without one it
// is installed, if this process is root's.
func Chromium(ctx context.Context, out io.Writer) (string, error) {
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if path := found(names...); path != "" {
		return path, nil
	}
	// A machine without any font shows boxes, and axe-core measures them.
	if err := debian(ctx, out, "Chromium", "chromium", "fonts-liberation", "fonts-dejavu-core"); err != nil {
		return "", err
	}
	if path := found(names...); path != "" {
		return path, nil
	}
	return "", missing("Chromium", "the package brought no program called chromium", nil)
}

func found(names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// debian installs packages, or says why it cannot.
func debian(ctx context.Context, out io.Writer, what string, packages ...string) error {
	by := "apt-get install " + strings.Join(packages, " ")
	switch {
	case found("apt-get") == "":
		return missing(what, "install it by hand: this is no Debian machine", nil)
	case os.Getuid() != 0:
		return missing(what, "this process is not root; as root, run: "+by, nil)
	}
	_, _ = fmt.Fprintf(out, "e2e: installing %s: %s\n", what, by)
	// An old package list names versions that the mirror has no longer.
	update := command(ctx, "apt-get", "update", "-q")
	options := []string{"install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"}
	install := command(ctx, "apt-get", append(options, packages...)...)
	if err := errors.Join(update, install); install != nil {
		return missing(what, "no package could be fetched; with a network, run: "+by, err)
	}
	return nil
}

// command runs a program, and returns the end of what it said if it fails.
func command(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	said, err := cmd.CombinedOutput()
	if err != nil {
		text := strings.Join(strings.Fields(string(said)), " ")
		return fmt.Errorf("%s: %w: %s", name, err, text[max(0, len(text)-400):])
	}
	return nil
}
