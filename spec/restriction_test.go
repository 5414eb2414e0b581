package spec

import (
	"strings"
	"testing"

	"qalam/space"
)

// machine is a space with names that are no identifiers of any language.
func machine(t testing.TB) *space.Space {
	t.Helper()
	s, err := space.New([]space.Parameter{
		{Name: "opt", Type: space.Categorical, List: []string{"sgd", "adam", "8"}},
		{Name: "momentum", Type: space.Double, Max: 1, When: []space.Condition{{Parameter: "opt", Values: []string{"sgd"}}}},
		{Name: "batch-size", Type: space.Int, Min: 1, Max: 64},
		{Name: "batch", Type: space.Discrete, List: []string{"4", "2", "1e1"}},
		{Name: "type", Type: space.Double, Min: -1, Max: 1},
		{Name: "max", Type: space.Int, Min: 0, Max: 9},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRestrictionsHold(t *testing.T) {
	s := machine(t)
	sgd := space.Assignment{0, 0.75, 16, 1, -0.5, 3} // batch 4
	adam := space.Assignment{1, 0.5, 64, 2, 0.5, 9}  // batch 10
	for text, want := range map[string][2]bool{
		`batch-size * batch <= 64`:                             {true, false},
		`batch - batch-size < -50`:                             {false, true},
		`batch-batch < 1`:                                      {true, true},
		`opt == "sgd"`:                                         {true, false},
		`opt != 'sgd' && 'adam' == opt`:                        {false, true},
		`not (opt == "sgd" or opt == "8")`:                     {false, true},
		`momentum > 0.9`:                                       {false, true}, // it does not matter beside adam
		`momentum > 0.9 or batch-size < 20`:                    {true, true},
		`oneOf(opt, "adam", "8")`:                              {false, true},
		`oneOf(batch, 2, 4)`:                                   {true, false},
		`type < 0 and max < 5`:                                 {true, false},
		`max(type, 0.4) >= 0.5`:                                {false, true},
		`min(abs(type), 1) == 0.5`:                             {true, true},
		`pow(batch, 2) == 16 || log10(batch) == 1`:             {true, true},
		`batch % 3 == 1 and sqrt(batch-size) == 4`:             {true, false},
		`1 / (max - 3) > 0`:                                    {true, true}, // +Inf
		`-type == +0.5`:                                        {true, false},
		`round(type * 3) == -2 and floor(1.5) == 1`:            {true, false},
		`ceil(type) <= 0 and exp(0) == 1 and log2(batch) == 2`: {true, false},
		`log(batch-size) > log(32)`:                            {false, true},
		`!(batch >= 5)`:                                        {true, false},
		"opt == 'it''s'":                                       {false, false},
	} {
		r, fault := compileRestriction(s, text)
		if strings.Contains(text, "''") {
			if fault == nil {
				t.Errorf("%s was understood", text)
			}
			continue
		}
		if fault != nil {
			t.Errorf("%s: %v", text, fault)
			continue
		}
		if got := [2]bool{r.Holds(sgd), r.Holds(adam)}; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// FuzzRestriction compiles any text: it is understood or refused, and what is understood can be asked.
func FuzzRestriction(f *testing.F) {
	for _, text := range []string{
		"batch-size * batch <= 64", `opt == "sgd" and not momentum > 0.9`, "max(max, 1) < 3", "oneOf(opt, 'a', \"b\")", "((((1", "a.b[c](d)", "-batch",
		"ĸ0 == 1", "func() {}", "batch\x00", "/* */ batch < 1", "0x1p-2 < batch", "1e400 < batch", "'a' < batch", "batch < 1_0", "é == opt", "batch...",
	} {
		f.Add(text)
	}
	s := machine(f)
	f.Fuzz(func(t *testing.T, text string) {
		r, fault := compileRestriction(s, text)
		if fault != nil {
			if fault.message == "" {
				t.Error("refused without a word")
			}
			return
		}
		for _, a := range []space.Assignment{{0, 0.75, 16, 1, -0.5, 3}, {1, 0.5, 64, 2, 0.5, 9}} {
			r.Holds(a)
		}
	})
}
