package hyperband

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"qalam/suggest"
)

// played are the outcomes of so many trials of an algorithm, one after the other, whose values are noise: what is loaded at a
// restart. They come from random search where the model would take too long.
func played(b *testing.B, name string, trials int) []suggest.Outcome {
	b.Helper()
	s := newSpace(b, epochs)
	suggester := started(b, name, suggest.Settings{"sampler": "random"})
	rng := rand.New(rand.NewPCG(1, 4))
	outcomes := make([]suggest.Outcome, 0, trials)
	for number := 1; number <= trials; number++ {
		suggestions, err := suggester.Ask(number, 1)
		if err != nil || !s.Contains(suggestions[0].Assignment) {
			b.Fatal(suggestions, err)
		}
		o := suggest.Outcome{Number: number, Assignment: suggestions[0].Assignment, Labels: suggestions[0].Labels, State: suggest.Completed, Value: rng.Float64()}
		if err := suggester.Tell([]suggest.Outcome{o}); err != nil {
			b.Fatal(err)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

func started(b *testing.B, name string, settings suggest.Settings) suggest.Suggester {
	b.Helper()
	given := suggest.Settings{"resource_name": "epochs"}
	for k, v := range settings {
		given[k] = v
	}
	suggester, err := all().NewSuggester(name, suggest.Problem{Space: newSpace(b, epochs), Seed: 1}, given)
	if err != nil {
		b.Fatal(err)
	}
	return suggester
}

// BenchmarkRestart prints how long it takes, in milliseconds, to tell a new suggester everything, to ask it first, and to ask it
// after that: -benchtime 1x.
func BenchmarkRestart(b *testing.B) {
	for _, name := range []string{"asha", "hyperband", "bohb", "dehb", "freezethaw"} {
		for _, trials := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprintf("%s/trials=%d", name, trials), func(b *testing.B) {
				outcomes := played(b, name, trials)
				for b.Loop() {
					suggester := started(b, name, nil)
					begin := time.Now()
					lap := func(what string) {
						b.ReportMetric(float64(time.Since(begin).Microseconds())/1000, what+"-ms")
						begin = time.Now()
					}
					if err := suggester.Tell(outcomes); err != nil {
						b.Fatal(err)
					}
					lap("tell")
					for _, what := range []string{"first", "second"} {
						if _, err := suggester.Ask(trials+1, 1); err != nil {
							b.Fatal(err)
						}
						lap(what)
					}
				}
			})
		}
	}
}
