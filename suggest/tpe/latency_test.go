package tpe_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

// BenchmarkAskAlone measures Ask alone, in ten reals or ten parameters of several kinds, as peers are measured.
func BenchmarkAskAlone(b *testing.B) {
	for _, name := range []string{"multivariate-tpe", "tpe"} {
		for _, kind := range []string{"reals", "mixed"} {
			for _, n := range []int{100, 1000, 10_000, 100_000} {
				b.Run(fmt.Sprintf("%s/%s/n=%d", name, kind, n), func(b *testing.B) { benchmarkAskAlone(b, name, kind, n) })
			}
		}
	}
}

func benchmarkAskAlone(b *testing.B, name, kind string, n int) {
	params := make([]space.Parameter, 10)
	for j := range params {
		params[j] = space.Parameter{Name: fmt.Sprintf("x%d", j), Type: space.Double, Max: 1}
		switch {
		case kind == "reals" || j < 4:
		case j < 6:
			params[j].Min, params[j].Distribution = 1e-5, space.LogUniform
		case j < 8:
			params[j].Type, params[j].Max = space.Int, 16
		default:
			params[j] = space.Parameter{Name: params[j].Name, Type: space.Categorical, List: []string{"a", "b", "c", "d"}}
		}
	}
	s, err := space.New(params)
	if err != nil {
		b.Fatal(err)
	}
	suggester, err := suggest.Registry{Algorithms: []suggest.Algorithm{algorithm(b, name)}}.NewSuggester(name, suggest.Problem{Space: s}, nil)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	outcomes := make([]suggest.Outcome, n)
	for i := range outcomes {
		a := s.Sample(rng)
		sum := 0.0
		for _, v := range s.ToUnit(a, nil) {
			sum += (v - 0.3) * (v - 0.3)
		}
		outcomes[i] = suggest.Outcome{Number: i + 1, Assignment: a, State: suggest.Completed, Value: sum}
	}
	if err := suggester.Tell(outcomes); err != nil {
		b.Fatal(err)
	}
	if _, err := suggester.Ask(n+1, 1); err != nil {
		b.Fatal(err)
	}
	number := n
	b.ReportAllocs()
	for b.Loop() {
		number++
		if _, err := suggester.Ask(number, 1); err != nil {
			b.Fatal(err)
		}
	}
}
