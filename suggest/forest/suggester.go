package forest

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"qalam/space"
	"qalam/suggest"
	"qalam/suggest/normal"
	"qalam/suggest/tried"
)

const (
	trees       = "16" // the default of n_trees
	mostTrials  = 1000 // of which a forest is grown
	mostPending = 100  // trials without a result that are taken into account, the latest
	anywhere    = 8    // one in so many trials is drawn at random, as SMAC's are to look elsewhere
)

// suggester searches by a forest. Everything it keeps is made from the history.
type suggester struct {
	problem  suggest.Problem
	space    *space.Space
	e        *encoding
	history  *suggest.History
	results  int // trials with a value
	tried    *tried.Set
	sequence *suggest.Sequence
	seed     uint64
	startup  int
	trees    int
	source   *rand.PCG
	rng      *rand.Rand // reads source

	model *model // of the history; nil when it has changed since
}

func newSuggester(p suggest.Problem, settings suggest.Settings) (suggest.Suggester, error) {
	const least, most = 5, 20
	source := rand.NewPCG(0, 0)
	seed := suggest.SeedOf(p, settings)
	s := &suggester{
		problem: p, space: p.Space, e: newEncoding(p.Space), history: suggest.NewHistory(p.Space), tried: tried.New(p.Space), seed: seed,
		sequence: suggest.NewSequence(p.Space.Len(), seed), startup: min(max(least, p.Space.Len()+1), most),
		trees: int(settings.Int("n_trees")), source: source, rng: rand.New(source),
	}
	if settings[startupTrials] != "" {
		s.startup = int(settings.Int(startupTrials))
	}
	return s, nil
}

// between is a Check of whole numbers.
func between(low, high int) func(string) string {
	return func(value string) string {
		if n, err := strconv.Atoi(value); err != nil || n < low || n > high {
			return fmt.Sprintf("%s is not from %d to %d", value, low, high)
		}
		return ""
	}
}

// Tell takes outcomes in.
func (s *suggester) Tell(outcomes []suggest.Outcome) error {
	for _, c := range s.history.Tell(outcomes) {
		s.model = nil
		if c.Old != nil {
			s.results -= counts(c.Old)
		}
		s.results += counts(c.New)
		s.tried.Tell(c)
	}
	return nil
}

// counts is 1 for a trial with a value.
func counts(r *suggest.Record) int {
	if math.IsNaN(r.Value) {
		return 0
	}
	return 1
}

// Ask proposes assignments for n trials, one after the other, as though those before were pending.
func (s *suggester) Ask(first, n int) ([]suggest.Suggestion, error) {
	if first < 1 {
		return nil, suggest.ErrNumber
	}
	suggestions := make([]suggest.Suggestion, max(n, 0))
	batch := s.tried.Batch()
	var added [][]float64
	for i := range suggestions {
		suggest.SeedRand(s.source, s.seed, first+i)
		a := s.propose(first+i, batch, added)
		batch.Add(a)
		added = append(added, s.e.encode(a))
		suggestions[i].Assignment = a
	}
	return suggestions, nil
}

// propose is the assignment of one trial; added are the points of those proposed before it in the same question.
func (s *suggester) propose(number int, batch *tried.Batch, added [][]float64) space.Assignment {
	if s.results < s.startup {
		u := make([]float64, s.space.Len())
		s.sequence.At(uint64(number-1), u)
		if a := s.space.FromUnit(u); batch.Fits(a) {
			return a
		}
		return s.somewhere(number, batch)
	}
	if s.rng.IntN(anywhere) == 0 {
		return s.somewhere(number, batch)
	}
	if s.model == nil {
		s.model = s.newModel()
	}
	m := s.model
	if len(added) > 0 {
		m = m.believing(added)
	}
	if a := s.search(m, batch); a != nil {
		return a
	}
	return s.somewhere(number, batch)
}

// somewhere is a random assignment that was not tried, if one is found.
func (s *suggester) somewhere(number int, batch *tried.Batch) space.Assignment {
	var a space.Assignment
	for range 64 {
		if a = s.space.Sample(s.rng); batch.Fits(a) {
			return a
		}
	}
	if left := batch.Left(number); left != nil {
		return left
	}
	return a
}

