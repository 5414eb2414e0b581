package spec

import (
	"testing"

	"qalam/space"
)

func BenchmarkRestriction(b *testing.B) {
	s := machine(b)
	r, fault := compileRestriction(s, "batch-size * batch <= 4096 && batch-size > 3")
	if fault != nil {
		b.Fatal(fault)
	}
	a := space.Assignment{1, 0.5, 64, 2, 0.5, 9}
	for b.Loop() {
		r.Holds(a)
	}
}
