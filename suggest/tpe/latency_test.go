package tpe_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// BenchmarkAskTell measures an ask and a tell, one of 100 after so many trials, in ten reals or ten parameters of several kinds, as peers are measured.
func BenchmarkAskTell(b *testing.B) {
	for _, name := range []string{"multivariate-tpe", "tpe"} {
		for _, kind := range []string{"reals", "mixed"} {
			for _, n := range []int{100, 300, 1000, 10_000, 100_000} {
				b.Run(fmt.Sprintf("%s/%s/n=%d", name, kind, n), func(b *testing.B) { benchmarkAskTell(b, name, kind, n) })
			}
		}
	}
}

func benchmarkAskTell(b *testing.B, name, kind string, n int) {
	params := make([]space.Parameter, 10)
	for j := range params {
		params[j] = space.Parameter{Name: fmt.Sprintf("x%d", j), Type: space.Double, Max: 1}
		switch {
		case kind == "reals" || j < 4:
		case j < 6:
			params[j].Min, params[j].Distribution = 1e-5, space.LogUniform
		case j < 8:
			params[j].Type, params[j].Min, params[j].Max = space.Int, 1, 100
		default:
			params[j] = space.Parameter{Name: params[j].Name, Type: space.Categorical, List: []string{"a", "b", "c", "d"}}
		}
	}
	s, err := space.New(params)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	outcome := func(number int, a space.Assignment) suggest.Outcome {
		sum := 0.01 * rng.NormFloat64()
		for _, v := range s.ToUnit(a, nil) {
			sum += (v - 0.3) * (v - 0.3)
		}
		return suggest.Outcome{Number: number, Assignment: a, State: suggest.Completed, Value: sum}
	}
	const asks = 100
	number, suggester := n+asks, suggest.Suggester(nil)
	b.ReportAllocs()
	for b.Loop() {
		if number >= n+asks {
			b.StopTimer()
			suggester, err = suggest.Registry{Algorithms: []suggest.Algorithm{algorithm(b, name)}}.NewSuggester(name, suggest.Problem{Space: s}, nil)
			if err != nil {
				b.Fatal(err)
			}
			outcomes := make([]suggest.Outcome, n)
			for i := range outcomes {
				outcomes[i] = outcome(i+1, s.Sample(rng))
			}
			if err := suggester.Tell(outcomes); err != nil {
				b.Fatal(err)
			}
			if _, err := suggester.Ask(n+1, 1); err != nil { // the first pays for what others do not
				b.Fatal(err)
			}
			number = n
			b.StartTimer()
		}
		number++
		suggestions, err := suggester.Ask(number, 1)
		if err != nil {
			b.Fatal(err)
		}
		if err := suggester.Tell([]suggest.Outcome{outcome(number, suggestions[0].Assignment)}); err != nil {
			b.Fatal(err)
		}
	}
}