// encoding leads assignments to the points that trees divide: one coordinate for each parameter of more than one value.
type encoding struct {
	space  *space.Space
	free   []int // parameters
	listed []bool
	active []bool
	unit   []float64
}

func newEncoding(s *space.Space) *encoding {
	e := &encoding{space: s}
	for i, p := range s.Parameters() {
		if n, finite := s.Count(i); !finite || n > 1 {
			e.free, e.listed = append(e.free, i), append(e.listed, p.Type == space.Categorical)
		}
	}
	return e
}

// encode is the point of an assignment.
func (e *encoding) encode(a space.Assignment) []float64 {
	e.unit = e.space.ToUnit(a, e.unit)
	e.active = e.space.Active(a, e.active)
	x := make([]float64, len(e.free))
	for k, i := range e.free {
		switch {
		case !e.active[i]:
			x[k] = -1
		case e.listed[k]:
			x[k] = a[i]
		default:
			x[k] = e.unit[i]
		}
	}
	return x
}

// data chooses the trials of which forests are grown: all while they are few, then the best, the latest and some spread evenly over
// the others. They are in the order of their numbers.
func data(records []*suggest.Record) (done, failed, pending []*suggest.Record) {
	done = make([]*suggest.Record, 0, len(records))
	for _, r := range records {
		switch {
		case !math.IsNaN(r.Value):
			done = append(done, r)
		case r.State == suggest.Failed:
			failed = append(failed, r)
		case r.State == suggest.Pending:
			pending = append(pending, r)
		}
	}
	return subset(done, mostTrials), failed[max(0, len(failed)-mostTrials/2):], pending[max(0, len(pending)-mostPending):]
}

func subset(done []*suggest.Record, n int) []*suggest.Record {
	if len(done) <= n {
		return done
	}
	older, latest := done[:len(done)-n/4], done[len(done)-n/4:]
	last, below := kth(older, n/2)
	most := n/2 - below // so many of those with the last value belong to the best
	out := make([]*suggest.Record, 0, n)
	count, share := len(older)-n/2, n-n/2-n/4 // of the others, and of those among them that are chosen
	other, chosen := 0, 0
	for _, r := range older {
		switch {
		case r.Value < last:
			out = append(out, r)
		case r.Value == last && most > 0:
			out = append(out, r)
			most--
		default:
			if other == chosen*count/share {
				out = append(out, r)
				chosen++
			}
			other++
		}
	}
	out = append(out, latest...)
	slices.SortFunc(out, func(a, b *suggest.Record) int { return cmp.Compare(a.Number, b.Number) })
	return out
}

// kth is the k-th lowest value, and how many are below it. It keeps the lowest in turns, and so looks at most once at most of them.
func kth(records []*suggest.Record, k int) (value float64, below int) {
	lowest, limit := make([]float64, 0, 2*k), math.Inf(1)
	for _, r := range records {
		if len(lowest) >= k && r.Value >= limit {
			continue
		}
		if lowest = append(lowest, r.Value); len(lowest) == 2*k {
			slices.Sort(lowest)
			lowest, limit = lowest[:k], lowest[k-1]
		}
	}
	slices.Sort(lowest)
	below, _ = slices.BinarySearch(lowest, lowest[k-1])
	return lowest[k-1], below
}

// compare orders trials with values, the better first.
func compare(a, b *suggest.Record) int {
	return cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.Number, b.Number))
}

// scores are values by their place in the order of all: the quantiles of a normal distribution, so that no value is far from
// the others, and the best not near them:
//
//	D. Salinas, H. Shen, V. Perrone, "A quantile-based approach for hyperparameter transfer learning", ICML 2020, section 4.
func scores(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Or(cmp.Compare(values[i], values[j]), cmp.Compare(i, j)) })
	out := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		z := normal.Quantile(math.Log(float64(from+to) / 2 / float64(len(order))))
		for _, i := range order[from:to] {
			out[i] = z
		}
		from = to
	}
	return out
}
