package rivals

import (
	"math"
	"testing"

	"qalam/suggest/suggesttest"
	"qalam/suggest/suggesttest/curves"
)

// TestRivalsAreThoseMeasuredBefore compares with mean regrets over the six tasks and seeds 0 to 2 after 5, 10 and 20 full runs, of
// the simulation with which the rules were measured before.
func TestRivalsAreThoseMeasuredBefore(t *testing.T) {
	tasks := suggesttest.TaskSet(t)
	if len(tasks) != 6 {
		t.Fatalf("%d tasks, and the figures are of 6", len(tasks))
	}
	want := map[string][3]float64{
		"full": {0.7996, 0.5871, 0.3906}, "katib": {0.7887, 0.4638, 0.2831}, "vizier": {0.7996, 0.4724, 0.3016},
		"optuna_median": {0.7996, 0.4394, 0.3350}, "sha3": {0.5831, 0.3673, 0.1801}, "sha4": {0.5521, 0.3568, 0.1857},
		"hyperband3": {0.7294, 0.4451, 0.2239}, "asha3": {0.3941, 0.2607, 0.1654}, "asha4": {0.4699, 0.2831, 0.1661},
	}
	for _, r := range All() {
		var mean [3]float64
		for _, task := range tasks {
			for seed := range 3 {
				for i, v := range r.Run(task, seed, []int{5, 10, 20}) {
					mean[i] += v / 18
				}
			}
		}
		for i, v := range want[r.Name] {
			if math.Abs(mean[i]-v) > 0.00006 {
				t.Errorf("%s: mean regrets %.4f, want %.4f", r.Name, mean, want[r.Name])
				break
			}
		}
	}
}

// TestRivalsPlay plays curves that never cross.
func TestRivalsPlay(t *testing.T) {
	var points, losses [][]float64
	for i := range 9 {
		points, losses = append(points, nil), append(losses, nil)
		for s := range 9 {
			losses[i] = append(losses[i], float64(i+1)+1/float64(s+1))
		}
	}
	task, err := curves.New("small", nil, points, losses)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range All() {
		got := r.Run(task, 1, []int{1, 4, 9})
		if len(got) != 3 || !(got[0] >= got[1] && got[1] >= got[2] && got[2] >= 0) || r.Name == "full" && got[2] != 0 {
			t.Errorf("%s: regrets %v", r.Name, got)
		}
	}
}
