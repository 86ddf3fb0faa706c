package platforms

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

// climate is a way for a platform's API to behave.
type climate struct {
	Name, Says string
	faults     []elevatetest.Fault
}

// climates are those of a platform that refuses credentials by a fault of its
// own.
func climates(refusal elevatetest.Fault) []climate {
	return []climate{
		{"fine", "The API behaves.", nil},
		{"slow", "Each call waits for two seconds.", []elevatetest.Fault{{Kind: elevatetest.Slow, Delay: 2 * time.Second}}},
		{"down", "Each call is answered with 503, and nothing is done.", []elevatetest.Fault{{Kind: elevatetest.Unavailable}}},
		{"refusing", "The shop’s credentials are refused.", []elevatetest.Fault{refusal}},
	}
}

// weather is how a platform's API behaves at present. Its pages stay up.
type weather struct {
	climates []climate
	follow   func(elevatetest.Script) error

	mu  sync.Mutex
	now int
}

// Climates are all that there are, for the page.
func (w *weather) Climates() []climate { return w.climates }

// Now is the present one.
func (w *weather) Now() climate {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.climates[w.now]
}

// set changes the weather, and tells whether there is such a one.
func (w *weather) set(name string) (known bool, err error) {
	i := slices.IndexFunc(w.climates, func(c climate) bool { return c.Name == name })
	if i < 0 {
		return false, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	script := elevatetest.Script{Faults: w.climates[i].faults}
	if len(script.Faults) > 0 {
		script.Rate = 1
	}
	if err := w.follow(script); err != nil {
		return true, err
	}
	w.now = i
	return true, nil
}

// changeWeather takes the sandbox page's form, and that of any program:
//
//	curl -d weather=down http://127.0.0.1:8081/sandbox/weather
func (s *site) changeWeather(w http.ResponseWriter, r *http.Request) {
	known, err := s.weather.set(r.PostFormValue("weather"))
	switch {
	case err != nil:
		s.log.ErrorContext(r.Context(), "the weather did not change", "platform", s.Name, "error", err)
		s.problem(w, r, http.StatusInternalServerError, "The weather did not change.")
	case !known:
		s.problem(w, r, http.StatusBadRequest, "There is no such weather.")
	default:
		http.Redirect(w, r, "/sandbox", http.StatusSeeOther)
	}
}

// tellWeather answers with the weather's name, for programs.
func (s *site) tellWeather(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(s.weather.Now().Name + "\n")) // the reader may be gone
}
