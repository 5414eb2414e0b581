// Package algorithms lists every algorithm and early-stopping rule there is. It knows the families by name, nothing of how
// they search.
package algorithms

import (
	"slices"

	"qalam/suggest"
	"qalam/suggest/auto"
	"qalam/suggest/cmaes"
	"qalam/suggest/evolution"
	"qalam/suggest/forest"
	"qalam/suggest/gp"
	"qalam/suggest/hyperband"
	"qalam/suggest/nas"
	"qalam/suggest/pbt"
	"qalam/suggest/stopping"
	"qalam/suggest/tpe"
)

// All is the registry of everything that a user can name.
func All() suggest.Registry {
	builtin := suggest.Builtin()
	r := suggest.Registry{
		Algorithms: slices.Concat(builtin.Algorithms, tpe.Algorithms(), gp.Algorithms(), cmaes.Algorithms(), evolution.Algorithms(), forest.Algorithms(),
			hyperband.Algorithms(hyperband.Models{"tpe": tpe.New}), pbt.Algorithms(), nas.Algorithms()),
		StopRules: slices.Concat(builtin.StopRules, stopping.StopRules()),
	}
	r.Algorithms = append(r.Algorithms, auto.Algorithms(auto.Parts{
		Model: named(r, "gp"), Density: named(r, "multivariate-tpe"), Evolution: named(r, "cmaes"), Population: named(r, "nsga2"),
		Directions: named(r, "nsga3"),
	})...)
	return r
}

// named is an algorithm that there is; the zero value stands for one that there is not.
func named(r suggest.Registry, name string) suggest.Algorithm {
	for _, a := range r.Algorithms {
		if a.Name == name {
			return a
		}
	}
	return suggest.Algorithm{}
}
