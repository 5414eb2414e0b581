// Package space describes what can be tuned: parameters, their feasible values and distributions, and the way to and from the
// unit cube in which algorithms think. It knows nothing of trials, metrics or YAML.
package space

// Type says what kind of values a parameter takes.
type Type string

// The types of parameters, spelled as in a Katib Experiment.
const (
	Double      Type = "double"      // real numbers from Min to Max, in multiples of Step from Min when Step > 0
	Int         Type = "int"         // whole numbers from Min to Max, in multiples of Step (0 means 1) from Min
	Discrete    Type = "discrete"    // the numbers of List, in increasing order
	Categorical Type = "categorical" // the texts of List, without order
)

// Distribution says how values are drawn within a parameter's bounds.
type Distribution string

// The distributions, spelled as in a Katib Experiment. Normal has its mean in the middle of the bounds and a standard deviation
// of a sixth of their width, truncated to the bounds; LogNormal and LogUniform are the same of the logarithm.
const (
	Uniform    Distribution = "uniform"
	LogUniform Distribution = "logUniform"
	Normal     Distribution = "normal"
	LogNormal  Distribution = "logNormal"
)

// Parameter is one tunable input of a training job.
type Parameter struct {
	Name         string
	Type         Type
	Min, Max     float64      // bounds, inclusive (Double, Int)
	Step         float64      // distance between feasible values; 0 means none (Double) or 1 (Int)
	List         []string     // feasible values as the user wrote them (Discrete, Categorical), without duplicates
	Distribution Distribution // "" means Uniform; Discrete and Categorical are always drawn uniformly
}

// Assignment holds one value for every parameter of a Space, in the Space's order: the number itself for Double and Int, the
// index into the parameter's values (Values) for Discrete and Categorical.
type Assignment []float64

// Named is one value of an assignment as it is written into a template and shown to people.
type Named struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
