package suggesttest

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/suggest"
)

// StopperOptions says which early-stopping rule to test, and what it promises beyond the contract of suggest.Stopper.
type StopperOptions struct {
	Rule     suggest.StopRule
	Settings suggest.Settings // nil means the defaults

	OrderIndependent bool // verdicts do not depend on the order in which trials were told
	SparesBest       bool // a trial that is at every step below every value told is never stopped
	StopsHopeless    bool // once 20 trials finished, one that is far above them all is stopped by its 50th report

	LongTrials int // trials told in the longest history, which -short leaves out; 0 means 100,000
}

func (o *StopperOptions) make(t testing.TB) suggest.Stopper {
	t.Helper()
	registry := suggest.Registry{StopRules: []suggest.StopRule{o.Rule}}
	stopper, err := registry.NewStopper(o.Rule.Name, o.Settings)
	if err != nil {
		t.Fatal(err)
	}
	return stopper
}

// curve is what a trial reports: it falls from 1 towards its floor, with some noise.
func curve(rng *rand.Rand, number, reports int, floor float64) suggest.Curve {
	c := suggest.Curve{Number: number, State: suggest.Completed}
	for i := range reports {
		c.Values = append(c.Values, floor+(1-floor)/float64(i+1)+0.02*rng.NormFloat64())
		c.Steps = append(c.Steps, int64(i+1))
	}
	return c
}

// finishedCurves are of n trials with 1 to 60 reports each.
func finishedCurves(n int) []suggest.Curve {
	rng := rand.New(rand.NewPCG(seed, 11))
	all := make([]suggest.Curve, n)
	for i := range all {
		all[i] = curve(rng, i+1, 1+rng.IntN(60), rng.Float64())
	}
	return all
}

// TestStopper runs the conformance suite of early-stopping rules.
func TestStopper(t *testing.T, o StopperOptions) {
	if o.LongTrials == 0 {
		o.LongTrials = 100_000
	}
	t.Run("entry", func(t *testing.T) {
		if o.Rule.Name == "" || o.Rule.Doc == "" || o.Rule.New == nil {
			t.Error("the entry lacks a name, a sentence or New")
		}
		checkSettings(t, o.Rule.Settings)
	})
	t.Run("restart", func(t *testing.T) { testStopperRestart(t, &o) })
	t.Run("running", func(t *testing.T) { testRunning(t, &o) })
	t.Run("best and worst", func(t *testing.T) { testBestAndWorst(t, &o) })
	t.Run("odd curves", func(t *testing.T) { testOddCurves(t, &o) })
	t.Run("long", func(t *testing.T) {
		if testing.Short() {
			t.Skip("a long history takes a while")
		}
		stopper, rng := o.make(t), rand.New(rand.NewPCG(seed, 12))
		for i := range o.LongTrials {
			stopper.Tell(curve(rng, i+1, 10, rng.Float64()))
		}
		checkVerdict(t, stopper.Judge(curve(rng, -1, 10, 0.5)))
	})
}

func checkVerdict(t *testing.T, v suggest.Verdict) {
	t.Helper()
	if v.Stop != (v.Reason != "") {
		t.Errorf("verdict %+v: a reason is given exactly when the trial is to stop", v)
	}
}

// testStopperRestart judges every prefix of some running trials: again, and by stoppers that were told the finished trials
// anew, twice over, and in another order.
func testStopperRestart(t *testing.T, o *StopperOptions) {
	finished := finishedCurves(40)
	rng := rand.New(rand.NewPCG(seed, 13))
	shuffled := slices.Clone(finished)
	rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	stopper := o.make(t)
	for told := range finished {
		stopper.Tell(finished[told])
		if told%8 > 0 && told != len(finished)-1 {
			continue
		}
		others := map[string][]suggest.Curve{"anew": finished[:told+1], "twice over": slices.Concat(finished[:told+1], finished[:told+1])}
		if o.OrderIndependent && told == len(finished)-1 {
			others["in another order"] = shuffled
		}
		running := curve(rng, 1000+told, 50, rng.Float64())
		for name, history := range others {
			fresh := o.make(t)
			for _, c := range history {
				fresh.Tell(c)
			}
			for n := range len(running.Values) + 1 {
				prefix := suggest.Curve{Number: running.Number, Values: running.Values[:n], Steps: running.Steps[:n]}
				v, again := stopper.Judge(prefix), stopper.Judge(prefix)
				checkVerdict(t, v)
				if other := fresh.Judge(prefix); v != again || v != other {
					t.Fatalf("%d finished, report %d: %+v, again %+v, told %s %+v", told+1, n, v, again, name, other)
				}
			}
		}
	}
}

