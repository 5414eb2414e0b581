package hyperband

import (
	"slices"
	"testing"

	"qalam/suggest"
	"qalam/suggest/suggesttest"
)

// below is the fraction of a distribution that is below a value, each point's weight being spread evenly up to half-way to its
// neighbours.
func (r *row) below(v float64) float64 {
	sum, n := 0.0, len(r.grid)
	for i, w := range r.weight {
		low, high := r.grid[i], r.grid[i]
		if i > 0 {
			low = (r.grid[i-1] + r.grid[i]) / 2
		}
		if i < n-1 {
			high = (r.grid[i] + r.grid[i+1]) / 2
		}
		switch {
		case v >= high:
			sum += w
		case v > low:
			sum += w * (v - low) / (high - low)
		}
	}
	return sum
}

// TestOutlookIsCalibrated predicts what 900 trials a task will come to, frozen at each rung, when 100 others have come to the end:
// the intervals that leave 5 % on each side must hold that in about nine of ten cases.
func TestOutlookIsCalibrated(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of predictions")
	}
	amounts := []float64{2, 6, 17, 51}
	last := len(amounts) - 1
	held, all := 0, 0
	for _, task := range suggesttest.TaskSet(t) {
		f := newFreezeThaw(3, amounts)
		best := func(i, rung int) float64 { return slices.Min(task.Loss[i][:int(amounts[rung])]) }
		for i := range 100 {
			for k := range amounts {
				f.change(nil, &member{number: 10*i + k + 1, config: i, rung: k, state: suggest.Completed, value: best(i, k)})
			}
		}
		o := f.look()
		for k := range last {
			for i := 100; i < len(task.Loss); i++ {
				v := best(i, k)
				r := o.final(&frozen{entry{value: v}, k, o.after(k, v)})
				if u := r.below(best(i, last)); u >= 0.05 && u <= 0.95 {
					held++
				}
				all++
			}
		}
	}
	share := float64(held) / float64(all)
	t.Logf("90 %% intervals hold %.1f %% of %d", 100*share, all)
	if !(share >= 0.85 && share <= 0.95) {
		t.Error("they must hold from 85 % to 95 %")
	}
}
