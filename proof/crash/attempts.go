package crash

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// marking adds to the key of each call which attempt it is of, and whether that is marked as a possible
// duplicate, so that the platforms' journals tell.
type marking struct {
	amsbridge.Platform
	attempts atomic.Int64
}

// processNumber tells the attempts of one process from those of others.
var processNumber = fmt.Sprint(time.Now().UnixNano())

// Give implements [amsbridge.Platform].
func (m *marking) Give(ctx context.Context, g amsbridge.Grant) (outbox.Result, error) {
	a := attempt{key: g.Key, marked: g.Doubt != 0, of: fmt.Sprintf("%s-%d", processNumber, m.attempts.Add(1))}
	g.Key = a.String()
	return m.Platform.Give(ctx, g)
}

// attempt is one attempt at a message.
type attempt struct {
	key    string
	marked bool
	of     string // an ID of its own
}

func (a attempt) String() string { return fmt.Sprintf("%s~%t~%s", a.key, a.marked, a.of) }

func readAttempt(text string) attempt {
	key, rest, _ := strings.Cut(text, "~")
	marked, of, _ := strings.Cut(rest, "~")
	return attempt{key, marked == "true", of}
}

// visit is what a platform saw of an attempt.
type visit struct {
	attempt
	from, to time.Time
}

// visits are all calls that a platform saw, those included that it did not carry out. It is safe for concurrent
// use.
type visits struct {
	mu  sync.Mutex
	all []visit
}

// seen has h's calls noted.
func (v *visits) seen(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one := visit{attempt: readAttempt(r.Header.Get("Amsbridge-Key")), from: time.Now()}
		defer func() {
			one.to = time.Now()
			v.mu.Lock()
			defer v.mu.Unlock()
			v.all = append(v.all, one)
		}()
		h.ServeHTTP(w, r)
	})
}

// attempts returns one visit for each attempt, by their beginning.
func (v *visits) attempts() []visit {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := map[attempt]int{}
	var out []visit
	for _, one := range v.all {
		i, seen := at[one.attempt]
		if !seen {
			at[one.attempt] = len(out)
			out = append(out, one)
			continue
		}
		if one.from.Before(out[i].from) {
			out[i].from = one.from
		}
		if one.to.After(out[i].to) {
			out[i].to = one.to
		}
	}
	slices.SortFunc(out, func(a, b visit) int { return a.from.Compare(b.from) })
	return out
}

// judge counts what must not be among the attempts: two of one person at a platform at the same moment, first
// attempts that are not in the order of insertion, and repeats of what a platform carried out that are not
// marked, but for requests that were on their way when their process was frozen: nobody can call them back, it was
// their successors that were marked, and a platform may keep such a call open until the process goes on.
func (r *Report) judge(all []visit, received []arrival, thawed []time.Time) {
	pushOf, carriedOut := map[string]push{}, map[attempt]bool{}
	for _, a := range received {
		if !strings.HasSuffix(a.push.What, "/") { // a call of an attempt that only looks
			pushOf[a.key] = a.push
		}
		carriedOut[a.attempt] = true
	}
	type person struct{ platform, id string }
	begun, done := map[string]bool{}, map[string]bool{}
	last, until := map[person]push{}, map[person]time.Time{}
	for _, v := range all {
		p, known := pushOf[v.key]
		if !known {
			continue // it is among the lost
		}
		who := person{p.Platform, p.Person}
		if v.from.Before(until[who]) {
			r.AtOnce++
			r.note("at once", v, p)
		}
		if !slices.ContainsFunc(thawed, func(t time.Time) bool { return v.from.Before(t) && !v.to.Before(t) }) {
			until[who] = later(until[who], v.to)
		}
		if !begun[v.key] {
			if l, ok := last[who]; ok && p.before(l) {
				r.OutOfOrder++
				r.note(fmt.Sprintf("out of order after %s", l.What), v, p)
			} else if !ok || l.before(p) {
				last[who] = p
			}
		}
		if done[v.key] && !v.marked && !within(time.Second, v.from, thawed) {
			r.Unmarked++
			r.note("unmarked", v, p)
		}
		begun[v.key], done[v.key] = true, done[v.key] || carriedOut[v.attempt]
	}
}

// note keeps what was wrong, a few times.
func (r *Report) note(what string, v visit, p push) {
	const most = 8
	if len(r.Wrong) < most {
		r.Wrong = append(r.Wrong, fmt.Sprintf("%s: %s to %s of %s at %s by %s", what, p.What, p.Platform, p.Person, v.from.Format("15:04:05.000"), v.of))
	}
}

// before tells whether a push of a person was inserted before another one of theirs.
func (p push) before(q push) bool {
	pNumber, pLine := p.line()
	qNumber, qLine := q.line()
	return cmp.Or(cmp.Compare(pNumber, qNumber), cmp.Compare(pLine, qLine)) < 0
}

// within tells whether one of the times was so shortly before.
func within(soon time.Duration, at time.Time, times []time.Time) bool {
	return slices.ContainsFunc(times, func(t time.Time) bool { return !t.After(at) && at.Sub(t) < soon })
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
