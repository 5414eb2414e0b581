package provision

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"qalam/workload"
)

// suffixes are Kubernetes' units of quantities.
var suffixes = map[string]*big.Rat{
	"n": big.NewRat(1, 1e9), "u": big.NewRat(1, 1e6), "m": big.NewRat(1, 1e3), "": big.NewRat(1, 1),
	"k": big.NewRat(1e3, 1), "M": big.NewRat(1e6, 1), "G": big.NewRat(1e9, 1), "T": big.NewRat(1e12, 1), "P": big.NewRat(1e15, 1), "E": big.NewRat(1e18, 1),
	"Ki": big.NewRat(1<<10, 1), "Mi": big.NewRat(1<<20, 1), "Gi": big.NewRat(1<<30, 1), "Ti": big.NewRat(1<<40, 1), "Pi": big.NewRat(1<<50, 1), "Ei": big.NewRat(1<<60, 1),
}

// Amount reads a quantity: a decimal number with a unit (500m, 1.5, 2Gi) or an exponent (1e3).
func Amount(q workload.Quantity) (*big.Rat, error) {
	s := string(q)
	end := strings.LastIndexAny(s, "0123456789.") + 1
	number, unit := s[:end], suffixes[s[end:]]
	if len(s) > 64 || end == 0 || unit == nil {
		return nil, badQuantity(q)
	}
	if i := strings.IndexAny(number, "eE"); i > 0 {
		if e, err := strconv.Atoi(number[i+1:]); err != nil || e < -30 || e > 30 || s[end:] != "" {
			return nil, badQuantity(q)
		}
	}
	if strings.Trim(number, "+-.eE0123456789") != "" { // big.Rat knows fractions, underscores and other bases
		return nil, badQuantity(q)
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return nil, badQuantity(q)
	}
	return r.Mul(r, unit), nil
}

func badQuantity(q workload.Quantity) error {
	return fmt.Errorf("%q is no quantity: write a number with or without one of m, k, M, G, T, Ki, Mi, Gi, Ti", string(q))
}

// amount is Amount, nil for what is not set or not readable: Check has complained about the latter.
func amount(q workload.Quantity) *big.Rat {
	if q == "" {
		return nil
	}
	r, err := Amount(q)
	if err != nil {
		return nil
	}
	return r
}

// ceiling is q/unit rounded up, 0 for nil, and at most the largest integer.
func ceiling(q, unit *big.Rat) int64 {
	if q == nil {
		return 0
	}
	x := new(big.Rat).Quo(q, unit)
	n, rest := new(big.Int).QuoRem(x.Num(), x.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	if !n.IsInt64() {
		return math.MaxInt64
	}
	return n.Int64()
}

// Units is a quantity in whole units, rounded up; an unset one is 0.
func Units(q workload.Quantity) int64 { return ceiling(amount(q), big.NewRat(1, 1)) }

// Milli is a quantity in thousandths, rounded up; an unset one is 0.
func Milli(q workload.Quantity) int64 { return ceiling(amount(q), big.NewRat(1, 1000)) }
