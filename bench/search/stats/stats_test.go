package stats

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within || math.IsNaN(got) != math.IsNaN(want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestQuantiles(t *testing.T) {
	near(t, "median of an odd number", Median([]float64{3, 1, 2}), 2, 0)
	near(t, "median of an even number", Median([]float64{4, 1, 2, 3}), 2.5, 0)
	near(t, "quartile", Quantile([]float64{1, 2, 3, 4}, 0.25), 1.75, 1e-15)
	near(t, "median of nothing", Median(nil), math.NaN(), 0)
	if v := Median([]float64{1, math.Inf(1), math.Inf(1)}); !math.IsInf(v, 1) {
		t.Errorf("median with infinities is %v", v)
	}
}

func TestRanks(t *testing.T) {
	got, want := Ranks([]float64{2, 1, 2, 5}), []float64{2.5, 1, 2.5, 4}
	for i := range want {
		near(t, "rank", got[i], want[i], 0)
	}
}

// TestWilcoxon compares with scipy.stats.wilcoxon, zero_method zsplit, without correction for continuity; with zeros, which that
// lets add to the variance, with the sum of the squared ranks of the others, divided by 4.
func TestWilcoxon(t *testing.T) {
	near(t, "exact", Wilcoxon([]float64{1.1, -2.2, 3.3, 4.4, 5.5, -0.7, 7.1, 8.2}), 0.0546875, 1e-9)
	near(t, "with zeros", Wilcoxon([]float64{0, 0, 1, 2, 2, -1, 3, 4, -2, 5, 6, 7}), 0.02715492389674176, 1e-9)
	near(t, "with ties", Wilcoxon([]float64{1, 1, 2, -2, 3, 3, 4, -1, 5, 6}), 0.03164177738597928, 1e-9)
	near(t, "only zeros", Wilcoxon([]float64{0, 0, 0}), 1, 0)
	near(t, "one pair", Wilcoxon([]float64{1}), 1, 0)
	near(t, "no pair", Wilcoxon(nil), math.NaN(), 0)
	long := make([]float64, 40)
	for i := range long {
		long[i] = math.Sin(float64(3*i)) + 0.2
	}
	near(t, "of forty", Wilcoxon(long), 0.08293097388578548, 1e-9)
}

func TestHolm(t *testing.T) {
	got, want := Holm([]float64{0.01, 0.04, math.NaN(), 0.03, 0.005}), []float64{0.03, 0.06, math.NaN(), 0.06, 0.02}
	for i := range want {
		near(t, "adjusted p", got[i], want[i], 1e-15)
	}
}

func TestA12(t *testing.T) {
	near(t, "A12", A12([]float64{1, 2, 3}, []float64{1, 2, 3}), 0.5, 0)
	near(t, "A12", A12([]float64{2, 3}, []float64{1, 2}), 0.875, 0)
}

// TestBootstrap compares with the normal interval, which it approaches.
func TestBootstrap(t *testing.T) {
	sample := make([]float64, 400)
	for i := range sample {
		sample[i] = float64(i % 20)
	}
	ci := Bootstrap(sample, 4000)
	half := 1.96 * math.Sqrt(399.0/12) / 20
	near(t, "lower end", ci.Low, 9.5-half, 0.05)
	near(t, "upper end", ci.High, 9.5+half, 0.05)
	if again := Bootstrap(sample, 4000); again != ci {
		t.Error("the same sample has another interval")
	}
}

// TestCriticalDifference repeats the example of Demšar (2006): four classifiers on 14 data sets.
func TestCriticalDifference(t *testing.T) {
	near(t, "critical difference", CriticalDifference(4, 14), 1.25, 0.005)
	near(t, "of one method", CriticalDifference(1, 14), math.NaN(), 0)
}

// TestBootstrapRatio: of pairs that are in proportion every draw has the same ratio, and of two pairs the ends are those of each alone.
func TestBootstrapRatio(t *testing.T) {
	if ci := BootstrapRatio([]float64{2, 4, 6}, []float64{1, 2, 3}, 100); ci != (Interval{2, 2}) {
		t.Errorf("in proportion: %v", ci)
	}
	if ci := BootstrapRatio([]float64{1, 3}, []float64{1, 1}, 1000); ci != (Interval{1, 3}) {
		t.Errorf("of two: %v", ci)
	}
	if ci := BootstrapRatio([]float64{0, 1}, []float64{0, 2}, 1000); ci != (Interval{0.5, 0.5}) {
		t.Errorf("with a pair that says nothing: %v", ci)
	}
}
