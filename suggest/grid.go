package suggest

import (
	"fmt"

	"qalam/space"
)

// grid goes through every feasible assignment in lexicographic order, the last parameter changing fastest: suggestion n is
// assignment n-1 of the space.
type grid struct {
	memoryless
	space *space.Space
}

func newGrid(s *space.Space, _ Settings, _ uint64) (Suggester, error) { return &grid{space: s}, nil }

// gridSupports refuses reals without a step.
func gridSupports(s *space.Space, _ Settings) string {
	for i, p := range s.Parameters() {
		if _, finite := s.Count(i); !finite {
			return fmt.Sprintf("parameter %q takes any number from %s to %s: give it a step or a list, or use random or sobol",
				p.Name, s.Text(i, p.Min), s.Text(i, p.Max))
		}
	}
	return ""
}

// Ask lists n assignments, fewer with ErrExhausted at the end of the space.
func (g *grid) Ask(first, n int) ([]Suggestion, error) {
	if first < 1 {
		return nil, errNumber
	}
	size, _ := g.space.Size()
	done := uint64(first - 1)
	if done >= size && n > 0 {
		return nil, ErrExhausted
	}
	suggestions := make([]Suggestion, min(uint64(max(n, 0)), size-min(done, size)))
	for i := range suggestions {
		suggestions[i].Assignment = g.space.At(done + uint64(i))
	}
	if len(suggestions) < n {
		return suggestions, ErrExhausted
	}
	return suggestions, nil
}
