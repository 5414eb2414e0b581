package hyperband

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

// below is the fraction of a distribution that is below a value, each point's weight being spread evenly up to half-way to its
// neighbours.
func (r *row) below(v float64) float64 {
	sum, n := 0.0, len(r.grid)
	for i, w := range r.weight {
		low, high := r.grid[i], r.grid[i]
		if i > 0 {
			low = (r.grid[i-1] + r.grid[i]) / 2
		}
		if i < n-1 {
			high = (r.grid[i] + r.grid[i+1]) / 2
		}
		switch {
		case v >= high:
			sum += w
		case v > low:
			sum += w * (v - low) / (high - low)
		}
	}
	return sum
}

// TestOutlookIsCalibrated predicts what 900 trials a task will come to, frozen at each rung, when 100 others have come to the end:
// the intervals that leave 5 % on each side must hold that in about nine of ten cases.
func TestOutlookIsCalibrated(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of predictions")
	}
	amounts := []float64{2, 6, 17, 51}
	last := len(amounts) - 1
	held, all := 0, 0
	for _, task := range suggesttest.TaskSet(t) {
		f := newFreezeThaw(3, amounts)
		best := func(i, rung int) float64 { return slices.Min(task.Loss[i][:int(amounts[rung])]) }
		for i := range 100 {
			for k := range amounts {
				f.change(nil, &member{number: 10*i + k + 1, config: i, rung: k, state: suggest.Completed, value: best(i, k)})
			}
		}
		o := f.look()
		for k := range last {
			for i := 100; i < len(task.Loss); i++ {
				v := best(i, k)
				r := o.final(&frozen{entry{value: v}, k, o.after(k, v)})
				if u := r.below(best(i, last)); u >= 0.05 && u <= 0.95 {
					held++
				}
				all++
			}
		}
	}
	share := float64(held) / float64(all)
	t.Logf("90 %% intervals hold %.1f %% of %d", 100*share, all)
	if !(share >= 0.85 && share <= 0.95) {
		t.Error("they must hold from 85 % to 95 %")
	}
}

// playFrozen plays configurations whose value at rung k is the quality q ∈ (0, 1) plus noise that falls with k, through the scheduler alone.
func playFrozen(t testing.TB, f *freezeThaw, trials int, seed uint64) map[int]*member {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 5))
	quality, members := map[int]float64{}, map[int]*member{}
	for number := 1; number <= trials; number++ {
		j := f.next()
		m := &member{number: number, config: j.config, rung: j.rung, bracket: -1, state: suggest.Completed}
		if j.from == 0 {
			m.config, quality[number] = number, rng.Float64()
		} else if from := members[j.from]; from.config != j.config || from.rung != j.rung-1 || from.state != suggest.Completed || j.note == "" {
			t.Fatalf("%+v goes on from %+v", j, from)
		}
		m.value = quality[m.config] + 0.3*rng.NormFloat64()/float64(m.rung+1)
		if rng.IntN(20) == 0 {
			m.state, m.value = suggest.Failed, math.NaN()
		}
		members[number] = m
		f.change(nil, m)
	}
	return members
}

var fourRungs = []float64{1, 3, 9, 27}

// TestThawedIsTheHighestIndex: what goes on is what has the highest index, found for each by itself, and a new configuration begins
// where none is above its.
func TestThawedIsTheHighestIndex(t *testing.T) {
	for seed := range uint64(20) {
		f := newFreezeThaw(3, fourRungs)
		playFrozen(t, f, 10+7*int(seed), seed)
		got := f.next()
		o := f.outlook
		best, top := job{bracket: -1}, o.index
		for k := range len(fourRungs) - 1 {
			for _, e := range f.rungs[k].waiting.head(mostThawed) {
				c := []frozen{{e, k, o.after(k, e.value)}}
				low, high := 0.0, 1e6*o.index
				for range 200 {
					middle := (low + high) / 2
					if o.top(c, middle) != nil {
						low = middle
					} else {
						high = middle
					}
				}
				if low > top*(1+1e-3) {
					best, top = job{from: e.number, config: e.config, rung: k + 1, bracket: -1}, low
				}
			}
		}
		if got.note = ""; got != best {
			t.Errorf("seed %d: %+v, by its index %+v", seed, got, best)
		}
	}
}

// TestThawingFollowsFromWhatIsKnown: trials that come and go again, and the order in which they are told, make no difference.
func TestThawingFollowsFromWhatIsKnown(t *testing.T) {
	f := newFreezeThaw(3, fourRungs)
	members := playFrozen(t, f, 120, 3)
	want := f.next()
	extra := []*member{
		{number: 500, config: 500, state: suggest.Completed, value: -9}, {number: 501, config: 500, rung: 1, state: suggest.Completed, value: -10},
		{number: 502, config: want.config, rung: max(want.rung, 1), state: suggest.Pending}, {number: 503, config: 503, rung: -1, state: suggest.Completed},
	}
	for _, m := range extra {
		f.change(nil, m)
		f.next()
	}
	for _, m := range extra {
		f.change(m, nil)
	}
	again := newFreezeThaw(3, fourRungs)
	for number := len(members); number > 0; number-- {
		again.change(nil, members[number])
	}
	if got := f.next(); got != want {
		t.Errorf("after others came and went %+v, before %+v", got, want)
	}
	if got := again.next(); got != want {
		t.Errorf("told in another order %+v, want %+v", got, want)
	}
}

