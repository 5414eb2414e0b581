package workload

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// units are the suffixes of Kubernetes' quantities. An exponent (1e3, 1E3) may stand in their place.
var units = map[string]*big.Rat{
	"n": big.NewRat(1, 1e9), "u": big.NewRat(1, 1e6), "m": big.NewRat(1, 1e3), "": big.NewRat(1, 1),
	"k": big.NewRat(1e3, 1), "M": big.NewRat(1e6, 1), "G": big.NewRat(1e9, 1),
	"T": big.NewRat(1e12, 1), "P": big.NewRat(1e15, 1), "E": big.NewRat(1e18, 1),
	"Ki": big.NewRat(1<<10, 1), "Mi": big.NewRat(1<<20, 1), "Gi": big.NewRat(1<<30, 1),
	"Ti": big.NewRat(1<<40, 1), "Pi": big.NewRat(1<<50, 1), "Ei": big.NewRat(1<<60, 1),
}

// longestQuantity is more than any number that makes sense has digits.
const longestQuantity = 64

// Value returns the quantity in whole units (cores, bytes, devices), rounded up as Kubernetes does. What is larger than an int64
// holds is the largest int64.
func (q Quantity) Value() (int64, error) { return q.scaled(1) }

// MilliValue returns the quantity in thousandths of its unit, rounded up.
func (q Quantity) MilliValue() (int64, error) { return q.scaled(1000) }

func (q Quantity) scaled(by int64) (int64, error) {
	r, err := q.rat()
	if err != nil {
		return 0, err
	}
	r.Mul(r, big.NewRat(by, 1))
	n, rest := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	switch {
	case n.IsInt64():
		return n.Int64(), nil
	case n.Sign() > 0:
		return math.MaxInt64, nil
	}
	return math.MinInt64, nil
}

// rat parses <sign><digits>[.<digits>]<suffix>, where the suffix is a unit or an exponent.
func (q Quantity) rat() (*big.Rat, error) {
	s := string(q)
	if s == "" || len(s) > longestQuantity {
		return nil, q.bad()
	}
	end := strings.IndexFunc(s, func(c rune) bool { return !strings.ContainsRune("+-.0123456789", c) })
	if end < 0 {
		end = len(s)
	}
	number, suffix := s[:end], s[end:]
	digits := strings.TrimLeft(number, "+-")
	if len(number)-len(digits) > 1 || strings.Trim(digits, ".") == "" || strings.ContainsAny(digits, "+-") || strings.Count(digits, ".") > 1 {
		return nil, q.bad()
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return nil, q.bad()
	}
	if unit, ok := units[suffix]; ok {
		return r.Mul(r, unit), nil
	}
	power, ok := powerOfTen(suffix)
	if !ok {
		return nil, q.bad()
	}
	return r.Mul(r, power), nil
}

// powerOfTen reads an exponent as in e3 or E-3.
func powerOfTen(suffix string) (*big.Rat, bool) {
	const largest = 40
	if suffix[0] != 'e' && suffix[0] != 'E' {
		return nil, false
	}
	exponent, err := strconv.Atoi(suffix[1:])
	if err != nil || exponent < -largest || exponent > largest {
		return nil, false
	}
	power := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil))
	if exponent < 0 {
		power.Inv(power)
	}
	return power, true
}

func (q Quantity) bad() error {
	return fmt.Errorf("%q is no quantity: write a number, with one of the suffixes m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or an exponent after it if need be", string(q))
}
