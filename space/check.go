package space

import (
	"fmt"
	"math"
	"strings"
)

const (
	maxNumber = 1e308   // beyond it half a step more would be infinite
	maxWhole  = 1 << 53 // beyond it float64 skips whole numbers
)

// checker collects the faults of the parameter it stands at.
type checker struct {
	faults Faults
	index  int
	name   string
}

func (c *checker) fault(field Field, item int, format string, args ...any) {
	c.faults = append(c.faults, &Fault{Index: c.index, Name: c.name, Field: field, Item: item, Problem: fmt.Sprintf(format, args...)})
}

// check finds every fault of the parameters.
func check(params []Parameter) Faults {
	c := &checker{}
	seen := make(map[string]int, len(params))
	for i := range params {
		p := &params[i]
		c.index, c.name = i, p.Name
		if p.Name == "" {
			c.fault(FieldName, -1, "the name is empty: give it the name that the trial template refers to")
		} else if first, ok := seen[p.Name]; ok {
			c.fault(FieldName, -1, "parameter %d has the same name: rename or remove one of them", first+1)
		} else {
			seen[p.Name] = i
		}
		switch p.Distribution {
		case "", Uniform, LogUniform, Normal, LogNormal:
		default:
			c.fault(FieldDistribution, -1, "distribution %q is not known: use uniform, logUniform, normal or logNormal", p.Distribution)
		}
		switch p.Type {
		case Double, Int:
			c.numeric(p)
		case Discrete, Categorical:
			c.list(p)
		default:
			c.fault(FieldType, -1, "type %q is not known: use double, int, discrete or categorical", p.Type)
		}
		c.conditions(params, i)
	}
	return c.faults
}

// numeric checks a Double or an Int.
func (c *checker) numeric(p *Parameter) {
	if len(p.List) > 0 {
		c.fault(FieldList, -1, "a list does not go with type %s: use discrete, or min and max without a list", p.Type)
	}
	okMin, okMax := c.number(p, FieldMin, p.Min), c.number(p, FieldMax, p.Max)
	okStep := c.number(p, FieldStep, p.Step)
	if okStep && p.Step < 0 {
		c.fault(FieldStep, -1, "step %s is negative: give the distance between neighbouring values", number(p.Step))
		okStep = false
	}
	if okMin && p.logarithmic() && p.Min <= 0 {
		c.fault(FieldMin, -1, "min %s is not above 0, which distribution %s needs: raise min or use uniform", number(p.Min), p.Distribution)
	}
	if !okMin || !okMax {
		return
	}
	switch {
	case p.Min > p.Max:
		c.fault(FieldMin, -1, "min %s is greater than max %s: swap them", number(p.Min), number(p.Max))
	case math.IsInf(p.Max-p.Min, 0):
		c.fault(FieldMax, -1, "min %s and max %s are too far apart: their distance is no finite number", number(p.Min), number(p.Max))
	case okStep && p.Type == Double && p.Step > 0 && p.Step <= p.Max-p.Min && tooFine(p.Min, p.Max, p.Step):
		c.fault(FieldStep, -1, "step %s is too small between min %s and max %s to tell neighbouring values apart: raise it or leave it out",
			number(p.Step), number(p.Min), number(p.Max))
	}
}

// tooFine reports whether neighbouring values would round to the same number, or cannot be counted.
func tooFine(low, high, step float64) bool {
	return (high-low)/step > maxWhole || low+step/2 == low || high-step/2 == high
}

// number checks one bound or step of a Double or an Int and reports whether it can be used.
func (c *checker) number(p *Parameter, field Field, v float64) bool {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		c.fault(field, -1, "%s is %v: give a finite number", field, v)
	case math.Abs(v) > maxNumber:
		c.fault(field, -1, "%s %s is too large: keep within ±1e308", field, number(v))
	case p.Type == Int && v != math.Trunc(v):
		c.fault(field, -1, "%s %s is not a whole number, which type int needs: round it or use double", field, number(v))
	case p.Type == Int && math.Abs(v) > maxWhole:
		c.fault(field, -1, "%s %s is too large for type int: keep within ±9007199254740992 (2^53)", field, number(v))
	default:
		return true
	}
	return false
}

// list checks a Discrete or a Categorical.
func (c *checker) list(p *Parameter) {
	for _, f := range []struct {
		field Field
		v     float64
	}{{FieldMin, p.Min}, {FieldMax, p.Max}, {FieldStep, p.Step}} {
		if f.v != 0 {
			c.fault(f.field, -1, "%s does not go with type %s: use a list alone, or type double or int", f.field, p.Type)
		}
	}
	if len(p.List) == 0 {
		c.fault(FieldList, -1, "the list is empty: name at least one value")
	}
	texts := make(map[string]int, len(p.List))
	numbers := make(map[float64]int, len(p.List))
	for i, text := range p.List {
		if first, ok := texts[text]; ok {
			c.fault(FieldList, i, "list entry %d repeats entry %d, %q: remove one", i+1, first+1, text)
			continue
		}
		texts[text] = i
		if p.Type != Discrete {
			continue
		}
		v, err := parseNumber(text)
		if err != nil {
			c.fault(FieldList, i, "list entry %d, %q, %v: write a decimal number or use categorical", i+1, text, err)
			continue
		}
		if first, ok := numbers[v]; ok {
			c.fault(FieldList, i, "list entry %d, %q, is the same number as entry %d, %q: remove one", i+1, text, first+1, strings.TrimSpace(p.List[first]))
			continue
		}
		numbers[v] = i
	}
}

// logarithmic reports whether the logarithm is what is distributed.
func (p *Parameter) logarithmic() bool {
	return p.Distribution == LogUniform || p.Distribution == LogNormal
}
