// Command goptuna speaks for goptuna as peers.py does for optimisers in Python: the lines are described there. It is a module of its
// own, so that the project depends on nothing of it.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/c-bata/goptuna"
	"github.com/c-bata/goptuna/cmaes"
	"github.com/c-bata/goptuna/tpe"
)

const version = "goptuna 0.9.0"

type parameter struct {
	Name         string            `json:"name"`
	Type         string            `json:"type"`
	Min          float64           `json:"min"`
	Max          float64           `json:"max"`
	Step         float64           `json:"step"`
	List         []string          `json:"list"`
	Distribution string            `json:"distribution"`
	When         []json.RawMessage `json:"when"`
}

type request struct {
	Open *struct {
		Method      string      `json:"method"`
		Seed        int64       `json:"seed"`
		Parameters  []parameter `json:"parameters"`
		Objectives  int         `json:"objectives"`
		Constraints int         `json:"constraints"`
	} `json:"open"`
	Ask  int     `json:"ask"`
	Tell []trial `json:"tell"`
}

type trial struct {
	Number      int            `json:"number"`
	Assignments map[string]any `json:"assignments,omitempty"`
	Value       float64        `json:"value,omitempty"`
	State       string         `json:"state,omitempty"`
}

// unsuited is why goptuna cannot search a problem.
type unsuited struct{ error }

// session is a search; the identifiers of an in-memory storage's trials are their numbers from 0.
type session struct {
	parameters []parameter
	study      *goptuna.Study
}

func main() {
	lines, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	lines.Buffer(nil, 1<<28)
	var s *session
	for lines.Scan() {
		var r request
		err := json.Unmarshal(lines.Bytes(), &r)
		reply := map[string]any{}
		if err == nil {
			s, err = s.answer(&r, reply)
		}
		var why unsuited
		if errors.As(err, &why) {
			reply = map[string]any{"unsuited": why.Error()}
		} else if err != nil {
			reply = map[string]any{"error": err.Error()}
		}
		if err := out.Encode(reply); err != nil {
			os.Exit(1)
		}
	}
}

// answer carries a request out, and says how long that took.
func (s *session) answer(r *request, reply map[string]any) (*session, error) {
	if r.Open != nil {
		next, err := open(r)
		reply["opened"] = version
		return next, err
	}
	if s == nil {
		return s, errors.New("open a session first")
	}
	wall, cpu := time.Now(), processor()
	var err error
	if r.Ask > 0 {
		suggestions := make([]trial, r.Ask)
		for i := range suggestions {
			if suggestions[i], err = s.ask(); err != nil {
				return s, err
			}
		}
		reply["suggestions"] = suggestions
	} else {
		for _, t := range r.Tell {
			if err = s.tell(t); err != nil {
				return s, err
			}
		}
		reply["told"] = len(r.Tell)
	}
	reply["wall"], reply["cpu"] = time.Since(wall).Seconds(), processor()-cpu
	return s, nil
}

// processor is the time that all threads of this process have used, in seconds.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return math.NaN()
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func open(r *request) (*session, error) {
	o := r.Open
	if o.Objectives > 1 || o.Constraints > 0 {
		return nil, unsuited{errors.New("it knows one objective and no constraints")}
	}
	space := map[string]any{}
	for _, p := range o.Parameters {
		if len(p.When) > 0 {
			return nil, unsuited{errors.New("it draws conditional parameters at random or by themselves")}
		}
		space[p.Name] = distribution(p)
	}
	options := []goptuna.StudyOption{
		goptuna.StudyOptionDirection(goptuna.StudyDirectionMinimize), goptuna.StudyOptionStorage(goptuna.NewInMemoryStorage()),
		goptuna.StudyOptionLogger(nil), goptuna.StudyOptionDefineSearchSpace(space),
	}
	switch o.Method {
	case "goptuna":
		options = append(options, goptuna.StudyOptionSampler(tpe.NewSampler(tpe.SamplerOptionSeed(o.Seed))))
	case "gocmaes":
		if slices.ContainsFunc(o.Parameters, func(p parameter) bool { return p.List != nil }) {
			return nil, unsuited{errors.New("it draws categorical parameters at random")}
		}
		options = append(options, goptuna.StudyOptionSampler(goptuna.NewRandomSampler(goptuna.RandomSamplerOptionSeed(o.Seed))),
			goptuna.StudyOptionRelativeSampler(cmaes.NewSampler(cmaes.SamplerOptionSeed(o.Seed), cmaes.SamplerOptionNStartupTrials(1))))
	case "gorandom":
		options = append(options, goptuna.StudyOptionSampler(goptuna.NewRandomSampler(goptuna.RandomSamplerOptionSeed(o.Seed))))
	default:
		return nil, fmt.Errorf("there is no peer %q here", o.Method)
	}
	study, err := goptuna.CreateStudy("search", options...)
	return &session{parameters: o.Parameters, study: study}, err
}

