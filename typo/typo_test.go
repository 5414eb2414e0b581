package typo

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"maxTrialCount", "maxTrialCount", 0}, {"maxTrialCuont", "maxTrialCount", 1},
		{"kitten", "sitting", 3}, {"grdi", "grid", 1}, {"größe", "grösse", 2}, {strings.Repeat("a", 129), "a", 129},
	} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// TestDistanceProperties holds of any two words: it is the same both ways, 0 for equal words only, and one edit changes it by one at most.
func TestDistanceProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringN(0, 20, -1).Draw(t, "a"), rapid.StringN(0, 20, -1).Draw(t, "b")
		d := Distance(a, b)
		if d != Distance(b, a) {
			t.Fatalf("%q and %q: %d one way, %d the other", a, b, d, Distance(b, a))
		}
		if (d == 0) != (string([]rune(a)) == string([]rune(b))) {
			t.Fatalf("%q and %q are %d apart", a, b, d)
		}
		if more := Distance(a, b+"x"); more < d-1 || more > d+1 {
			t.Fatalf("one letter more takes %q from %q from %d to %d", b, a, d, more)
		}
	})
}
