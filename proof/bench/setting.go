package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// EnginesNamed returns the engines of a list of names, parted by commas.
func EnginesNamed(names string) ([]Engine, error) {
	var out []Engine
	for name := range strings.SplitSeq(names, ",") {
		e, err := engineNamed(name)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// Setting says what a run measures on: the day, the machine, and the versions of
// databases, drivers and peers.
func (l *Lab) Setting(ctx context.Context) (string, error) {
	lines := []string{time.Now().Format(time.DateOnly) + ": " + machine()}
	for _, e := range l.Engines {
		version, err := e.version(ctx, l.Servers)
		if err != nil {
			return "", err
		}
		lines = append(lines, e.Name+": "+version)
	}
	return strings.Join(append(lines, "modules: "+modules()), "\n"), nil
}

func (e Engine) version(ctx context.Context, servers Servers) (version string, err error) {
	o, _, err := e.fresh(ctx, servers)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	return o.Version(ctx)
}

// machine is what Linux says of the processor.
func machine() string {
	model := "processor unknown"
	info, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
			}
		}
	}
	return fmt.Sprintf("%d × %s, %s %s/%s", runtime.NumCPU(), model, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// modules are the versions that were built in of what the figures depend on.
func modules() string {
	shown := []string{
		"github.com/ThreeDotsLabs/watermill-sql/v4", "github.com/go-sql-driver/mysql", "github.com/hashicorp/go-retryablehttp",
		"github.com/jackc/pgx/v5", "github.com/riverqueue/river", "modernc.org/sqlite",
	}
	var found []string
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if slices.Contains(shown, m.Path) {
				found = append(found, m.Path+" "+m.Version)
			}
		}
	}
	return strings.Join(found, ", ")
}
