package experiment

import (
	"slices"
	"time"
)

// Condition is one entry of a status' history, as Katib orders and words them; the last one is the state.
type Condition struct {
	Type       string
	Status     string // True or False
	Reason     string
	Message    string
	Updated    time.Time
	Transition time.Time
}

// The values of a condition's Status.
const (
	True  = "True"
	False = "False"
)

// set gives conditions the order Katib gives them: nothing happens when status and reason are what they were; otherwise the
// entry moves to the end. The time of transition changes with the status only. The slice handed in is left as it is.
func set(cs []Condition, c Condition) []Condition {
	i := slices.IndexFunc(cs, func(old Condition) bool { return old.Type == c.Type })
	if i < 0 {
		return append(slices.Clip(cs), c)
	}
	if cs[i].Status == c.Status {
		if cs[i].Reason == c.Reason {
			return cs
		}
		c.Transition = cs[i].Transition
	}
	return append(slices.Delete(slices.Clone(cs), i, i+1), c)
}

// end sets the condition an object ends with. Running turns False first, so that the last condition is the state.
func end(cs []Condition, c Condition) []Condition {
	for _, old := range cs {
		if old.Type == string(Running) {
			cs = set(cs, condition(old.Type, False, old.Reason, old.Message, c.Updated))
			break
		}
	}
	return set(cs, c)
}

func condition(kind, status, reason, message string, at time.Time) Condition {
	return Condition{Type: kind, Status: status, Reason: reason, Message: message, Updated: at, Transition: at}
}
