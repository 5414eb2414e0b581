package hyperband

import (
	"fmt"
	"math"
	"slices"

	"qalam/suggest"
)

// Models are the models that can propose configurations, by the name of the setting sampler. Each is made with its defaults for
// a problem of which the resource is fixed.
type Models map[string]func(suggest.Problem) (suggest.Suggester, error)

// Algorithms lists the algorithms of this package. Those with a model are there when models has it.
func Algorithms(models Models) []suggest.Algorithm {
	samplers := []string{"random", "de"}
	for name := range models {
		samplers = append(samplers, name)
	}
	slices.Sort(samplers)
	entry := func(name, scheduler, sampler, doc string) suggest.Algorithm {
		return suggest.Algorithm{
			Name: name, Doc: doc, Settings: settings(scheduler, sampler, samplers),
			New: func(p suggest.Problem, s suggest.Settings) (suggest.Suggester, error) {
				return newSuggester(p, s, models)
			},
			Supports: supports, Budgets: true,
		}
	}
	all := []suggest.Algorithm{
		entry("hyperband", "hyperband", "random",
			"Tries many configurations with little of a resource, such as epochs, and goes on with the best, in brackets that begin with more or less of it."),
		entry("asha", "asha", "random",
			"Asynchronous successive halving: tries many configurations with little of a resource, and goes on with the best as soon as they are known."),
		entry("pasha", "pasha", "random",
			"asha that trains longer only while it would change which configurations are best."),
		entry("dehb", "asha", "de",
			"asha with configurations from differential evolution."),
	}
	if models["tpe"] != nil {
		all = append(all, entry("bohb", "asha", "tpe", "asha with configurations from a model, multivariate TPE."),
			entry("freezethaw", "freezethaw", "tpe",
				"Trains a slice at a time and goes on with what promises most for its cost, a paused trial or a new one, with configurations from a model."))
	}
	return all
}

func settings(scheduler, sampler string, samplers []string) []suggest.Setting {
	fraction := "0.33"
	if sampler == "de" || scheduler == "freezethaw" {
		fraction = "0.1"
	}
	return []suggest.Setting{
		{Name: "resource_name", Kind: suggest.KindString, Doc: "The parameter that says how long a trial trains; must be given."},
		{
			Name: "r_l", Kind: suggest.KindFloat, Check: suggest.Between(0, math.MaxFloat64),
			Doc: "The most of the resource that a trial gets; the parameter's largest value by default.",
		},
		{
			Name: "eta", Kind: suggest.KindFloat, Default: "3", Check: suggest.Between(1.1, 1e6),
			Doc: "One of so many configurations goes on to the next rung (freezethaw: as many as promise something), with so many times the resource; 3 by default.",
		},
		{
			Name: "min_resource", Kind: suggest.KindFloat, Check: suggest.Between(0, math.MaxFloat64),
			Doc: "The least of the resource that a trial gets; by default 1, or the parameter's smallest value where that is more.",
		},
		{
			Name: "scheduler", Kind: suggest.KindString, Default: scheduler, Check: suggest.OneOf("asha", "pasha", "hyperband", "freezethaw"),
			Doc: "Who goes on: asha, the best of those known by then; pasha, those likewise, but no further than rankings still change; hyperband, the best of a bracket; or freezethaw, what promises most for its cost; " + scheduler + " by default.",
		},
		{
			Name: "brackets", Kind: suggest.KindString, Default: "learned", Check: suggest.OneOf("learned", "fixed"),
			Doc: "How much of the budget the scheduler hyperband gives to each bracket: learned, more to those that begin with as little of the resource as has been seen to rank configurations; or fixed, the same to each; learned by default.",
		},
		{
			Name: "sampler", Kind: suggest.KindString, Default: sampler, Check: suggest.OneOf(samplers...),
			Doc: "Where configurations come from: random, de (differential evolution), or a model; " + sampler + " by default.",
		},
		{
			Name: "random_fraction", Kind: suggest.KindFloat, Default: fraction, Check: suggest.Between(0, 1),
			Doc: "Fraction of the configurations that is drawn evenly whatever the sampler; " + fraction + " by default.",
		},
		{
			Name: "suggestion_trial_dir", Kind: suggest.KindString,
			Doc: "A directory in the trial's container for its checkpoint: a trial that goes on finds a copy of its parent's there; none by default.",
		},
		suggest.RandomState,
	}
}

func supports(p suggest.Problem, settings suggest.Settings) string {
	_, problem := newResource(p.Space, settings)
	return problem
}

func newSuggester(p suggest.Problem, settings suggest.Settings, models Models) (suggest.Suggester, error) {
	r, problem := newResource(p.Space, settings)
	if problem != "" {
		return nil, fmt.Errorf("%s", problem)
	}
	fixed, err := r.fixed(p.Space)
	if err != nil {
		return nil, err
	}
	seed := suggest.SeedOf(p, settings)
	s := &suggester{space: p.Space, resource: r, history: suggest.NewHistory(p.Space)}
	switch eta := settings.Float("eta"); settings["scheduler"] {
	case "hyperband":
		b := newBrackets(eta, len(r.rungs))
		b.fixed = settings["brackets"] == "fixed"
		s.scheduler = b
	case "freezethaw":
		s.scheduler = newFreezeThaw(eta, r.amounts)
	default:
		a := newASHA(eta, len(r.rungs))
		a.progressive = settings["scheduler"] == "pasha"
		s.scheduler = a
	}
	even := newUniform(p.Space, seed)
	name := settings["sampler"]
	if name == "random" {
		s.sampler = even
		return s, nil
	}
	s.configs = newConfigs(len(r.rungs))
	m := &modelled{
		uniform: even, fraction: settings.Float("random_fraction"), resource: &s.resource, configs: s.configs,
		fixed: fixed.FromUnit(make([]float64, fixed.Len()))[r.index], enough: fixed.Len() - 1 + 3,
		// freezethaw goes on with as few as promise something: it would take too long until there are enough.
		patient: settings["scheduler"] != "freezethaw",
	}
	if name == "de" {
		m.model = newEvolution(fixed, seed, m.enough)
	} else {
		p.Space, p.Seed, p.Earlier, p.Initial = fixed, seed, nil, nil
		m.model, err = models[name](p)
	}
	s.sampler = m
	return s, err
}
