package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

// script is what a sandbox follows; both take the same.
type script = elevatetest.Script

// preset is a weather that has a name.
type preset struct {
	Name, Label string
	script      script
}

// rough is the one preset with a seed.
const rough = "rough"

// presets are the weathers of a platform, which answers refused credentials by
// a fault of its own.
func presets(refusal elevatetest.Fault) []preset {
	all := func(faults ...elevatetest.Fault) script { return script{Rate: 1, Faults: faults} }
	return []preset{
		{"fine", "fine: it behaves", script{}},
		{"slow", "slow: each call waits for 2 seconds", all(elevatetest.Fault{Kind: elevatetest.Slow, Delay: 2 * time.Second})},
		{"down", "down: 503, and nothing is done", all(elevatetest.Fault{Kind: elevatetest.Unavailable})},
		{"refusing", "refuses the credentials", all(refusal)},
		{"cutting", "cuts answers: the call is carried out, and its answer lost", all(
			elevatetest.Fault{Kind: elevatetest.CutAfter}, elevatetest.Fault{Kind: elevatetest.Truncate})},
		{rough, "rough: 30 % of the calls fail, in all ways", script{Rate: 0.3}},
	}
}

// weather is how a platform behaves at present. It is safe for concurrent use.
type weather struct {
	presets []preset
	follow  func(script) error

	mu     sync.Mutex
	name   string // a preset's, or "script"
	script script
}

// own is the name of a weather that is somebody's script.
const own = "script"

func (w *weather) set(name string, s script) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.follow(s); err != nil {
		return err
	}
	w.name, w.script = name, s
	return nil
}

// setPreset takes the seed as it was typed; empty is 0.
func (w *weather) setPreset(name, seed string) error {
	i := slices.IndexFunc(w.presets, func(p preset) bool { return p.Name == name })
	if i < 0 {
		return badAt("weather", "is none of the list")
	}
	s := w.presets[i].script
	if name == rough && seed != "" {
		var err error
		if s.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
			return badAt("seed", "is not a whole number from 0")
		}
	}
	return w.set(name, s)
}

func (w *weather) setScript(text string) error {
	s, err := elevatetest.ParseScript([]byte(text))
	if err != nil {
		return err
	}
	return w.set(own, s)
}

// now returns the weather's name, its seed, and its script as text.
func (w *weather) now() (name string, seed uint64, text string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b, err := json.MarshalIndent(w.script, "", "  ")
	return w.name, w.script.Seed, string(b), err
}
