// Package algorithms lists every algorithm and early-stopping rule there is. It knows the families by name, nothing of how
// they search.
package algorithms

import (
	"slices"

	"qalam/suggest"
	"qalam/suggest/cmaes"
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
	return suggest.Registry{
		Algorithms: slices.Concat(builtin.Algorithms, tpe.Algorithms(), gp.Algorithms(), cmaes.Algorithms(), hyperband.Algorithms(hyperband.Models{"tpe": tpe.New}), pbt.Algorithms(), nas.Algorithms()),
		StopRules:  slices.Concat(builtin.StopRules, stopping.StopRules()),
	}
}
