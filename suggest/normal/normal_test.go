package normal_test

import (
	"math"
	"testing"

	"qalam/suggest/normal"

	"pgregory.net/rapid"
)

// The values were computed with 60 digits and rounded to 20.
var (
	logCDF = []struct{ z, want float64 }{
		{-100000.0, -5000000012.4318639983},
		{-1000.0, -500007.82669481218431},
		{-100.0, -5005.5242086942050886},
		{-40.0, -804.60844201375378817},
		{-37.5, -707.66898931750719107},
		{-30.5, -469.46273732291211439},
		{-30.0, -454.32124395634319711},
		{-29.5, -439.42947460915022775},
		{-20.0, -203.91715537109726394},
		{-10.0, -53.231285150512470578},
		{-5.0, -15.064998393988725736},
		{-2.0, -3.7831843336820319488},
		{-1.0, -1.8410216450092635058},
		{-0.5, -1.1759117615936186089},
		{0.0, -0.69314718055994530942},
		{0.5, -0.36894641528865639307},
		{1.0, -0.17275377902344988953},
		{2.0, -0.023012909328963488465},
		{3.0, -0.0013508099647481937988},
		{5.0, -2.8665161296376359338e-7},
		{8.0, -6.2209605742717860585e-16},
		{10.0, -7.619853024160526066e-24},
		{20.0, -2.7536241186062336951e-89},
		{30.0, -4.9067139271481870595e-198},
	}
	erfcx = []struct{ x, want float64 }{
		{-26.0, 7.6577249314905683515e+293},
		{-10.0, 5.3762342836322708968e+43},
		{-3.0, 16205.988853999586625},
		{-1.0, 5.0089800807622834663},
		{-0.1, 1.1236433541992094807},
		{0.0, 1.0},
		{0.1, 0.89645697996912663666},
		{1.0, 0.42758357615580700441},
		{3.0, 0.17900115118138995042},
		{10.0, 0.056140992743822585858},
		{20.0, 0.028174348741051319319},
		{24.9, 0.022639987776049506286},
		{25.0, 0.022549572432641358944},
		{26.0, 0.021683584850562906616},
		{30.0, 0.018795888861416751497},
		{100.0, 0.0056416137829894329036},
		{10000.0, 0.000056418958072680841152},
		{100000000.0, 5.6418958354775625874e-9},
	}
	logMass = []struct{ a, b, want float64 }{
		{-1.0, 1.0, -0.38171514630212607227},
		{0.0, 1.0, -1.0748623268620713817},
		{-0.001, 0.001, -7.1335467982935200192},
		{-0.3, -0.299, -7.8715439751159645851},
		{-40.0, -39.0, -765.08315656437754441},
		{-40.0, -39.9999, -810.12727824014934826},
		{5.0, 6.0, -15.068446096529453352},
		{5.0, 5.00001, -24.931888998125257724},
		{30.0, 31.0, -454.32124395634325204},
		{30.0, 30.005, -456.29132258672064475},
		{38.0, 1000.0, -726.5572160188201301},
		{-8.0, 8.0, -1.2441921148543575987e-15},
		{-1000.0, 1000.0, 0.0},
		{-1e-09, 1e-09, -20.949057189591138526},
		{2.0, 2.004, -8.4443994457335934965},
		{9.0, 9.0012, -48.149767634749163991},
		{-100.0, -99.99995, -5010.8199250444582591},
		{-0.5, 20.0, -0.36894641528865639307},
		{1.0, 1.0099, -6.0391212657772815696},
		{1.5, 1.511, -6.5620572790271417363},
	}
)

func near(t *testing.T, what string, got, want, relative, absolute float64) {
	t.Helper()
	if !(math.Abs(got-want) <= max(relative*math.Abs(want), absolute)) {
		t.Errorf("%s = %.17g, want %.17g: off by %.2g", what, got, want, (got-want)/want)
	}
}

func TestLogCDF(t *testing.T) {
	for _, test := range logCDF {
		near(t, "LogCDF", normal.LogCDF(test.z), test.want, 2e-13, 0)
		if test.z > -30 {
			near(t, "CDF", normal.CDF(test.z), math.Exp(test.want), 2e-13, 0)
		}
	}
}

func TestErfcx(t *testing.T) {
	for _, test := range erfcx {
		near(t, "Erfcx", normal.Erfcx(test.x), test.want, 1e-14, 0)
	}
}

func TestLogMass(t *testing.T) {
	for _, test := range logMass {
		near(t, "LogMass", normal.LogMass(test.a, test.b), test.want, 1e-12, 1e-12)
		near(t, "LogMass mirrored", normal.LogMass(-test.b, -test.a), test.want, 1e-12, 1e-12)
	}
	if got := normal.LogMass(1, 1); !math.IsInf(got, -1) {
		t.Errorf("the mass of nothing has logarithm %v", got)
	}
}

// TestQuantileInverts leads logarithms of masses to quantiles and back: where the slope of ln Φ is small, so is what is asked of z.
func TestQuantileInverts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.Float64Range(-200, 8).Draw(t, "z")
		logP := normal.LogCDF(z)
		got := normal.Quantile(logP)
		slope := math.Exp(normal.LogPDF(z) - logP)
		if tolerance := 1e-12*max(1, math.Abs(z)) + 4e-16*max(math.Abs(logP), 1e-300)/slope; !(math.Abs(got-z) <= tolerance) {
			t.Fatalf("Quantile(LogCDF(%v)) is off by %g, allowed are %g", z, got-z, tolerance)
		}
	})
	if got := normal.Quantile(0); !math.IsInf(got, 1) {
		t.Errorf("Quantile(0) = %v", got)
	}
}

// TestTruncated compares the mass below a quantile with the mass that was asked for.
func TestTruncated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Float64Range(-50, 50).Draw(t, "a")
		b := a + math.Exp(rapid.Float64Range(-10, 5).Draw(t, "ln width"))
		u := rapid.Float64Range(0, 1).Draw(t, "u")
		z := normal.Truncated(u, a, b)
		if !(z >= a && z <= b) {
			t.Fatalf("Truncated(%v, %v, %v) = %v is outside", u, a, b, z)
		}
		got := math.Exp(normal.LogMass(a, z) - normal.LogMass(a, b))
		if width := b - a; !(math.Abs(got-u) <= 1e-9+1e-14*max(1, math.Abs(a))/width*max(1, math.Abs(a)*width)) {
			t.Fatalf("below Truncated(%v, %v, %v) = %v lies the mass %v", u, a, b, z, got)
		}
	})
}