// recommended is how good in truth, from 0 to 1, the configuration with the best value at the highest rung is on average, when so much of
// the resource is spent on curves that fall by a power law and are so noisy at the first rung.
func recommended(noise float64, make func() scheduler) float64 {
	const seeds, resource = 24, 400
	sum := 0.0
	for seed := range uint64(seeds) {
		s, rng := make(), rand.New(rand.NewPCG(seed, 5))
		truth := map[int]float64{}
		best := member{rung: -1}
		for number, spent := 1, 0.0; spent < resource; number++ {
			j := s.next()
			m := member{number: number, config: j.config, rung: j.rung, bracket: -1, state: suggest.Completed}
			spent += fourRungs[j.rung]
			if j.from == 0 {
				m.config, truth[number] = number, rng.Float64()
			} else {
				spent -= fourRungs[j.rung-1]
			}
			m.value = truth[m.config] + noise*rng.NormFloat64()/float64(m.rung+1) + 0.5*math.Pow(fourRungs[m.rung], -0.5)
			if m.rung > best.rung || m.rung == best.rung && m.value < best.value {
				best = m
			}
			s.change(nil, &m)
		}
		sum += truth[best.config]
	}
	return sum / seeds
}

// TestThawingStandsNoise: what is recommended is better than with asha, or nearly as good where the first rung says little. With
// sixty seeds it comes to 0.81 and 1.18 times asha's, without noise to 0.91; the seeds are fixed.
func TestThawingStandsNoise(t *testing.T) {
	if testing.Short() {
		t.Skip("dozens of experiments")
	}
	for _, test := range []struct{ noise, most float64 }{{0.1, 1.2}, {0.3, 1.5}} {
		plain := recommended(test.noise, func() scheduler { return newASHA(3, len(fourRungs)) })
		thawed := recommended(test.noise, func() scheduler { return newFreezeThaw(3, fourRungs) })
		t.Logf("noise %.1f: %.4f, asha %.4f", test.noise, thawed, plain)
		if thawed > test.most*plain {
			t.Errorf("noise %.1f: %.4f, more than %v times asha's %.4f", test.noise, thawed, test.most, plain)
		}
	}
}

// TestThawingWithoutPrediction: where values at the first rung are all alike, as many go on as with asha; where whatever goes on fails, few do.
func TestThawingWithoutPrediction(t *testing.T) {
	for name, test := range map[string]struct {
		outcome     func(m *member) (suggest.State, float64)
		least, most int // of 200 trials that are not at the first rung
	}{
		"all alike": {func(*member) (suggest.State, float64) { return suggest.Completed, 2 }, 60, 110},
		"all that goes on fails": {func(m *member) (suggest.State, float64) {
			if m.rung > 0 {
				return suggest.Failed, math.NaN()
			}
			return suggest.Completed, float64(m.number*7919%1009) / 1009
		}, 1, 60},
		"all fail": {func(*member) (suggest.State, float64) { return suggest.Failed, math.NaN() }, 0, 0},
	} {
		f := newFreezeThaw(3, fourRungs)
		beyond := 0
		for number := 1; number <= 200; number++ {
			j := f.next()
			m := &member{number: number, config: j.config, rung: j.rung, bracket: -1}
			if j.from == 0 {
				m.config = number
			}
			m.state, m.value = test.outcome(m)
			if m.rung > 0 {
				beyond++
			}
			f.change(nil, m)
		}
		if beyond < test.least || beyond > test.most {
			t.Errorf("%s: %d of 200 trials go on, want from %d to %d", name, beyond, test.least, test.most)
		}
	}
}

// TestRowsKeepTheMean: a value that is put on a grid keeps its weight, and its place on average unless it is beyond the worst.
func TestRowsKeepTheMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grid := rapid.SliceOfNDistinct(rapid.Float64Range(-10, 10), 1, 9, rapid.ID).Draw(t, "grid")
		slices.Sort(grid)
		r := newRow(grid)
		sum, mean := 0.0, 0.0
		for range rapid.IntRange(1, 9).Draw(t, "values") {
			v, w := rapid.Float64Range(-20, 20).Draw(t, "value"), rapid.Float64Range(0, 1).Draw(t, "weight")
			r.add(v, w)
			sum, mean = sum+w, mean+w*min(v, grid[len(grid)-1])
		}
		r.add(math.Inf(1), 1)
		falling := make([]float64, len(grid))
		weight := 0.0
		for i := range grid {
			falling[i] = -grid[i]
			weight += r.weight[i]
		}
		if got := -r.mean(falling); math.Abs(got-mean) > 1e-9 || math.Abs(weight-sum) > 1e-9 {
			t.Fatalf("mean %v and weight %v, want %v and %v", got, weight, mean, sum)
		}
	})
}

// BenchmarkThaw measures one decision, from a result to what is next, with so many configurations begun.
func BenchmarkThaw(b *testing.B) {
	for _, configs := range []int{20, 200, 100_000} {
		b.Run(fmt.Sprintf("curves=%d", configs), func(b *testing.B) {
			f := newFreezeThaw(3, fourRungs)
			rng := rand.New(rand.NewPCG(1, 6))
			number := 0
			for config := range configs {
				value := rng.Float64()
				for k := 0; k < len(fourRungs) && (k == 0 || config%9 == 0 && config%(9*k) == 0); k++ {
					number++
					f.change(nil, &member{number: number, config: config, rung: k, state: suggest.Completed, value: value - 0.1*float64(k)*rng.Float64()})
				}
			}
			m := &member{number: number + 1, config: configs, state: suggest.Completed, value: 0.5}
			b.ReportAllocs()
			for b.Loop() {
				f.change(nil, m)
				f.next()
				f.change(m, nil)
			}
		})
	}
}
