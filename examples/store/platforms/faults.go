package platforms

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

// preset is a fault script that has a name.
type preset struct {
	Name, Says string
	script     elevatetest.Script
}

// presets are those of a platform, which refuses credentials by a fault of its
// own.
func presets(refusal elevatetest.Fault) []preset {
	all := func(f elevatetest.Fault) elevatetest.Script {
		return elevatetest.Script{Rate: 1, Faults: []elevatetest.Fault{f}}
	}
	return []preset{
		{"none", "The API behaves.", elevatetest.Script{}},
		{
			"slow", "Each call waits for two seconds.",
			all(elevatetest.Fault{Kind: elevatetest.Slow, Delay: 2 * time.Second}),
		},
		{
			"down", "Each call is answered with 503, and nothing is done.",
			all(elevatetest.Fault{Kind: elevatetest.Unavailable}),
		},
		{"refusing", "The shop’s credentials are refused.", all(refusal)},
	}
}

// faults say how a platform's API misbehaves at present. Its pages stay up.
type faults struct {
	Presets []preset
	follow  func(elevatetest.Script) error // has the platform follow it

	mu      sync.Mutex
	current int
}

// Current is the preset that the API follows.
func (f *faults) Current() preset {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Presets[f.current]
}

// set has the API follow a preset, and tells whether there is one of that name.
func (f *faults) set(name string) (known bool, err error) {
	i := slices.IndexFunc(f.Presets, func(p preset) bool { return p.Name == name })
	if i < 0 {
		return false, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.follow(f.Presets[i].script); err != nil {
		return true, err
	}
	f.current = i
	return true, nil
}

// setFaults takes the sandbox page's form, and that of any program:
//
//	curl -d preset=down http://127.0.0.1:8081/sandbox/faults
func (s *site) setFaults(w http.ResponseWriter, r *http.Request) {
	known, err := s.faults.set(r.PostFormValue("preset"))
	switch {
	case err != nil:
		s.log.ErrorContext(r.Context(), "the faults did not change", "platform", s.Name, "error", err)
		s.problem(w, r, http.StatusInternalServerError, "The faults did not change.")
	case !known:
		s.problem(w, r, http.StatusBadRequest, "There is no such preset.")
	default:
		http.Redirect(w, r, "/sandbox", http.StatusSeeOther)
	}
}

// showFaults answers with the preset's name, for programs.
func (s *site) showFaults(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(s.faults.Current().Name + "\n")) // the reader may be gone
}
