package bench

import (
	"context"
	"fmt"
	"regexp"
)

// Lab is where measurements are made.
type Lab struct {
	Servers Servers
	// Engines are those to measure on.
	Engines []Engine
	// Rounds is the most rounds that count; slow measurements take fewer.
	Rounds int
	// Scale divides every size, for a run that only shows that all works. At
	// least 1.
	Scale int
}

// Measurement is one or more rows that are measured together.
type Measurement struct {
	// Name begins the names of its rows.
	Name string
	run  func(ctx context.Context, l *Lab) ([]Row, error)
}

// Run measures. A measurement whose engines are not among the lab's has no rows.
func (m Measurement) Run(ctx context.Context, l *Lab) ([]Row, error) {
	rows, err := m.run(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	for i := range rows {
		rows[i].Name = m.Name + ": " + rows[i].Name
	}
	return rows, nil
}

// Measurements returns those whose name matches, in the order of the table of
// bars.
func Measurements(only *regexp.Regexp) []Measurement {
	var out []Measurement
	for _, m := range measurements {
		if only.MatchString(m.Name) {
			out = append(out, m)
		}
	}
	return out
}

// size is n scaled down, and at least the least that makes sense.
func (l *Lab) size(n, least int) int { return max(n/l.Scale, least) }

// engine finds one of the lab's.
func (l *Lab) engine(name string) (Engine, bool) {
	for _, e := range l.Engines {
		if e.Name == name {
			return e, true
		}
	}
	return Engine{}, false
}

// main is the engine of the bars that name none: pgx, or else PostgreSQL in the
// other way.
func (l *Lab) main() (Engine, bool) {
	if e, ok := l.engine(PGX); ok {
		return e, true
	}
	return l.engine(Postgres)
}
