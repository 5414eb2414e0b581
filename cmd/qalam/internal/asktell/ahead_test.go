package asktell

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"qalam/spec"
	"qalam/suggest"
	"qalam/suggest/algorithms"
)

const modelled = `
objective: {type: minimize, objectiveMetricName: loss}
algorithm: {algorithmName: %s}
seed: 5
parameters:
- {name: x, parameterType: double, feasibleSpace: {min: "-5", max: "10"}}
- {name: y, parameterType: double, feasibleSpace: {min: "0", max: "15"}}
`

// prepare begins a session that prepares suggestions.
func prepare(t testing.TB, algorithm string, ahead int) *Session {
	t.Helper()
	x, faults := spec.LoadSearch([]spec.File{{Name: "x.yaml", Data: fmt.Appendf(nil, modelled, algorithm)}}, spec.Options{Registry: algorithms.All()})
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	s, err := New(x.Spec, algorithms.All(), ahead)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func branin(x, y float64) float64 {
	a := y - 5.1/(4*math.Pi*math.Pi)*x*x + 5/math.Pi*x - 6
	return a*a + 10*(1-1/(8*math.Pi))*math.Cos(x) + 10
}

// one asks for a trial.
func one(t testing.TB, s *Session) (number int, x, y float64) {
	t.Helper()
	answer, ok := s.Answer([]byte(`{"ask":1,"numbers":true}`)).(suggestionsAnswer)
	if !ok || len(answer.Suggestions) != 1 {
		t.Fatalf("no suggestion: %+v", answer)
	}
	s.searcher.prepare()
	g := answer.Suggestions[0]
	return g.Number, g.Assignments[0].value.(float64), g.Assignments[1].value.(float64)
}

func report(t testing.TB, s *Session, number int, value float64) {
	t.Helper()
	if answer, ok := s.Answer(fmt.Appendf(nil, `{"tell":[{"number":%d,"value":%v}]}`, number, value)).(toldAnswer); !ok || answer.Told != 1 {
		t.Fatalf("not told: %+v", answer)
	}
}

// TestAheadKnowsWhatWasTold prepares suggestions and compares each with what a suggester proposes that was told exactly what lines
// before the hand-out of the one so many before it say; once at full speed and once with pauses in which the preparer comes to rest.
func TestAheadKnowsWhatWasTold(t *testing.T) {
	const trials = 14
	for _, count := range []int{1, 3} {
		for _, paused := range []bool{false, true} {
			s := prepare(t, "gp", count)
			reference, err := algorithms.All().NewSuggester("gp", s.state.Spec.Problem(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var want []suggest.Suggestion
			add := func() {
				n := len(want) + 1
				g, err := reference.Ask(n, 1)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, g[0])
				if err := reference.Tell([]suggest.Outcome{{Number: n, Assignment: g[0].Assignment, Value: math.NaN()}}); err != nil {
					t.Fatal(err)
				}
			}
			for range count {
				add()
			}
			for n := 1; n <= trials; n++ {
				number, x, y := one(t, s)
				if paused {
					rest(s)
				}
				if a := want[n-1].Assignment; number != n || a[0] != x || a[1] != y {
					t.Fatalf("%d ahead, paused %v: trial %d is %v %v, not %v", count, paused, number, x, y, a)
				}
				add()
				v := branin(x, y)
				report(t, s, n, v)
				if err := reference.Tell([]suggest.Outcome{{Number: n, Assignment: want[n-1].Assignment, State: suggest.Completed, Value: v}}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// rest waits until all jobs so far are done.
func rest(s *Session) {
	if a, ok := s.searcher.(*ahead); ok {
		done := make(chan struct{})
		a.jobs <- func(*preparer) { close(done) }
		<-done
	}
}

// TestAheadWithTrialsOfOnesOwn tells trials that were not asked for: what is prepared takes the numbers after them, and none is lost
// or handed out twice. A grid of 9 points is handed out to its end.
func TestAheadWithTrialsOfOnesOwn(t *testing.T) {
	const grid = `
objective: {type: minimize, objectiveMetricName: loss}
algorithm: {algorithmName: grid}
parameters:
- {name: x, parameterType: int, feasibleSpace: {min: "1", max: "3"}}
- {name: y, parameterType: int, feasibleSpace: {min: "1", max: "3"}}
`
	x, faults := spec.LoadSearch([]spec.File{{Name: "x.yaml", Data: []byte(grid)}}, spec.Options{Registry: suggest.Builtin()})
	if err := faults.Err(); err != nil {
		t.Fatal(err)
	}
	s, err := New(x.Spec, suggest.Builtin(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	talk(t, s,
		`{"ask":1}`, `{"suggestions":[{"number":1,…`,
		`{"tell":[{"assignments":{"x":2,"y":2},"value":1}]}`, `{"told":1,"numbers":[2]}`,
		`{"ask":3}`, `{"suggestions":[{"number":3,…{"number":4,…{"number":5,…`,
		`{"tell":[{"number":4,"value":0.5}]}`, `{"told":1}`,
		`{"ask":9}`, `{"suggestions":[{"number":6,…"exhausted":true}`,
		`{"ask":1}`, `{"suggestions":[],"exhausted":true}`,
		`{"best":true}`, `{"number":4,…`,
	)
}

// TestAheadWaits asks for more than an algorithm can propose without results, which come later.
func TestAheadWaits(t *testing.T) {
	waiting := suggest.Registry{Algorithms: []suggest.Algorithm{{Name: "random", New: func(p suggest.Problem, _ suggest.Settings) (suggest.Suggester, error) {
		inner, err := suggest.Builtin().NewSuggester("random", p, nil)
		return &unready{inner, 0}, err
	}}}}
	s := session(t, two)
	s, err := New(s.state.Spec, waiting, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	talk(t, s,
		`{"ask":1}`, `{"suggestions":[],"waiting":true}`,
		`{"tell":[{"assignments":{"lr":0.01,"opt":"adam"},"value":1}]}`, `{"told":1,"numbers":[1]}`,
		`{"ask":2}`, `{"suggestions":[{"number":2,…{"number":3,…`,
	)
}

// unready waits for a first result.
type unready struct {
	suggest.Suggester
	results int
}

func (p *unready) Tell(outcomes []suggest.Outcome) error {
	for _, o := range outcomes {
		if o.State == suggest.Completed {
			p.results++
		}
	}
	return p.Suggester.Tell(outcomes)
}

func (p *unready) Ask(first, n int) ([]suggest.Suggestion, error) {
	if p.results == 0 {
		return nil, suggest.ErrWait
	}
	return p.Suggester.Ask(first, n)
}

// BenchmarkHandOut measures how long the answer to {"ask":1} takes in a session of 100 trials of a Gaussian process, where trials
// last long enough for the next suggestion to be prepared, and where none is.
func BenchmarkHandOut(b *testing.B) {
	for _, count := range []int{0, 1} {
		b.Run(fmt.Sprintf("ahead=%d", count), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				s := prepare(b, "gp", count)
				rng := rand.New(rand.NewPCG(1, 1))
				for range 100 {
					rest(s)
					begin := time.Now()
					answer := s.Answer([]byte(`{"ask":1,"numbers":true}`))
					if _, err := json.Marshal(answer); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(begin))
					s.searcher.prepare()
					g := answer.(suggestionsAnswer).Suggestions[0]
					x, y := g.Assignments[0].value.(float64), g.Assignments[1].value.(float64)
					report(b, s, g.Number, branin(x, y)+0.1*rng.NormFloat64())
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
