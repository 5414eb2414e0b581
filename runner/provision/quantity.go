package provision

import (
	"math"

	"qalam/workload"
)

// Units is a quantity in whole units, rounded up; one that is not set or, as Check has complained of, not readable is 0.
func Units(q workload.Quantity) int64 {
	n, err := q.Value()
	if err != nil {
		return 0
	}
	return n
}

// Milli is a quantity in thousandths, rounded up, like Units.
func Milli(q workload.Quantity) int64 {
	n, err := q.MilliValue()
	if err != nil {
		return 0
	}
	return n
}

// ratio is a/b rounded up, for b > 0.
func ratio(a, b int64) int64 {
	n := a / b
	if a%b > 0 && n < math.MaxInt64 {
		n++
	}
	return n
}
