package suggesttest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// faulty breaks one promise at a time; its zero value keeps them all.
type faulty struct {
	fault string
	space *space.Space
	seed  uint64
	asks  int
	told  []suggest.Outcome
}

// faults names the ways to be faulty, with a part of what the suite must say.
var faults = map[string]string{
	"outside":       "is outside the space",
	"short":         "without ErrExhausted or ErrWait",
	"stateful ask":  "suggestion 0 is",
	"unseeded":      "two seeds propose the same: true",
	"global random": "played twice",
	"counts tells":  "told",
	"keeps slice":   "told everything",
	"writes":        "restarted before trial",
	"order":         "told another order",
	"no number":     "panic",
	"batch":         "suggestions 0 and 1 are both",
	"repeats":       "are both",
	"waits":         "waits although no trial is running",
}

func (f *faulty) Tell(outcomes []suggest.Outcome) error {
	for _, o := range outcomes {
		i := slices.IndexFunc(f.told, func(t suggest.Outcome) bool { return t.Number == o.Number })
		switch {
		case f.fault == "no number" && o.State == suggest.Completed && math.IsNaN(o.Value):
			panic("the model is not a number")
		case f.fault == "writes" && len(o.Assignment) > 0:
			o.Assignment[0] = 0.01
		}
		if i >= 0 && f.fault != "counts tells" {
			f.told[i] = o
			if f.fault == "order" { // the last told is remembered as such
				f.told = append(slices.Delete(f.told, i, i+1), o)
			}
		} else {
			f.told = append(f.told, o)
		}
	}
	if f.fault == "keeps slice" {
		f.told = outcomes
	}
	return nil
}

func (f *faulty) Ask(first, n int) ([]suggest.Suggestion, error) {
	f.asks++
	mixed := f.seed
	switch f.fault {
	case "unseeded":
		mixed = 1
	case "stateful ask":
		mixed += uint64(f.asks)
	case "global random":
		mixed = rand.Uint64()
	case "counts tells":
		mixed += uint64(len(f.told))
	case "order":
		for i, o := range f.told {
			mixed += uint64(i+1) * uint64(o.Number)
		}
	case "keeps slice":
		for _, o := range f.told {
			mixed += uint64(o.Number)
		}
	case "short":
		n /= 2
	case "waits":
		return nil, suggest.ErrWait
	}
	size, finite := f.space.Size()
	var all []suggest.Suggestion
	for number := first; number < first+n; number++ {
		rng := rand.New(rand.NewPCG(mixed, uint64(number)))
		a := f.space.Sample(rng)
		switch {
		case f.fault == "outside":
			a[0] = math.Inf(1)
		case f.fault == "batch":
			a = f.space.Sample(rand.New(rand.NewPCG(mixed, uint64(first))))
		case finite && size == 24: // goes through the space of the exhaustion test, from a point that the seed chooses
			if number > int(size) {
				return all, suggest.ErrExhausted
			}
			index := (uint64(number-1) + mixed) % size
			if f.fault == "repeats" && number == 7 {
				index = (index + 1) % size
			}
			a = f.space.At(index)
		}
		all = append(all, suggest.Suggestion{Assignment: a})
	}
	return all, nil
}

// TestFaulty is run by TestSuiteFindsFaults in a process of its own.
func TestFaulty(t *testing.T) {
	fault, ok := os.LookupEnv("SUGGESTTEST_FAULT")
	if !ok {
		t.Skip("run by TestSuiteFindsFaults")
	}
	TestSuggester(t, Options{
		Algorithm: suggest.Algorithm{Name: "faulty", Doc: "Breaks one promise.", New: func(p suggest.Problem, _ suggest.Settings) (suggest.Suggester, error) {
			return &faulty{fault: fault, space: p.Space, seed: p.Seed}, nil
		}},
		OrderIndependent: true, DistinctBatch: fault == "batch", Exhausts: true,
	})
}

// TestSuiteFindsFaults runs the suite against an algorithm that breaks no promise, and against one for each promise.
func TestSuiteFindsFaults(t *testing.T) {
	run := func(fault string) (string, error) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFaulty$", "-test.short")
		cmd.Env = append(os.Environ(), "SUGGESTTEST_FAULT="+fault)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(""); err != nil {
		t.Fatalf("a faultless algorithm fails:\n%s", out)
	}
	for fault, says := range faults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			if out, err := run(fault); err == nil || !strings.Contains(out, says) {
				t.Errorf("the suite does not say %q (%v):\n%s", says, err, fmt.Sprintf("%.2000s", out))
			}
		})
	}
}
