package pbt

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"qalam/space"
	"qalam/suggest"
)

// course is a population in which trials end in any order, with any value, stopped, or failed.
type course struct {
	make      func() suggest.Suggester
	suggester suggest.Suggester
	rng       *rand.Rand
	fails     float64 // probability that a trial has no value
	all       []suggest.Outcome
	running   []int
	given     map[int]bool // trials of which no other was to be continued any more
}

func newCourse(t *rapid.T, name string) *course {
	s, err := space.New([]space.Parameter{{Name: "x", Type: space.Double, Max: 1}, {Name: "n", Type: space.Int, Min: 1, Max: 5}})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	p := suggest.Problem{Space: s, Seed: rng.Uint64()}
	for range rapid.IntRange(0, 8).Draw(t, "initial") {
		p.Initial = append(p.Initial, s.Sample(rng))
	}
	settings := with(suggest.Settings{
		"n_population":         strconv.Itoa(rapid.IntRange(5, 8).Draw(t, "population")),
		"truncation_threshold": rapid.SampledFrom([]string{"0.2", "0.4", "0.9"}).Draw(t, "threshold"),
	})
	c := &course{rng: rng, fails: rapid.SampledFrom([]float64{0, 0.1, 0.6, 0.95}).Draw(t, "fails"), given: map[int]bool{}}
	c.make = func() suggest.Suggester {
		suggester, err := suggest.Registry{Algorithms: Algorithms()}.NewSuggester(name, p, settings)
		if err != nil {
			t.Fatal(err)
		}
		return suggester
	}
	c.suggester = c.make()
	return c
}

// begin asks for trials and looks at whom they continue.
func (c *course) begin(t *rapid.T, n int) {
	suggestions, err := c.suggester.Ask(len(c.all)+1, n)
	if err != nil && !errors.Is(err, suggest.ErrWait) {
		t.Fatal(err)
	}
	for _, g := range suggestions {
		o := suggest.Outcome{Number: len(c.all) + 1, Assignment: g.Assignment, Labels: g.Labels, Value: math.NaN()}
		c.all, c.running = append(c.all, o), append(c.running, o.Number)
		if parent, err := strconv.Atoi(g.Labels[suggest.ParentLabel]); err == nil && c.given[parent] {
			t.Fatalf("trial %d continues trial %d, which none was to continue any more", o.Number, parent)
		}
	}
	c.tell(t, c.all[len(c.all)-len(suggestions):]...)
}

func (c *course) tell(t *rapid.T, outcomes ...suggest.Outcome) {
	if err := c.suggester.Tell(outcomes); err != nil {
		t.Fatal(err)
	}
}

// end ends one of those that run.
func (c *course) end(t *rapid.T, i int) {
	o := &c.all[c.running[i]-1]
	c.running = slices.Delete(c.running, i, i+1)
	o.State = suggest.Failed
	if c.rng.Float64() < 0.2 {
		o.State = suggest.Stopped // without a value, if it stays so
	}
	if c.rng.Float64() >= c.fails {
		o.Value = float64(c.rng.IntN(20))
		if o.State == suggest.Failed {
			o.State = suggest.Completed
		}
	}
	c.tell(t, *o)
}

// look notes which trials none is to continue any more: what was given up stays so.
func (c *course) look(t *rapid.T) {
	may := suggest.MayBeParent(c.suggester)
	for _, o := range c.all {
		if c.given[o.Number] && may(o.Number) {
			t.Fatalf("trial %d was given up, and may be continued again", o.Number)
		}
		if !may(o.Number) {
			if o.State == suggest.Pending {
				t.Fatalf("trial %d runs and is given up", o.Number)
			}
			c.given[o.Number] = true
		}
	}
}

// TestParents: no suggestion continues a trial of which MayBeParent once was false, in whatever order trials end and whether
// they fail, and a fresh instance that is told the same says the same.
func TestParents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, rounds := "pbt", 150
		if rapid.IntRange(0, 9).Draw(t, "algorithm") == 9 {
			name, rounds = "pb2", 30 // which takes long
		}
		c := newCourse(t, name)
		parallel := rapid.IntRange(1, 10).Draw(t, "parallel")
		slow := rapid.Bool().Draw(t, "slow") // the first that runs seldom ends
		for range rounds {
			if free := parallel - len(c.running); free > 0 {
				c.begin(t, 1+c.rng.IntN(free))
				c.look(t)
			}
			if len(c.running) == 0 {
				t.Fatal("nothing runs")
			}
			i := c.rng.IntN(len(c.running))
			if slow && len(c.running) > 1 && c.rng.IntN(30) > 0 {
				i = 1 + c.rng.IntN(len(c.running)-1)
			}
			c.end(t, i)
			c.look(t)
		}
		fresh := c.make()
		if err := fresh.Tell(c.all); err != nil {
			t.Fatal(err)
		}
		for n := range len(c.all) + 3 {
			if a, b := suggest.MayBeParent(c.suggester)(n), suggest.MayBeParent(fresh)(n); a != b {
				t.Fatalf("trial %d may be continued: %v, and by a fresh instance: %v", n, a, b)
			}
		}
	})
}

// TestParentsAreFew: where members take turns, two trials of each are kept at most, after however many generations.
func TestParentsAreFew(t *testing.T) {
	_, all := toy(t, "pbt", nil, 1, 1, 600)
	suggester, err := suggest.Registry{Algorithms: Algorithms()}.NewSuggester("pbt", suggest.Problem{Space: square(t), Seed: 1}, with(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := suggester.Tell(all); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, o := range all {
		if suggest.MayBeParent(suggester)(o.Number) {
			kept++
		}
	}
	if kept < 6 || kept > 12 {
		t.Errorf("%d of %d trials may be continued", kept, len(all))
	}
}
