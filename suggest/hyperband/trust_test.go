package hyperband

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"qalam/suggest"
)

// TestVersusCountsPairs: trials come and go, and the wins are those of all pairs.
func TestVersusCountsPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v versus
		type trial struct {
			entry
			up bool
		}
		var here []trial
		for number := range rapid.IntRange(1, 50).Draw(t, "changes") {
			if len(here) > 0 && rapid.IntRange(0, 2).Draw(t, "goes") == 0 {
				i := rapid.IntRange(0, len(here)-1).Draw(t, "which")
				v.change(here[i].entry, here[i].up, -1)
				here = slices.Delete(here, i, i+1)
			} else {
				value := rapid.SampledFrom([]float64{0, 1, 2, 3, math.Inf(1)}).Draw(t, "value")
				violation := rapid.SampledFrom([]float64{0, 0, 1}).Draw(t, "violation")
				here = append(here, trial{entry{violation, value, number, number}, rapid.Bool().Draw(t, "up")})
				v.change(here[len(here)-1].entry, here[len(here)-1].up, 1)
			}
			wins := 0
			for _, p := range here {
				for _, q := range here {
					switch {
					case !p.up || q.up:
					case p.violation < q.violation, p.violation == q.violation && p.value < q.value:
						wins += 2
					case p.violation == q.violation && p.value == q.value:
						wins++
					}
				}
			}
			if v.wins != wins || v.up.size+v.begun.size != len(here) {
				t.Fatalf("%d wins of %d and %d, want %d", v.wins, v.up.size, v.begun.size, wins)
			}
		}
	})
}

// TestSharesAreHyperbandsAtFirst: as long as nothing is known the brackets follow one another in turn.
func TestSharesAreHyperbandsAtFirst(t *testing.T) {
	for rungs := 1; rungs <= 61; rungs++ {
		w, begun := shares(trusts(make([]versus, rungs))), make([]int, rungs)
		for bracket := range 3 * rungs {
			s := most(w, begun)
			if want := rungs - 1 - bracket%rungs; s != want || math.Abs(w[s]*float64(rungs)-1) > 1e-9 {
				t.Fatalf("of %d rungs bracket %d is %d, want %d; its share is %v", rungs, bracket, s, want, w[s])
			}
			begun[s]++
		}
	}
}

// TestSharesAddUp: whatever the results, the shares are parts of the budget, and none is less than its part of what is shared equally.
func TestSharesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rungs := make([]versus, rapid.IntRange(1, 7).Draw(t, "rungs"))
		for k := range rungs {
			for number := range rapid.IntRange(0, 20).Draw(t, "trials") {
				rungs[k].change(entry{value: rapid.Float64().Draw(t, "value"), number: number, config: number}, rapid.Bool().Draw(t, "up"), 1)
			}
		}
		sum := 0.0
		for s, w := range shares(trusts(rungs)) {
			if sum += w; !(w >= equalPart/float64(len(rungs))*(1-1e-9)) {
				t.Fatalf("bracket %d gets %v", s, w)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("the shares add up to %v", sum)
		}
	})
}

// searchedBrackets runs brackets with the rungs 1, 3, 9 and 27, so many trials at a time, until so much of the resource is spent. It
// returns the part of it that went to each bracket, by s, and the best value at the last rung.
func searchedBrackets(b *brackets, value func(config, rung int) float64, parallel, budget int) (parts []float64, best float64) {
	parts, best = make([]float64, b.rungs), math.Inf(1)
	var running []*member
	spent := 0.0
	for number := 1; spent < float64(budget); number++ {
		j := b.next()
		m := &member{number: number, config: j.config, rung: j.rung, bracket: j.bracket}
		cost := math.Pow(3, float64(j.rung))
		if j.from == 0 {
			m.config = number
		} else {
			cost *= 2. / 3 // it goes on from a checkpoint
		}
		parts[b.s(m.bracket)] += cost
		spent += cost
		b.change(nil, m)
		if running = append(running, m); len(running) < parallel {
			continue
		}
		over := *running[0]
		over.state, over.value = suggest.Completed, value(over.config, over.rung)
		b.change(running[0], &over)
		running = running[1:]
		if over.rung == b.rungs-1 {
			best = min(best, over.value)
		}
	}
	for s := range parts {
		parts[s] /= spent
	}
	return parts, best
}

// TestHedgeFollowsWhatLowRungsAreWorth: most of the budget goes to the bracket that begins with as little as ranks configurations, all brackets
// get some, and what is found is about as good as with fixed brackets or better. At rungs that agree the values of a
// configuration differ by noise of a tenth of their spread. The regret is the value found, of configurations spread evenly from 0 to
// 1: the mean of 100 searches for sixty full runs, with a standard error of about a tenth.
func TestHedgeFollowsWhatLowRungsAreWorth(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of brackets")
	}
	for _, test := range []struct {
		name   string
		agrees int     // the first rung that agrees with the last
		sign   float64 // what those below show of the last
		common float64 // what they show that is the same at each of them
		rich   int     // s of the bracket that gets most
		part   float64 // of the budget, that it gets at least
		most   float64 // regret, as a part of that with fixed brackets
	}{
		{"all rungs agree", 0, 0, 0, 3, 0.7, 0.9},
		{"the first says nothing", 1, 0, 0, 2, 0.45, 1},
		{"the first two say nothing", 2, 0, 0, 1, 0.4, 1.1},
		{"only the last says anything", 3, 0, 0, 0, 0.6, 1},
		{"only the last says anything, and the others agree", 3, 0, 1, 0, 0.4, 1.1},
		{"the others say the opposite", 3, -1, 0, 0, 0.5, 0.9},
	} {
		value := func(seed uint64, config, rung int) float64 {
			draw := func(what int) float64 { return float64(rand.NewPCG(seed, uint64(config*10+what)).Uint64()) / (1 << 64) }
			v := draw(0)
			if rung < test.agrees {
				v = test.sign*v + test.common*draw(1) + (1-math.Abs(test.sign)-test.common)*draw(2+rung)
			}
			return v + 0.1*draw(5+rung)
		}
		const searches = 100
		mean, regrets := make([]float64, 4), map[bool]float64{}
		for seed := range uint64(searches) {
			for _, fixed := range []bool{false, true} {
				b := newBrackets(3, 4)
				b.fixed = fixed
				parts, best := searchedBrackets(b, func(config, rung int) float64 { return value(seed, config, rung) }, 4, 60*27)
				regrets[fixed] += best / searches
				for s := range mean {
					if !fixed {
						mean[s] += parts[s] / searches
					}
				}
			}
		}
		t.Logf("%s: brackets get %.2f, regret %.4f, with fixed brackets %.4f", test.name, mean, regrets[false], regrets[true])
		if mean[test.rich] < test.part || slices.Min(mean) < 0.02 {
			t.Errorf("%s: the brackets get %.2f of the budget, by s", test.name, mean)
		}
		if regrets[false] > test.most*regrets[true] {
			t.Errorf("%s: regret %.4f, with fixed brackets %.4f", test.name, regrets[false], regrets[true])
		}
	}
}
