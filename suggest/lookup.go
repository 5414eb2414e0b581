package suggest

import (
	"fmt"
	"slices"
	"strings"

	"qalam/typo"
)

// UnknownError says that the registry has no entry of a name.
type UnknownError struct {
	What    string // "algorithm" or "early-stopping rule"
	Name    string // as the user wrote it
	Nearest string // the entry that the user probably meant, or ""
	Known   []string
}

func (e *UnknownError) Error() string {
	if e.Nearest != "" {
		return fmt.Sprintf("there is no %s %q; did you mean %q?", e.What, e.Name, e.Nearest)
	}
	return fmt.Sprintf("there is no %s %q: use one of %s", e.What, e.Name, strings.Join(e.Known, ", "))
}

// Lookup finds an algorithm by its name; its error is an *UnknownError.
func (r Registry) Lookup(name string) (Algorithm, error) {
	return find(r.Algorithms, "algorithm", name, func(a Algorithm) string { return a.Name })
}

// LookupStopRule finds an early-stopping rule by its name; its error is an *UnknownError.
func (r Registry) LookupStopRule(name string) (StopRule, error) {
	return find(r.StopRules, "early-stopping rule", name, func(s StopRule) string { return s.Name })
}

func find[E any](entries []E, what, name string, nameOf func(E) string) (E, error) {
	known := make([]string, len(entries))
	for i, e := range entries {
		if known[i] = nameOf(e); known[i] == name {
			return e, nil
		}
	}
	slices.Sort(known)
	var none E
	return none, &UnknownError{What: what, Name: name, Nearest: nearest(name, known), Known: known}
}

// NewSuggester makes the algorithm of that name for a problem. It tries Problem.Initial first, the best of Problem.Earlier
// after that where the algorithm does not learn from it, repeats promising assignments by Problem.Repetition, or else as the algorithm
// wants it, and keeps to the restrictions of the space. Its error is an *UnknownError, SettingErrors, or one sentence that says why the algorithm cannot
// search the problem.
func (r Registry) NewSuggester(name string, p Problem, settings Settings) (Suggester, error) {
	a, err := r.Lookup(name)
	if err != nil {
		return nil, err
	}
	settings, err = Complete(a.Settings, settings)
	if err != nil {
		return nil, fmt.Errorf("algorithm %q: %w", name, err)
	}
	if problem := a.Refuses(p, settings); problem != "" {
		return nil, fmt.Errorf("algorithm %q cannot search this space: %s", name, problem)
	}
	if p.Repetition == (Repetition{}) && a.Repeats != nil {
		p.Repetition = a.Repeats(p)
	}
	if !a.Transfers {
		p.Initial = slices.Concat(p.Initial, bestOf(p))
	}
	return repeated(func() (Suggester, error) {
		inner, err := a.New(p, settings)
		if err != nil {
			return nil, err
		}
		return guarded(queued(inner, p), p), nil
	}, p)
}

// Refuses says why the algorithm cannot search a problem, or "". The settings are complete.
func (a *Algorithm) Refuses(p Problem, settings Settings) string {
	most := max(1, a.Objectives)
	switch {
	case p.Objectives > most && most == 1:
		return fmt.Sprintf("it knows one objective, not %d: use nsga2, motpe, or auto", p.Objectives)
	case p.Objectives > most:
		return fmt.Sprintf("it knows up to %d objectives, not %d: use nsga2, or fewer", most, p.Objectives)
	case a.Architectures && p.Architecture == nil:
		return "it searches architectures: give spec.nasConfig, or use another algorithm"
	case p.Repetition.Share > 0 && (p.Objectives > 1 || a.Budgets || a.Architectures):
		return "promising values can be repeated only with one objective, and where every trial is trained alike: leave spec.repetition out"
	case a.Supports != nil:
		return a.Supports(p, settings)
	}
	return ""
}

// NewStopper makes the early-stopping rule of that name. Its error is an *UnknownError or SettingErrors.
func (r Registry) NewStopper(name string, settings Settings) (Stopper, error) {
	rule, err := r.LookupStopRule(name)
	if err != nil {
		return nil, err
	}
	settings, err = Complete(rule.Settings, settings)
	if err != nil {
		return nil, fmt.Errorf("early-stopping rule %q: %w", name, err)
	}
	return rule.New(settings)
}

// nearest is the name that someone who wrote text probably meant, or "" when none is near: case and separators aside, equal,
// an abbreviation of at least three letters, or at most a third of its letters (one at least) away.
func nearest(text string, names []string) string {
	text = plain(text)
	best, distance := "", 1<<30
	for _, name := range names {
		d := typo.Distance(text, plain(name))
		if len(text) >= 3 && strings.HasPrefix(plain(name), text) || len(plain(name)) >= 3 && strings.HasPrefix(text, plain(name)) {
			d = min(d, 1)
		}
		if d <= max(1, len(text)/3) && d < distance {
			best, distance = name, d
		}
	}
	return best
}

func plain(name string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
}