// distribution is a parameter's as goptuna writes it: it has no logarithmic integers.
func distribution(p parameter) any {
	log := p.Distribution == "logUniform" || p.Distribution == "logNormal"
	switch {
	case p.List != nil:
		return goptuna.CategoricalDistribution{Choices: p.List}
	case p.Type == "int" && p.Step > 1:
		return goptuna.StepIntUniformDistribution{Low: int(p.Min), High: int(p.Max), Step: int(p.Step)}
	case p.Type == "int":
		return goptuna.IntUniformDistribution{Low: int(p.Min), High: int(p.Max)}
	case log:
		return goptuna.LogUniformDistribution{Low: p.Min, High: p.Max}
	case p.Step > 0:
		return goptuna.DiscreteUniformDistribution{Low: p.Min, High: p.Max, Q: p.Step}
	}
	return goptuna.UniformDistribution{Low: p.Min, High: p.Max}
}

func (s *session) ask() (trial, error) {
	id, err := s.study.Storage.CreateNewTrial(s.study.ID)
	if err != nil {
		return trial{}, err
	}
	t := goptuna.Trial{Study: s.study, ID: id}
	if err := t.CallRelativeSampler(); err != nil {
		return trial{}, err
	}
	values := map[string]any{}
	for _, p := range s.parameters {
		var v any
		switch d := distribution(p).(type) {
		case goptuna.CategoricalDistribution:
			v, err = t.SuggestCategorical(p.Name, d.Choices)
		case goptuna.StepIntUniformDistribution:
			v, err = t.SuggestStepInt(p.Name, d.Low, d.High, d.Step)
		case goptuna.IntUniformDistribution:
			v, err = t.SuggestInt(p.Name, d.Low, d.High)
		case goptuna.LogUniformDistribution:
			v, err = t.SuggestLogFloat(p.Name, d.Low, d.High)
		case goptuna.DiscreteUniformDistribution:
			v, err = t.SuggestDiscreteFloat(p.Name, d.Low, d.High, d.Q)
		default:
			v, err = t.SuggestFloat(p.Name, p.Min, p.Max)
		}
		if err != nil {
			return trial{}, fmt.Errorf("parameter %q: %w", p.Name, err)
		}
		values[p.Name] = v
	}
	return trial{Number: id + 1, Assignments: values}, nil
}

func (s *session) tell(t trial) error {
	if t.Assignments != nil {
		return s.add(t)
	}
	state := goptuna.TrialStateComplete
	if t.State == "Failed" {
		state = goptuna.TrialStateFail
	} else if err := s.study.Storage.SetTrialValue(t.Number-1, t.Value); err != nil {
		return err
	}
	return s.study.Storage.SetTrialState(t.Number-1, state)
}

// add takes up a trial that was not proposed here.
func (s *session) add(t trial) error {
	params, internal, distributions := map[string]any{}, map[string]float64{}, map[string]any{}
	for _, p := range s.parameters {
		d := distribution(p)
		distributions[p.Name] = d
		v, isNumber := t.Assignments[p.Name].(float64)
		if !isNumber {
			v = float64(slices.Index(p.List, fmt.Sprint(t.Assignments[p.Name])))
		}
		internal[p.Name] = v
		external, err := goptuna.ToExternalRepresentation(d, v)
		if err != nil {
			return err
		}
		params[p.Name] = external
	}
	_, err := s.study.Storage.CloneTrial(s.study.ID, goptuna.FrozenTrial{
		State: goptuna.TrialStateComplete, Value: t.Value, DatetimeStart: time.Now(), DatetimeComplete: time.Now(), Params: params,
		InternalParams: internal, Distributions: distributions, IntermediateValues: map[int]float64{}, UserAttrs: map[string]string{},
		SystemAttrs: map[string]string{},
	})
	return err
}