// testRunning lets trials run side by side, tells each report as it comes, and stops those that are to be stopped. Now and then
// a stopper that is told the last curve of each trial in one piece must judge all that run in the same way, one way or another.
func testRunning(t *testing.T, o *StopperOptions) {
	const parallel, trials = 6, 60
	rng := rand.New(rand.NewPCG(seed, 17))
	stopper := o.make(t)
	last := map[int]suggest.Curve{} // as told
	full := map[int]suggest.Curve{} // as they would run
	var running []int
	for next, round := 1, 0; next <= trials || len(running) > 0; round++ {
		for len(running) < parallel && next <= trials {
			full[next] = curve(rng, next, 1+rng.IntN(60), rng.Float64())
			last[next] = suggest.Curve{Number: next}
			running, next = append(running, next), next+1
		}
		i := rng.IntN(len(running))
		number := running[i]
		n := min(len(last[number].Values)+1+rng.IntN(3), len(full[number].Values))
		now := suggest.Curve{Number: number, Values: full[number].Values[:n:n], Steps: full[number].Steps[:n:n]}
		stopper.Tell(now)
		last[number] = now
		v := stopper.Judge(now)
		checkVerdict(t, v)
		if v.Stop || n == len(full[number].Values) {
			now.State = suggest.Completed
			if v.Stop {
				now.State = suggest.Stopped
			}
			stopper.Tell(now)
			last[number] = now
			running = slices.Delete(running, i, i+1)
		}
		if round%97 == 0 {
			compareStoppers(t, o, rng, stopper, last, running)
		}
	}
}

// compareStoppers judges running trials by fresh stoppers too.
func compareStoppers(t *testing.T, o *StopperOptions, rng *rand.Rand, stopper suggest.Stopper, last map[int]suggest.Curve, running []int) {
	t.Helper()
	order := slices.Sorted(maps.Keys(last))
	orders := map[string][]int{"anew": order, "twice over": slices.Concat(order, order)}
	if o.OrderIndependent {
		shuffled := slices.Clone(order)
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		orders["in another order"] = shuffled
	}
	for name, order := range orders {
		fresh := o.make(t)
		for _, number := range order {
			fresh.Tell(last[number])
		}
		for _, number := range running {
			if v, other := stopper.Judge(last[number]), fresh.Judge(last[number]); v != other {
				t.Fatalf("%d trials, of which trial %d runs: %+v, told %s %+v", len(last), number, v, name, other)
			}
		}
	}
}

func testBestAndWorst(t *testing.T, o *StopperOptions) {
	stopper, rng := o.make(t), rand.New(rand.NewPCG(seed, 14))
	best, worst := curve(rng, 500, 50, 0.5), curve(rng, 501, 50, 0.5)
	for i := range best.Values {
		best.Values[i], worst.Values[i] = -10, 10
	}
	stopped := false
	for told := range 21 {
		for n := range len(best.Values) + 1 {
			prefix := func(c suggest.Curve) suggest.Curve {
				return suggest.Curve{Number: c.Number, Values: c.Values[:n], Steps: c.Steps[:n]}
			}
			if v := stopper.Judge(prefix(best)); o.SparesBest && v.Stop {
				t.Fatalf("%d finished, report %d: the best trial is stopped: %s", told, n, v.Reason)
			}
			stopped = stopped || told == 20 && stopper.Judge(prefix(worst)).Stop
		}
		stopper.Tell(curve(rng, told+1, 50, rng.Float64()))
	}
	if o.StopsHopeless && !stopped {
		t.Error("a trial far above twenty finished ones is never stopped")
	}
}

