package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// platform is both platforms, and notes what it gave.
type platform struct {
	mu    sync.Mutex
	has   map[string]bool
	gives map[string]int // by message, those that took effect
	calls []string
	// answer decides whether a call takes effect, and what it returns. Nil for success.
	answer func(call string) (effect bool, err error)
}

func newPlatform() *platform { return &platform{has: map[string]bool{}, gives: map[string]int{}} }

func unitsOf(g amsbridge.Grant) (all []string) {
	if g.Item.RemoteProductID != "" {
		return []string{string(g.User.ID) + " " + g.Item.RemoteProductID}
	}
	for _, k := range g.Item.AddOnKeys {
		all = append(all, fmt.Sprint(g.User.ID, " ", k))
	}
	return all
}

func (p *platform) called(verb string, g amsbridge.Grant) (bool, error) {
	call := verb + " " + strings.Join(unitsOf(g), ", ")
	p.calls = append(p.calls, call)
	if p.answer == nil {
		return true, nil
	}
	return p.answer(call)
}

func (p *platform) Give(_ context.Context, g amsbridge.Grant) (outbox.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	effect, err := p.called("give", g)
	if effect {
		p.gives[g.Key]++
		for _, u := range unitsOf(g) {
			p.has[u] = true
		}
	}
	return outbox.Result{}, err
}

func (p *platform) Take(_ context.Context, g amsbridge.Grant) (outbox.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g.Item.RemoteProductID != "" {
		return outbox.Result{}, &amsbridge.ByHandError{Task: "cancel " + g.Item.RemoteProductID}
	}
	effect, err := p.called("take", g)
	if effect {
		for _, u := range unitsOf(g) {
			delete(p.has, u)
		}
	}
	return outbox.Result{}, err
}

// everything is what people have, sorted.
func (p *platform) everything() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for u := range p.has {
		all = append(all, u)
	}
	slices.Sort(all)
	return all
}

// took returns the calls since the last time, sorted.
func (p *platform) took() (calls []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls, p.calls = p.calls, nil
	slices.Sort(calls)
	return calls
}
