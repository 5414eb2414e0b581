package space

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// axis is one parameter made ready for use. Where its feasible values can be counted they have ranks from 0 to count-1 in
// increasing order, and an assignment holds the value of a rank: the number itself, or for lists the rank.
type axis struct {
	count    uint64 // how many values are feasible; 0 for reals without a step
	min, max float64
	step     float64

	// Value k of a stepped axis is (first + k·stride) / unit with unit a power of ten, so that 0.01 + 2·0.01 is 0.03 and not
	// 0.030000000000000002. unit is 0 where that does not fit into float64 exactly; then the value is min + k·step.
	first, stride int64
	unit          float64

	flat  bool // every rank is equally likely
	scale scale
	texts []string       // values of a list, by rank
	ranks map[string]int // ranks of a list's values
	// numbers are the values of a Discrete by rank; nil for a Categorical.
	numbers []float64
}

func newAxis(p *Parameter) axis {
	switch p.Type {
	case Discrete, Categorical:
		return newListAxis(p)
	default:
		return newNumericAxis(p)
	}
}

func newListAxis(p *Parameter) axis {
	a := axis{count: uint64(len(p.List)), flat: true, texts: slices.Clone(p.List), ranks: make(map[string]int, len(p.List))}
	if p.Type == Discrete {
		type entry struct {
			text string
			v    float64
		}
		entries := make([]entry, len(p.List))
		for i, text := range p.List {
			v, _ := parseNumber(text) // checked before
			entries[i] = entry{text, v}
		}
		slices.SortFunc(entries, func(x, y entry) int { return cmp.Compare(x.v, y.v) })
		a.numbers = make([]float64, len(entries))
		for i, e := range entries {
			a.texts[i], a.numbers[i] = e.text, e.v
		}
	}
	for i, text := range a.texts {
		a.ranks[text] = i
	}
	return a
}

func newNumericAxis(p *Parameter) axis {
	a := axis{min: p.Min, max: p.Max, step: p.Step}
	switch {
	case a.min == a.max:
		a.count, a.step = 1, 0
	case a.step > 0:
		a.countSteps()
	}
	a.flat = a.count > 0 && (p.Distribution == Uniform || p.Distribution == "" || a.count == 1)
	if a.flat {
		return a
	}
	from, to := 0.0, a.max-a.min
	if a.count > 0 {
		// Every value owns the numbers nearest to it, so the first and the last own half a step outside. The logarithm
		// ends at 0: there the first value owns no less than half of itself.
		from, to = -a.step/2, (float64(a.count)-0.5)*a.step
		if p.logarithmic() {
			from = max(from, -a.min/2)
		}
	}
	a.scale = newScale(p.Distribution, a.min, a.max-a.min, from, to)
	return a
}

// countSteps sets count, and first, stride and unit where the decimals allow it.
func (a *axis) countSteps() {
	places := max(decimalPlaces(a.min), decimalPlaces(a.max), decimalPlaces(a.step))
	first, ok1 := decimalDigits(a.min, places)
	last, ok2 := decimalDigits(a.max, places)
	stride, ok3 := decimalDigits(a.step, places)
	if places <= 22 && ok1 && ok2 && ok3 { // 10^22 is the largest power of ten that float64 holds exactly
		a.first, a.stride, a.unit = first, stride, math.Pow10(places)
		a.count = uint64(last-first)/uint64(stride) + 1
		return
	}
	steps := (a.max - a.min) / a.step
	whole := math.Floor(steps)
	if steps-whole > 1-1e-9 { // max is a multiple of step but for rounding
		whole++
	}
	a.count = uint64(whole) + 1
}

// decimalPlaces is the number of digits after the point in the shortest decimal text of v.
func decimalPlaces(v float64) int {
	_, fraction, _ := strings.Cut(strconv.FormatFloat(v, 'f', -1, 64), ".")
	return len(fraction)
}

// decimalDigits is v·10^places, which is whole, when float64 holds it exactly.
func decimalDigits(v float64, places int) (digits int64, ok bool) {
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(v, 'f', -1, 64), ".")
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", places-len(fraction)), 10, 64)
	return n, err == nil && n >= -maxWhole && n <= maxWhole
}

// at is the value of a rank.
func (a *axis) at(rank uint64) float64 {
	switch {
	case a.texts != nil:
		return float64(rank)
	case a.unit > 0:
		return float64(a.first+int64(rank)*a.stride) / a.unit
	default:
		return min(math.FMA(float64(rank), a.step, a.min), a.max)
	}
}

// rank is the rank of the feasible value nearest to v, of an axis that can be counted; NaN counts as the first.
func (a *axis) rank(v float64) uint64 {
	r := v
	if a.texts == nil {
		r = 0
		if a.step > 0 {
			r = (v - a.min) / a.step
		}
	}
	k := a.clampRank(r + 0.5)
	if a.texts != nil || a.step == 0 {
		return k
	}
	// The division rounds; a neighbour may be nearer.
	best, distance := k, math.Abs(a.at(k)-v)
	for _, other := range [2]uint64{k - 1, k + 1} { // k-1 of 0 wraps to a rank that does not exist
		if other < a.count && math.Abs(a.at(other)-v) < distance {
			best, distance = other, math.Abs(a.at(other)-v)
		}
	}
	return best
}

// clampRank cuts a real number down to a rank.
func (a *axis) clampRank(r float64) uint64 {
	switch {
	case !(r > 0): // NaN too
		return 0
	case r >= float64(a.count):
		return a.count - 1
	}
	return min(uint64(r), a.count-1)
}

func (a *axis) contains(v float64) bool {
	if a.count == 0 {
		return v >= a.min && v <= a.max
	}
	return v == a.at(a.rank(v))
}

// nearest is the feasible value nearest to v. NaN stays NaN on an axis of reals.
func (a *axis) nearest(v float64) float64 {
	if a.count == 0 {
		return max(a.min, min(a.max, v))
	}
	return a.at(a.rank(v))
}

// mass is the mass below the rank: 0 for the first, 1 for one past the last.
func (a *axis) mass(rank uint64) float64 {
	switch rank {
	case 0:
		return 0
	case a.count:
		return 1
	}
	return a.scale.cdf((float64(rank) - 0.5) * a.step)
}

func (a *axis) toUnit(v float64) float64 {
	if a.count == 0 {
		return max(0, min(1, a.scale.cdf(a.nearest(v)-a.min)))
	}
	k := a.rank(v)
	if a.flat {
		return (float64(k) + 0.5) / float64(a.count)
	}
	low := a.mass(k)
	return low + (a.mass(k+1)-low)/2
}

func (a *axis) fromUnit(u float64) float64 {
	if math.IsNaN(u) {
		u = 0.5
	}
	u = max(0, min(1, u))
	switch {
	case a.count == 0 && u == 0:
		return a.min // exactly, which the quantile may miss
	case a.count == 0 && u == 1:
		return a.max
	case a.count == 0:
		return a.nearest(a.min + a.scale.quantile(u))
	case a.flat:
		return a.at(a.clampRank(u * float64(a.count)))
	}
	k := a.clampRank(a.scale.quantile(u)/a.step + 0.5)
	// The quantile rounds; the rank is the one whose masses enclose u, as toUnit has them. A few steps suffice.
	for range 4 {
		if k > 0 && u < a.mass(k) {
			k--
		} else if k+1 < a.count && u >= a.mass(k+1) {
			k++
		} else {
			break
		}
	}
	return a.at(k)
}
