package view

import "qalam/space"

// Idle stands for the value of a parameter that does not matter in a trial.
const Idle = "–"

// Named are the values of an assignment by name, with idle for those of parameters that do not matter.
func Named(s *space.Space, a space.Assignment, idle string) []space.Named {
	named := s.Named(a)
	if !s.Conditional() || len(named) != s.Len() {
		return named
	}
	for i, active := range s.Active(a, nil) {
		if !active {
			named[i].Value = idle
		}
	}
	return named
}
