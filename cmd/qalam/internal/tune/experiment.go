package tune

import (
	"errors"
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"qalam/api/v1beta1"
	"qalam/spec"
)

// Image is the image of the experiments made here. It stands for the folder that the command is run in, and for the user's own
// environment.
const Image = "qalam.local/cwd"

// DefaultAlgorithm searches where the user names no other.
const DefaultAlgorithm = spec.DefaultAlgorithm

// container is the name of the one container of a trial.
const container = "trial"

// Request is what a user wants to be tuned.
type Request struct {
	Name          string   // of the experiment; "" is made from the command
	Params        []string // in the notation of Param
	Constraints   []string // of parameters, such as "batch * seq <= 4096"
	Objectives    []Objective
	Additional    []string // further metrics to record
	Goal          *float64
	Algorithm     string   // "" means DefaultAlgorithm
	Settings      []string // NAME=VALUE
	EarlyStopping string
	StopSettings  []string // NAME=VALUE
	Trials        int32
	Parallel      int32 // 0 means the default of experiments
	MaxFailed     *int32
	Seed          *int64
	Command       []string // with placeholders {name}; {{ and }} are braces
}

// Objective is a metric that is to be made as small or as large as possible.
type Objective struct {
	Metric string
	Type   v1beta1.ObjectiveType
}

// Experiment makes the Experiment. Its error joins everything that is wrong with the request.
func Experiment(r Request) (*v1beta1.Experiment, error) {
	var faults []error
	e := &v1beta1.Experiment{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1beta1.APIVersion, Kind: v1beta1.KindExperiment},
		ObjectMeta: metav1.ObjectMeta{Name: r.Name},
	}
	if r.Name == "" && len(r.Command) > 0 {
		e.Name = NameOf(r.Command)
	}
	s := &e.Spec
	var names []string
	for _, text := range r.Params {
		p, err := Param(text)
		switch {
		case err != nil:
			faults = append(faults, err)
			name, _, _ := strings.Cut(text, "=")
			if slices.ContainsFunc(r.Command, func(word string) bool { return strings.Contains(word, "{"+name+"}") }) {
				names = append(names, name) // that the command refers to it is no fault of its own
			}
		case slices.Contains(names, p.Name):
			faults = append(faults, fmt.Errorf("--param %s: there are two parameters %s: rename one", text, p.Name))
		default:
			s.Parameters = append(s.Parameters, p)
			names = append(names, p.Name)
		}
	}
	if len(r.Params) == 0 {
		faults = append(faults, errors.New("nothing to tune: give at least one --param, for example --param lr=log:1e-5..1e-1"))
	}
	faults = append(faults, r.objective(s))
	s.Algorithm = &v1beta1.AlgorithmSpec{AlgorithmName: r.Algorithm}
	if r.Algorithm == "" {
		s.Algorithm.AlgorithmName = DefaultAlgorithm
	}
	faults = append(faults, r.settings(s))
	if r.Trials > 0 {
		s.MaxTrialCount = &r.Trials
	}
	if r.Parallel > 0 {
		s.ParallelTrialCount = &r.Parallel
	}
	s.MaxFailedTrialCount, s.Seed = r.MaxFailed, r.Seed
	command, err := placeholders(r.Command, names)
	if err = errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	s.TrialTemplate = template(names, command)
	return e, nil
}

func (r Request) objective(s *v1beta1.ExperimentSpec) error {
	if len(r.Objectives) == 0 || r.Objectives[0].Metric == "" {
		return errors.New("say what to optimise: either --minimize METRIC or --maximize METRIC, as the program prints it (loss=0.12)")
	}
	first := r.Objectives[0]
	s.Objective = &v1beta1.ObjectiveSpec{
		Type: first.Type, ObjectiveMetricName: first.Metric, Goal: r.Goal, AdditionalMetricNames: r.Additional,
	}
	for _, o := range r.Objectives[1:] {
		s.Objective.AdditionalObjectives = append(s.Objective.AdditionalObjectives, v1beta1.AdditionalObjective{MetricName: o.Metric, Type: o.Type})
	}
	s.ParameterConstraints = r.Constraints
	return nil
}

func (r Request) settings(s *v1beta1.ExperimentSpec) error {
	var faults []error
	pairs := func(flag string, list []string, add func(name, value string)) {
		for _, text := range list {
			name, value, ok := strings.Cut(text, "=")
			if !ok || name == "" {
				faults = append(faults, fmt.Errorf("--%s %s: a setting is NAME=VALUE", flag, text))
				continue
			}
			add(name, value)
		}
	}
	pairs("algorithm-setting", r.Settings, func(name, value string) {
		s.Algorithm.AlgorithmSettings = append(s.Algorithm.AlgorithmSettings, v1beta1.AlgorithmSetting{Name: name, Value: value})
	})
	if r.EarlyStopping != "" {
		s.EarlyStopping = &v1beta1.EarlyStoppingSpec{AlgorithmName: r.EarlyStopping}
	} else if len(r.StopSettings) > 0 {
		faults = append(faults, errors.New("--early-stopping-setting needs --early-stopping"))
		return errors.Join(faults...)
	}
	pairs("early-stopping-setting", r.StopSettings, func(name, value string) {
		s.EarlyStopping.AlgorithmSettings = append(s.EarlyStopping.AlgorithmSettings, v1beta1.EarlyStoppingSetting{Name: name, Value: value})
	})
	return errors.Join(faults...)
}

