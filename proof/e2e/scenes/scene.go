// Package scenes is the store's story and that of the sandboxes' page, played by
// people with browsers. Each scene has a store and a browser of its own, so that
// none depends on another.
package scenes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/proof/e2e/browse"
	"github.com/amsbridge/amsbridge/proof/e2e/stage"
	"github.com/amsbridge/amsbridge/proof/e2e/watch"
)

// Scene is a part of the story.
type Scene struct {
	// Name begins the names of its pictures.
	Name string
	// Story says in a sentence what happens.
	Story string
	play  func(*set)
}

// set is what a scene plays on.
type set struct {
	*browse.Browser
	store   *stage.Store
	foreign *stage.Foreign
	watch   *watch.Watch
	// sandboxes starts the program that serves both to other shops.
	sandboxes func() (*stage.Sandbox, error)
	err       error
}

// fail ends the scene for another reason than what a person sees.
func (s *set) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// Result is what came of a scene.
type Result struct {
	Scene    Scene
	Pages    map[string]bool
	Findings []watch.Finding
	// HandOffs and Referers count what there was to look at: a rule that had
	// nothing to judge proves nothing.
	HandOffs, Referers int
	Took               time.Duration
	// Err says why it was not played to its end.
	Err error
}

// Crew is what all scenes need.
type Crew struct {
	// Store and Sandbox are the programs, Chromium is the browser's.
	Store, Sandbox, Chromium string
	// Axe is the script of axe-core, and Shots the folder of the pictures.
	Axe, Shots string
}

// Play plays a scene.
func (c Crew) Play(ctx context.Context, scene Scene) (r Result) {
	r.Scene = scene
	began := time.Now()
	defer func() { r.Took = time.Since(began) }()
	folder, err := os.MkdirTemp("", "amsbridge-e2e-")
	if err != nil {
		r.Err = err
		return r
	}
	defer func() { r.Err = errors.Join(r.Err, os.RemoveAll(folder)) }()
	store, err := stage.Start(ctx, c.Store, folder)
	if err != nil {
		r.Err = err
		return r
	}
	defer func() { r.Err = errors.Join(r.Err, store.Stop()) }()
	foreign, err := stage.NewForeign()
	if err != nil {
		r.Err = err
		return r
	}
	defer func() { r.Err = errors.Join(r.Err, foreign.Close()) }()
	seen := watch.New()
	browser, end, err := browse.Start(ctx, browse.Config{
		Chromium: c.Chromium, Axe: c.Axe, Shots: c.Shots, Scene: scene.Name, Watch: seen,
	})
	if err != nil {
		r.Err = err
		return r
	}
	defer end()
	var stops []func() error
	defer func() {
		for _, stop := range stops {
			r.Err = errors.Join(r.Err, stop())
		}
	}()
	s := &set{Browser: browser, store: store, foreign: foreign, watch: seen, sandboxes: func() (*stage.Sandbox, error) {
		sandbox, err := stage.StartSandbox(ctx, c.Sandbox)
		if err == nil {
			stops = append(stops, sandbox.Stop)
		}
		return sandbox, err
	}}
	scene.play(s)
	seen.Logged(store.Log())
	r.Pages, r.Findings = browser.Pages(), seen.Findings()
	r.HandOffs, r.Referers = len(seen.HandOffs()), seen.Referers()
	r.Err = errors.Join(browser.Err(), s.err)
	if r.Err != nil && store.Log() != "" {
		r.Err = fmt.Errorf("%w\nthe store's log:\n%s", r.Err, lastLines(store.Log(), 12))
	}
	return r
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
