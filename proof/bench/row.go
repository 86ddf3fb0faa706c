package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Row is one line of the result.
type Row struct {
	// Name says what is divided by what, or what is measured.
	Name string
	// Values are those of the rounds: ratios, or figures in Unit.
	Values []float64
	// Unit is empty for ratios.
	Unit string
	// Bar is what is to be reached.
	Bar Bar
	// Base are the rounds' figures of what is divided by, in BaseUnit. Empty
	// where Values are no ratios.
	Base     []float64
	BaseUnit string
}

// Bar is what a row is to reach. The zero value is none.
type Bar struct{ AtLeast, AtMost float64 }

func atLeast(v float64) Bar { return Bar{AtLeast: v} }
func atMost(v float64) Bar  { return Bar{AtMost: v} }

// String returns the bar, such as "≥ 0.55".
func (b Bar) String() string {
	switch {
	case b.AtLeast > 0:
		return "≥ " + short(b.AtLeast)
	case b.AtMost > 0:
		return "≤ " + short(b.AtMost)
	}
	return "–"
}

// Median is that of the rounds.
func (r Row) Median() float64 { return median(r.Values) }

// Verdict is "met", "missed", or "–" where there is no bar. The median decides.
func (r Row) Verdict() string {
	switch m := r.Median(); {
	case r.Bar == Bar{}:
		return "–"
	case r.Bar.AtLeast > 0 && m < r.Bar.AtLeast, r.Bar.AtMost > 0 && m > r.Bar.AtMost:
		return "missed"
	}
	return "met"
}

// String returns the median with the least and the greatest, the bar, whether it
// was met, and the base's own figure.
func (r Row) String() string {
	return fmt.Sprintf("%s: %s, %d rounds; bar %s: %s%s", r.Name, r.value(), len(r.Values), r.Bar, r.Verdict(), prefixed("; base ", r.base()))
}

func (r Row) value() string { return spread(r.Values, r.Unit) }

func (r Row) base() string {
	if len(r.Base) == 0 {
		return ""
	}
	return spread(r.Base, r.BaseUnit)
}

func spread(values []float64, unit string) string {
	return fmt.Sprintf("%s%s (%s–%s)", short(median(values)), prefixed(" ", unit), short(slices.Min(values)), short(slices.Max(values)))
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// short writes three digits, or all of a large number's whole part.
func short(v float64) string {
	switch {
	case v >= 1000:
		return thousands(int64(v + 0.5))
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 0.001:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return "0"
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	var parts []string
	for len(s) > 3 {
		parts = append([]string{s[len(s)-3:]}, parts...)
		s = s[:len(s)-3]
	}
	return strings.Join(append([]string{s}, parts...), ",")
}

// Markdown returns the rows as a table.
func Markdown(rows []Row) string {
	var b strings.Builder
	b.WriteString("| What | Median (least–greatest) | Bar | | Base |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.Name, r.value(), r.Bar, r.Verdict(), r.base())
	}
	return b.String()
}
