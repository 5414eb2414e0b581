package suggest

import (
	"fmt"
	"slices"
	"strings"

	"qalam/space"
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

// NewSuggester makes the algorithm of that name for a space. Its error is an *UnknownError, SettingErrors, or one sentence that
// says why the algorithm cannot search the space.
func (r Registry) NewSuggester(name string, s *space.Space, settings Settings, seed uint64) (Suggester, error) {
	a, err := r.Lookup(name)
	if err != nil {
		return nil, err
	}
	settings, err = completeSettings(a.Settings, settings)
	if err != nil {
		return nil, fmt.Errorf("algorithm %q: %w", name, err)
	}
	if a.Supports != nil {
		if problem := a.Supports(s, settings); problem != "" {
			return nil, fmt.Errorf("algorithm %q cannot search this space: %s", name, problem)
		}
	}
	return a.New(s, settings, seed)
}

// NewStopper makes the early-stopping rule of that name. Its error is an *UnknownError or SettingErrors.
func (r Registry) NewStopper(name string, settings Settings) (Stopper, error) {
	rule, err := r.LookupStopRule(name)
	if err != nil {
		return nil, err
	}
	settings, err = completeSettings(rule.Settings, settings)
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
