package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// figure is one row of the table.
type figure struct {
	what   string
	unit   string
	values []float64 // one per round
	atMost bool      // the target is an upper bound
	target float64   // NaN means that the figure is there to explain others
}

// measured is a figure that explains others.
func measured(what, unit string, values []float64) figure {
	return figure{what: what, unit: unit, values: values, target: math.NaN()}
}

// atLeast is a figure whose median should reach a target.
func atLeast(target float64, what, unit string, values []float64) figure {
	return figure{what: what, unit: unit, values: values, target: target}
}

// atMost is a figure whose median should not exceed a target.
func atMost(target float64, what, unit string, values []float64) figure {
	return figure{what: what, unit: unit, values: values, target: target, atMost: true}
}

const header = "| what | unit | minimum | median | maximum | to reach | |\n|---|---|--:|--:|--:|--:|---|\n"

// row is the figure as a line of the table. The verdict is about the median.
func (f figure) row() string {
	low, mid, high := f.spread()
	target, verdict := "", ""
	if !math.IsNaN(f.target) {
		sign, holds := "≥", mid >= f.target
		if f.atMost {
			sign, holds = "≤", mid <= f.target
		}
		target, verdict = sign+" "+show(f.target), "pass"
		if !holds {
			verdict = "**FAIL**"
		}
	}
	return fmt.Sprintf("| %s |\n", strings.Join([]string{f.what, f.unit, show(low), show(mid), show(high), target, verdict}, " | "))
}

// spread returns the minimum, the median (of an even number, the mean of the two in the middle) and the maximum.
func (f figure) spread() (low, mid, high float64) {
	v := slices.Sorted(slices.Values(f.values))
	n := len(v)
	if n == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	return v[0], (v[(n-1)/2] + v[n/2]) / 2, v[n-1]
}

// show writes a number with three significant digits, and thousands with separators.
func show(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "–"
	case a == 0:
		return "0"
	case a >= 1000:
		digits := fmt.Sprintf("%.0f", a)
		scale := math.Pow(10, float64(len(digits)-3))
		digits = fmt.Sprintf("%.0f", math.Round(a/scale)*scale)
		for i := len(digits) - 3; i > 0; i -= 3 {
			digits = digits[:i] + "," + digits[i:]
		}
		if x < 0 {
			digits = "-" + digits
		}
		return digits
	default:
		decimals := max(0, 2-int(math.Floor(math.Log10(a))))
		text := fmt.Sprintf("%.*f", decimals, x)
		if strings.Contains(text, ".") {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
		return text
	}
}
