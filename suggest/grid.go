package suggest

import (
	"fmt"
	"slices"

	"qalam/space"
)

// grid goes through every feasible assignment in lexicographic order, the last parameter changing fastest: suggestion n is
// assignment n-1 of the space.
type grid struct {
	memoryless
	space *space.Space
	found []uint64 // in a space that is not plain: the indices of its first feasible assignments, as far as asked for
}

func newGrid(p Problem, _ Settings) (Suggester, error) { return &grid{space: p.Space}, nil }

// gridSupports refuses reals without a step.
func gridSupports(p Problem, _ Settings) string {
	s := p.Space
	for i, x := range s.Parameters() {
		if _, finite := s.Count(i); !finite {
			return fmt.Sprintf("parameter %q takes any number from %s to %s: give it a step or a list, or use random or sobol",
				x.Name, s.Text(i, x.Min), s.Text(i, x.Max))
		}
	}
	return ""
}

// Ask lists n assignments, fewer with ErrExhausted at the end of the space.
func (g *grid) Ask(first, n int) ([]Suggestion, error) {
	if first < 1 {
		return nil, ErrNumber
	}
	if !g.space.Plain() {
		return g.search(first-1, max(n, 0))
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

// searched bounds how many combinations are looked at in one piece; a search that is longer goes on.
const searched = 1 << 16

// search lists n assignments from the one with index first on, among those of the combinations that are feasible.
func (g *grid) search(first, n int) ([]Suggestion, error) {
	if n == 0 {
		return nil, nil
	}
	size, _ := g.space.Size()
	for at := g.resume(); len(g.found) < first+n && at < size; {
		next, ok := g.space.Next(at, searched)
		if at = next; ok {
			g.found = append(g.found, next)
			at++
		}
	}
	found := g.found[min(first, len(g.found)):min(first+n, len(g.found))]
	suggestions := slices.Collect(func(yield func(Suggestion) bool) {
		for _, index := range found {
			if !yield(Suggestion{Assignment: g.space.At(index)}) {
				return
			}
		}
	})
	if len(suggestions) < n {
		return suggestions, ErrExhausted
	}
	return suggestions, nil
}

// resume is the index from which to search on.
func (g *grid) resume() uint64 {
	if len(g.found) == 0 {
		return 0
	}
	return g.found[len(g.found)-1] + 1
}
