package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

// script is what a sandbox follows; both take the same.
type script = elevatetest.Script

// preset is a script that has a name.
type preset struct {
	Name, Label string
	script      script
}

// The names of what the page treats in a way of its own.
const (
	noFaults  = "none"   // the preset that behaves
	random    = "random" // the one preset with a seed
	ownScript = "script" // no preset, but what somebody wrote
)

// presets are those of a platform, which answers refused credentials by a fault
// of its own.
func presets(refusal elevatetest.Fault) []preset {
	all := func(faults ...elevatetest.Fault) script { return script{Rate: 1, Faults: faults} }
	return []preset{
		{noFaults, "none", script{}},
		{"slow", "slow: each call waits for 2 seconds", all(
			elevatetest.Fault{Kind: elevatetest.Slow, Delay: 2 * time.Second})},
		{"down", "down: 503, and nothing is done", all(elevatetest.Fault{Kind: elevatetest.Unavailable})},
		{"refusing", "refuses the credentials", all(refusal)},
		{"cutting", "cuts answers: the call is carried out, and its answer lost", all(
			elevatetest.Fault{Kind: elevatetest.CutAfter}, elevatetest.Fault{Kind: elevatetest.Truncate})},
		{random, "random: 30 % of the calls fail, in all ways", script{Rate: 0.3}},
	}
}

// faults say how a platform misbehaves at present. They are safe for concurrent
// use.
type faults struct {
	presets []preset
	follow  func(script) error // has the platform follow it

	mu     sync.Mutex
	name   string // a preset's, or ownScript
	script script
}

func (f *faults) set(name string, s script) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.follow(s); err != nil {
		return err
	}
	f.name, f.script = name, s
	return nil
}

// setPreset takes the seed as it was typed; empty is 0.
func (f *faults) setPreset(name, seed string) error {
	i := slices.IndexFunc(f.presets, func(p preset) bool { return p.Name == name })
	if i < 0 {
		return errors.New("preset is none of the list")
	}
	s := f.presets[i].script
	if name == random && seed != "" {
		var err error
		if s.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
			return errors.New("seed is not a whole number from 0")
		}
	}
	return f.set(name, s)
}

func (f *faults) setScript(text string) error {
	s, err := elevatetest.ParseScript([]byte(text))
	if err != nil {
		return err
	}
	return f.set(ownScript, s)
}

// now returns the preset's name, its seed, and the script as text.
func (f *faults) now() (name string, seed uint64, text string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := json.MarshalIndent(f.script, "", "  ")
	return f.name, f.script.Seed, string(b), err
}