// testOddCurves tells and judges curves of every odd kind, each before and after ordinary ones.
func testOddCurves(t *testing.T, o *StopperOptions) {
	nan, inf := math.NaN(), math.Inf(1)
	odd := []suggest.Curve{
		{},
		{Values: []float64{}, Steps: []int64{}},
		{Values: []float64{1, 2, 3, 4, 5}},
		{Values: []float64{1, 2, 3, 4, 5}, Steps: []int64{1}},
		{Values: []float64{1}, Steps: []int64{1, 2, 3, 4, 5}},
		{Values: []float64{nan, nan, nan, nan, nan, nan}, Steps: []int64{1, 2, 3, 4, 5, 6}},
		{Values: []float64{inf, 1, -inf, 2, 3, nan, 4}, Steps: []int64{1, 2, 3, 4, 5, 6, 7}},
		{Values: []float64{math.MaxFloat64, -math.MaxFloat64, math.MaxFloat64, math.MaxFloat64, 0}, Steps: []int64{1, 2, 3, 4, 5}},
		{Values: []float64{5, 4, 3, 2, 1}, Steps: []int64{5, 4, 3, 2, 1}},
		{Values: []float64{5, 4, 3, 2, 1}, Steps: []int64{7, 7, 7, 7, 7}},
		{Values: []float64{5, 4, 3, 2, 1}, Steps: []int64{math.MinInt64, -1, 0, 1, math.MaxInt64}},
		{Values: []float64{1, 1, 1, 1, 1, 1}, Steps: []int64{0, 1, 2, 3, 4, 5}},
	}
	stopper := o.make(t)
	for round := range 3 {
		for i, c := range odd {
			c.Number, c.State = 100*round+i+1, []suggest.State{suggest.Completed, suggest.Pending, suggest.Stopped}[round]
			before := fmt.Sprint(c)
			checkVerdict(t, stopper.Judge(c))
			stopper.Tell(c)
			checkVerdict(t, stopper.Judge(c))
			if after := fmt.Sprint(c); after != before {
				t.Errorf("curve %s was changed to %s", before, after)
			}
		}
		for _, c := range finishedCurves(10) {
			c.Number += 100*round + 50
			stopper.Tell(c)
		}
	}
}

// BenchmarkJudge measures a verdict on a running trial of 50 reports after 10, 1,000 and 100,000 finished ones of 10 reports.
func BenchmarkJudge(b *testing.B, o StopperOptions) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("trials=%d", n), func(b *testing.B) {
			stopper, rng := o.make(b), rand.New(rand.NewPCG(seed, 15))
			for i := range n {
				stopper.Tell(curve(rng, i+1, 10, rng.Float64()))
			}
			running := curve(rng, -1, 50, 0.5)
			b.ReportAllocs()
			for b.Loop() {
				stopper.Judge(running)
			}
		})
	}
}

// BenchmarkTellCurve measures what telling one more finished trial of 10 reports costs after 10, 1,000 and 100,000.
func BenchmarkTellCurve(b *testing.B, o StopperOptions) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("trials=%d", n), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(seed, 16))
			running := make([]suggest.Curve, 64)
			for i := range running {
				running[i] = curve(rng, 0, 10, rng.Float64())
			}
			number, stopper := math.MaxInt, suggest.Stopper(nil)
			b.ReportAllocs()
			for b.Loop() {
				if number > n+n/10+10 { // the history has grown: begin again
					b.StopTimer()
					stopper = o.make(b)
					for number = 1; number <= n; number++ {
						c := running[number%len(running)]
						c.Number = number
						stopper.Tell(c)
					}
					b.StartTimer()
				}
				c := running[number%len(running)]
				c.Number = number
				stopper.Tell(c)
				number++
			}
		})
	}
}
