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

// ErrNumber says that the caller asked for a trial that cannot exist.
var ErrNumber = errors.New("trials are numbered from 1")

// RandomState is the setting by which Katib's users fix the seed of one experiment.
var RandomState = Setting{
	Name: "random_state", Kind: KindInt, Check: AtLeast(0),
	Doc: "Seed of the random numbers, in place of the experiment's own; none by default.",
}

// SeedOf is the seed to use: random_state where the user gave it, else the experiment's.
func SeedOf(p Problem, settings Settings) uint64 {
	if settings[RandomState.Name] != "" {
		return uint64(settings.Int(RandomState.Name))
	}
	return p.Seed
}

// random draws assignments: suggestion n is a function of the seed and n. It draws them independently, but where there are
// finitely many, all equally likely, it draws none again before it has drawn all: a repeated trial would teach nothing new.
type random struct {
	memoryless
	space  *space.Space
	size   uint64 // of a space to draw from without repetition, else 0
	seed   uint64
	source *rand.PCG
	rng    *rand.Rand // reads source
}

func newRandom(p Problem, settings Settings) (Suggester, error) {
	source := rand.NewPCG(0, 0)
	return &random{space: p.Space, size: shuffleSize(p.Space), seed: SeedOf(p, settings), source: source, rng: rand.New(source)}, nil
}

// Ask draws n assignments.
func (r *random) Ask(first, n int) ([]Suggestion, error) {
	if first < 1 {
		return nil, ErrNumber
	}
	suggestions := make([]Suggestion, max(n, 0))
	for i := range suggestions {
		suggestions[i].Assignment = r.draw(first + i)
	}
	return suggestions, nil
}

// draw draws the assignment of one trial.
func (r *random) draw(number int) space.Assignment {
	if r.size == 0 {
		SeedRand(r.source, r.seed, number)
		return r.space.Sample(r.rng)
	}
	done := uint64(number - 1)
	return r.space.At(shuffled(done%r.size, r.size, mix(r.seed+golden*(done/r.size+1))))
}
