package suggest

// Setting documents one setting of an algorithm.
type Setting struct {
	Name    string
	Kind    Kind
	Default string // as text; "" means none
	Doc     string // one sentence for people, with the unit and the meaning of the default
	// Check says what is wrong with a value that has the right kind, or "" when it is fine; nil accepts all.
	Check func(value string) string
}

// Kind is the type of a setting's value.
type Kind string

// The kinds of settings.
const (
	KindInt    Kind = "int"
	KindFloat  Kind = "float"
	KindBool   Kind = "bool"
	KindString Kind = "string"
)

// Settings holds the settings that a user gave, by name.
type Settings map[string]string

// Algorithm is one entry of the registry: a name a user writes as algorithmName, and how to make it.
type Algorithm struct {
	Name     string
	Doc      string // one sentence for people
	Settings []Setting
	// New makes the Suggester for a problem. The settings are checked and complete: the defaults are filled in.
	New func(p Problem, settings Settings) (Suggester, error)
	// Supports says why the algorithm cannot search the problem (one sentence with the remedy), or ""; nil supports all.
	Supports func(p Problem, settings Settings) string
	// Objectives is how many objectives the algorithm can search at most; 0 means one.
	Objectives int
	// Architectures says that the algorithm searches neural networks, not parameters.
	Architectures bool
	// Budgets says that trials train with budgets of their own or go on from each other, so that none can be repeated.
	Budgets bool
	// Repeats says how far promising assignments are to be tried again where Problem.Repetition is the zero value; nil means not at
	// all.
	Repeats func(p Problem) Repetition
	// Transfers says that the algorithm itself learns from Problem.Earlier; otherwise the best of it is tried first.
	Transfers bool
}

// StopRule is one entry of the registry of early-stopping rules.
type StopRule struct {
	Name     string
	Doc      string
	Settings []Setting
	// New makes the Stopper. The settings are checked and complete: the defaults are filled in.
	New func(settings Settings) (Stopper, error)
}

// Registry knows the algorithms and early-stopping rules by name. It is a value made by whoever wires the program; nothing
// registers itself.
type Registry struct {
	Algorithms []Algorithm
	StopRules  []StopRule
}