// template is a Job of one container. The command reaches it as it is, word for word: no shell reads it.
func template(names, command []string) *v1beta1.TrialTemplate {
	words := make([]any, len(command))
	for i, w := range command {
		words[i] = w
	}
	t := &v1beta1.TrialTemplate{
		PrimaryContainerName: container,
		TrialSpec: v1beta1.Object{
			"apiVersion": "batch/v1", "kind": "Job",
			"spec": map[string]any{
				"backoffLimit": int64(0), // a script that fails fails again
				"template": map[string]any{"spec": map[string]any{
					"restartPolicy": "Never",
					"containers":    []any{map[string]any{"name": container, "image": Image, "command": words}},
				}},
			},
		},
	}
	for _, n := range names {
		t.TrialParameters = append(t.TrialParameters, v1beta1.TrialParameterSpec{Name: n, Reference: n})
	}
	return t
}

// hole finds ${…}, which is a shell's, {{, }} and {name}; other braces stand for themselves.
var hole = regexp.MustCompile(`\$\{[^{}]*\}|\{\{|\}\}|\{[A-Za-z_][A-Za-z0-9_.-]*\}`)

// escape keeps $ as it is where Kubernetes would take it for the beginning of a reference $(VARIABLE), or of an escaped one.
func escape(word string) string {
	var b strings.Builder
	for i := range len(word) {
		b.WriteByte(word[i])
		if word[i] == '$' && i+1 < len(word) && (word[i+1] == '$' || word[i+1] == '(') {
			b.WriteByte('$')
		}
	}
	return b.String()
}

// placeholders turns {name} into the placeholders of a trial template.
func placeholders(command, names []string) ([]string, error) {
	if len(command) == 0 {
		return nil, errors.New("there is no command: give it after --, for example -- python3 train.py --lr '{lr}'")
	}
	used := map[string]bool{}
	var faults []error
	out := make([]string, len(command))
	for i, word := range command {
		if strings.ContainsRune(word, 0) {
			faults = append(faults, errors.New("a word of the command holds a zero byte"))
		}
		out[i] = hole.ReplaceAllStringFunc(escape(word), func(m string) string {
			switch m[:2] {
			case "{{", "}}":
				return m[:1]
			case "${":
				return m
			}
			name := m[1 : len(m)-1]
			if slices.Contains(names, name) {
				used[name] = true
				return "${trialParameters." + name + "}"
			}
			hint := fmt.Sprintf("give --param %s=…, or write {{%s}} for braces that stay", name, name)
			if near := v1beta1.Nearest(name, names); near != "" {
				hint = fmt.Sprintf("did you mean {%s}?", near)
			}
			faults = append(faults, fmt.Errorf("{%s} in the command is no parameter: %s", name, hint))
			return m
		})
	}
	for _, n := range names {
		if !used[n] {
			faults = append(faults, fmt.Errorf("--param %s is not used: write {%s} where the command takes it", n, n))
		}
	}
	return out, errors.Join(faults...)
}

// maxName is the length of the longest name of an experiment.
const maxName = 40

// NameOf makes a name for an experiment from its command: that of the script it runs, or of the program.
func NameOf(command []string) string {
	word := command[0]
	for _, w := range command {
		if strings.HasPrefix(w, "-") {
			break
		}
		if base := path.Base(w); strings.Contains(base, ".") && !strings.Contains(w, "{") && path.Ext(base) != base {
			word = w
		}
	}
	base := path.Base(word)
	base = strings.ToLower(strings.TrimSuffix(base, path.Ext(base)))
	base = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(base, "-"), "-")
	base = strings.TrimLeft(base, "0123456789-")
	if len(base) > maxName-5 { // room for a number behind it
		base = strings.TrimRight(base[:maxName-5], "-")
	}
	if base == "" {
		return "tune"
	}
	return base
}

// Budgets sets the three budgets. Unless it is given, the number of failures that ends the experiment is half of the trials: a
// program that never works should not be tried to the end.
func (r *Request) Budgets(trials, parallel, failed int, failedGiven bool) error {
	var faults []error
	count := func(flag string, n, least int) int32 {
		if n < least || n > math.MaxInt32 {
			faults = append(faults, fmt.Errorf("--%s %d: must be at least %d", flag, n, least))
			return int32(least)
		}
		return int32(n)
	}
	r.Trials = count("trials", trials, 1)
	r.Parallel = min(count("parallel", parallel, 1), r.Trials)
	most := (r.Trials + 1) / 2
	if failedGiven {
		most = count("max-failed", failed, 0)
	}
	r.MaxFailed = &most
	return errors.Join(faults...)
}
