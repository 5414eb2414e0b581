package suggest

import (
	"errors"
	"math/rand/v2"

	"qalam/space"
)

// memoryless is what algorithms embed that propose the same whatever the outcomes.
type memoryless struct{}

// Tell has nothing to learn.
func (memoryless) Tell([]Outcome) error { return nil }

// errNumber says that the caller asked for a trial that cannot exist.
var errNumber = errors.New("trials are numbered from 1")

// randomState is the setting by which Katib's users fix the seed of one experiment.
var randomState = Setting{
	Name: "random_state", Kind: KindInt, Check: atLeast(0),
	Doc: "Seed of the random numbers, in place of the experiment's own; none by default.",
}

// seedOf is the seed to use: random_state where the user gave it.
func seedOf(settings Settings, seed uint64) uint64 {
	if settings[randomState.Name] != "" {
		return uint64(settings.Int(randomState.Name))
	}
	return seed
}

// random draws every assignment independently: suggestion n is a function of the seed and n.
type random struct {
	memoryless
	space  *space.Space
	seed   uint64
	source *rand.PCG
	rng    *rand.Rand // reads source
}

func newRandom(s *space.Space, settings Settings, seed uint64) (Suggester, error) {
	source := rand.NewPCG(0, 0)
	return &random{space: s, seed: seedOf(settings, seed), source: source, rng: rand.New(source)}, nil
}

// Ask draws n assignments.
func (r *random) Ask(first, n int) ([]Suggestion, error) {
	if first < 1 {
		return nil, errNumber
	}
	suggestions := make([]Suggestion, max(n, 0))
	for i := range suggestions {
		SeedRand(r.source, r.seed, first+i)
		suggestions[i].Assignment = r.space.Sample(r.rng)
	}
	return suggestions, nil
}
