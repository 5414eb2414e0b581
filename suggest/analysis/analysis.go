// Package analysis says what finished trials tell about the parameters: which of them matter, how the objective depends on them,
// and whether it is worth going on. It knows the space and the outcomes of trials, nothing of how they were proposed. Smaller is
// better, as everywhere below suggest.
package analysis

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// Analysis keeps outcomes and answers questions about them. What it answers is a function of the last outcome told of each trial.
// However many they are, an answer takes milliseconds: large histories are looked at by samples. It is used by one goroutine.
type Analysis struct {
	space   *space.Space
	history *suggest.History
	rows    []row   // nil after Tell
	forest  *Forest // likewise
}

// row is a trial that completed with a value and kept the constraints.
type row struct {
	*suggest.Record
	value  float64 // for models, which may take it down
	active []bool  // which parameters matter in it; nil means all
}

// ErrTooFew says that too few trials have completed to say anything.
var ErrTooFew = errors.New("too few trials have completed with a value")

// leastRows is how many trials an analysis needs.
const leastRows = 5

// New makes an Analysis of trials in a space.
func New(s *space.Space) *Analysis { return &Analysis{space: s, history: suggest.NewHistory(s)} }

// Tell takes outcomes in, as Suggester.Tell does.
func (a *Analysis) Tell(outcomes []suggest.Outcome) {
	if len(a.history.Tell(outcomes)) > 0 {
		a.rows, a.forest = nil, nil
	}
}

// completed lists the trials that count, by number.
func (a *Analysis) completed() []row {
	if a.rows != nil {
		return a.rows
	}
	a.rows = make([]row, 0, a.history.Len())
	for _, r := range a.history.Records() {
		if r.State == suggest.Completed && r.Feasible() {
			a.rows = append(a.rows, row{Record: r, value: r.Value})
		}
	}
	return a.rows
}

// activated says of rows which parameters matter in them.
func (a *Analysis) activated(rows []row) []row {
	rows = slices.Clone(rows)
	if a.space.Conditional() {
		for i := range rows {
			rows[i].active = a.space.Active(rows[i].Assignment, nil)
		}
	}
	return rows
}

// Trials is how many completed trials are known, those that broke a constraint left out.
func (a *Analysis) Trials() int { return len(a.completed()) }

// spread picks n of many rows, evenly over the trials' numbers.
func spread(rows []row, n int) []row {
	if len(rows) <= n {
		return rows
	}
	out := make([]row, n)
	for i := range out {
		out[i] = rows[i*len(rows)/n]
	}
	return out
}

// axis is how a parameter is cut into cells: one for each value where these are few and equally likely, otherwise equal parts of
// its side of the unit cube.
type axis struct {
	cells   int
	ordered bool // cells that are near each other are alike
	exact   bool // a cell is a value
}

const mostCells = 50

func axes(s *space.Space) []axis {
	out := make([]axis, s.Len())
	for i, p := range s.Parameters() {
		n, finite := s.Count(i)
		out[i] = axis{cells: mostCells, ordered: p.Type != space.Categorical}
		listed := p.Type == space.Categorical || p.Type == space.Discrete
		if finite && (n <= mostCells && p.Distribution == space.Uniform || listed || n == 1) {
			out[i].cells, out[i].exact = int(n), true
		}
	}
	return out
}

// cell is the cell in which a coordinate lies.
func (x axis) cell(u float64) int { return max(0, min(x.cells-1, int(u*float64(x.cells)))) }

// values lists the values of rows in increasing order.
func values(rows []row) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = r.value
	}
	slices.Sort(out)
	return out
}

// quantile interpolates between sorted numbers.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-1)
	j := min(i+1, len(sorted)-1)
	return sorted[i] + (at-float64(i))*(sorted[j]-sorted[i])
}

// lowest is the value of the k-th best row, from 0: C. A. R. Hoare, "Algorithm 65: find", Communications of the ACM 4(7), 321-322
// (1961), with the median of three for a pivot.
func lowest(rows []row, k int) float64 {
	v := make([]float64, len(rows))
	for i, r := range rows {
		v[i] = r.value
	}
	for low, high := 0, len(v)-1; low < high; {
		a, b, c := v[low], v[(low+high)/2], v[high]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := low, high
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for pivot < v[j] {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			high = j
		case k >= i:
			low = i
		default:
			return v[k]
		}
	}
	return v[k]
}

// generator makes the random numbers of an analysis, the same each time.
func generator(stream int) *rand.Rand {
	source := rand.NewPCG(0, 0)
	suggest.SeedRand(source, 0, stream)
	return rand.New(source)
}

// Importance says how much one parameter, or the interaction of several, matters.
type Importance struct {
	Parameters []int   // by index in the space: one, or two for an interaction
	Share      float64 // from 0 to 1; what it is a share of, the method says
	Error      float64 // standard error of Share where the method knows it, otherwise 0
	Chance     float64 // the Share that would be there by chance alone, where the method knows it, otherwise 0
	Certain    bool    // more than chance: 19 out of 20 times, for a parameter that does not matter, it is not
}

// Report lists importances, the largest first.
type Report struct {
	Importances []Importance
	Trials      int // how many were looked at
}

func (r *Report) sort() {
	slices.SortStableFunc(r.Importances, func(a, b Importance) int { return cmp.Compare(b.Share, a.Share) })
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
