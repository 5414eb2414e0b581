package suggest

// Ties counts how many results equal others. Where many do the objective is a function of steps, such as the loss of a tree by the limits
// of its growth, and says nothing of where it falls. Trials that repeat another one's assignment on purpose (RepeatsLabel) do not count.
type Ties struct {
	results int
	values  map[float64]int // how many have each
}

// Tell takes in what a History has told.
func (t *Ties) Tell(changes []Change) {
	if t.values == nil {
		t.values = map[float64]int{}
	}
	for _, c := range changes {
		if counted(c.Old) {
			t.results--
			if t.values[c.Old.Value]--; t.values[c.Old.Value] == 0 {
				delete(t.values, c.Old.Value)
			}
		}
		if counted(c.New) {
			t.results++
			t.values[c.New.Value]++
		}
	}
}

func counted(r *Record) bool {
	if r == nil || r.State != Completed {
		return false
	}
	_, again := Repeats(r.Labels)
	return !again
}

// Count is how many results equal that of an earlier trial.
func (t *Ties) Count() int { return t.results - len(t.values) }

// Share is the part of the results that do, from 0 to 1; 0 without results.
func (t *Ties) Share() float64 { return float64(t.Count()) / float64(max(1, t.results)) }
