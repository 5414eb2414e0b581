package tpe

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qalam/space"
	"qalam/suggest"
)

func value(s *space.Space, a space.Assignment) float64 {
	sum := 0.0
	for _, u := range s.ToUnit(a, nil) {
		sum += (u - 0.3) * (u - 0.3)
	}
	return sum
}

// TestLongRestart tells 5,000 trials piece by piece, many at a time and in disorder now and then, and compares what is proposed
// with what a new instance proposes that is told the last outcomes at once: when the share of the older trials changes, too.
func TestLongRestart(t *testing.T) {
	s := testSpace(t)
	rng := rand.New(rand.NewPCG(7, 8))
	for _, a := range Algorithms() {
		settings, err := suggest.Complete(a.Settings, nil)
		if err != nil {
			t.Fatal(err)
		}
		create := func() *suggester {
			made, err := a.New(suggest.Problem{Space: s, Seed: 3, Constraints: 1}, settings)
			if err != nil {
				t.Fatal(err)
			}
			return made.(*suggester)
		}
		old := create()
		var last []suggest.Outcome
		for len(last) < 5000 {
			n := 1 + rng.IntN(40)
			if rng.IntN(10) == 0 {
				n = 400
			}
			for range n {
				assignment := s.Sample(rng)
				o := suggest.Outcome{Number: len(last) + 1, Assignment: assignment, State: suggest.Completed, Value: value(s, assignment)}
				switch rng.IntN(10) {
				case 0:
					o.State = suggest.Failed
				case 1:
					o.State, o.Step = suggest.Stopped, int64(rng.IntN(5))
				case 2:
					o.Violations = []float64{rng.NormFloat64()}
				}
				pending := o
				pending.State = suggest.Pending
				if err := old.Tell([]suggest.Outcome{pending}); err != nil {
					t.Fatal(err)
				}
				last = append(last, o)
			}
			piece := slices.Clone(last[len(last)-n:])
			rng.Shuffle(n, func(i, j int) { piece[i], piece[j] = piece[j], piece[i] })
			if err := old.Tell(piece); err != nil {
				t.Fatal(err)
			}
			if rng.IntN(12) > 0 {
				continue
			}
			fresh := create()
			if err := fresh.Tell(slices.Clone(last)); err != nil {
				t.Fatal(err)
			}
			got, err1 := old.Ask(len(last)+1, 2)
			want, err2 := fresh.Ask(len(last)+1, 2)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			for i := range got {
				if !slices.Equal(got[i].Assignment, want[i].Assignment) {
					t.Fatalf("%s after %d trials: proposes %v, after a restart %v", a.Name, len(last), got[i].Assignment, want[i].Assignment)
				}
			}
			if most := 2*window + window; len(old.sample.all) > most {
				t.Fatalf("after %d trials %d are kept", len(last), len(old.sample.all))
			}
		}
	}
}

// TestBatchIsOneByOne asks for three at once, and for one after the other, told as pending.
func TestBatchIsOneByOne(t *testing.T) {
	s := testSpace(t)
	suggester, err := New(suggest.Problem{Space: s, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(9, 1))
	for number := 1; number <= 30; number++ {
		a := s.Sample(rng)
		o := suggest.Outcome{Number: number, Assignment: a, State: suggest.Completed, Value: value(s, a)}
		if err := suggester.Tell([]suggest.Outcome{o}); err != nil {
			t.Fatal(err)
		}
	}
	batch, err := suggester.Ask(31, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range batch {
		one, err := suggester.Ask(31+i, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(one[0].Assignment, b.Assignment) {
			t.Errorf("suggestion %d is %v in a batch, %v alone", i, b.Assignment, one[0].Assignment)
		}
		pending := suggest.Outcome{Number: 31 + i, Assignment: b.Assignment, Value: math.NaN()}
		if err := suggester.Tell([]suggest.Outcome{pending}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOrderOfTrials(t *testing.T) {
	nan := math.NaN()
	better := []suggest.Outcome{ // from the best on
		{State: suggest.Completed, Value: 1},
		{State: suggest.Completed, Value: 2, Violations: []float64{-1, nan}},
		{State: suggest.Stopped, Value: 5, Step: 9},
		{State: suggest.Stopped, Value: 0, Step: 3},
		{State: suggest.Stopped, Value: 1, Step: 3},
		{State: suggest.Completed, Value: 3, Violations: []float64{0.1, nan}},
		{State: suggest.Completed, Value: 0, Violations: []float64{0.1, 0.2}},
	}
	s := testSpace(t)
	h, a := suggest.NewHistory(s), s.Sample(rand.New(rand.NewPCG(1, 1)))
	for i := range better {
		better[i].Number, better[i].Assignment = len(better)-i, a
	}
	better = append(better, suggest.Outcome{Number: 90, Assignment: a, State: suggest.Failed, Value: nan}, suggest.Outcome{Number: 91, Assignment: a, Value: nan})
	r := ranking{}
	r.tell(h.Tell(better))
	for i, record := range r.records {
		if record.Number != better[i].Number {
			t.Errorf("place %d has trial %d instead of %d", i, record.Number, better[i].Number)
		}
	}
	if len(r.records) != 7 {
		t.Errorf("%d trials are ranked", len(r.records))
	}
}

func TestKendall(t *testing.T) {
	for _, test := range []struct {
		scores []float64
		want   float64
	}{{[]float64{3, 2, 1}, 1}, {[]float64{1, 2, 3}, -1}, {[]float64{1, 1}, 0}, {nil, 0}, {[]float64{3, 1, 2}, 1.0 / 3}} {
		if got := kendall(test.scores); math.Abs(got-test.want) > 1e-15 {
			t.Errorf("kendall(%v) = %v, want %v", test.scores, got, test.want)
		}
	}
}

// TestBestInOrder compares the best trials with sorting all, while results come in any order, change and are lost.
func TestBestInOrder(t *testing.T) {
	s := testSpace(t)
	rng := rand.New(rand.NewPCG(4, 2))
	h, r := suggest.NewHistory(s), ranking{}
	a := s.Sample(rng)
	for range 300 {
		batch := make([]suggest.Outcome, 1+rng.IntN(40))
		for i := range batch {
			o := suggest.Outcome{Number: 1 + rng.IntN(4000), Assignment: a, State: suggest.Completed, Value: float64(rng.IntN(3000))}
			if rng.IntN(4) == 0 {
				o.State = suggest.State(rng.IntN(4))
			}
			if n := len(r.records); n > 0 && rng.IntN(3) == 0 { // one of the best changes
				o.Number = r.records[rng.IntN(n)].Number
			}
			batch[i] = o
		}
		r.tell(h.Tell(batch))
		r.sync(h)
		var want []*suggest.Record
		for _, record := range h.Records() {
			if classOf(&record.Outcome) != unusable {
				want = append(want, record)
			}
		}
		slices.SortFunc(want, compare)
		if r.total != len(want) || !slices.Equal(r.records, want[:min(len(want), ordered)]) {
			t.Fatalf("%d trials, %d in order: not those of %d sorted", r.total, len(r.records), len(want))
		}
	}
}
