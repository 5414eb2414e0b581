package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"qalam/space"
)

// asktellPrefix stands before the names of our algorithms where they run through the command.
const asktellPrefix = "asktell-"

// through is one of ours, run by qalam asktell: what it finds must be what it finds in this process.
type through struct {
	ours
	binary string
	limit  time.Duration
}

func (m through) name() string { return asktellPrefix + m.text }

func (m through) open(t task) (session, error) {
	if t.problem.Objectives > 1 || t.problem.Constraints > 0 || t.problem.Conditional() {
		return nil, errUnsuited{"the check through the command has one objective, no constraints and no conditions"}
	}
	dir, err := os.MkdirTemp("", "asktell-")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "search.yaml")
	text, err := json.Marshal(m.document(t)) // JSON is YAML
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	proc, err := startProcess([]string{m.binary, "asktell", file, "--seed", strconv.Itoa(t.seed)})
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &remote{proc: proc, space: t.space, limit: m.limit, release: func(p *process) {
		p.kill()
		os.RemoveAll(dir)
	}}, nil
}

// document is the file that the command reads.
func (m through) document(t task) any {
	type object = map[string]any
	var parameters, settings []object
	for i, p := range t.space.Parameters() {
		feasible := object{}
		if values := t.space.Values(i); values != nil {
			feasible["list"] = values
		} else {
			feasible["min"], feasible["max"], feasible["distribution"] = t.space.Text(i, p.Min), t.space.Text(i, p.Max), string(p.Distribution)
			if p.Step > 0 && !(p.Type == space.Int && p.Step == 1) {
				feasible["step"] = strconv.FormatFloat(p.Step, 'g', -1, 64)
			}
		}
		parameters = append(parameters, object{"name": p.Name, "parameterType": string(p.Type), "feasibleSpace": feasible})
	}
	for name, value := range m.settings {
		settings = append(settings, object{"name": name, "value": value})
	}
	return object{
		"objective":     object{"type": "minimize", "objectiveMetricName": "loss"},
		"algorithm":     object{"algorithmName": m.algorithm, "algorithmSettings": settings},
		"maxTrialCount": t.trials, "parallelTrialCount": t.workers, "parameters": parameters,
	}
}

// differences says which searches went another way through the command than in process.
func (rs *records) differences() []string {
	var out []string
	for _, r := range rs.list {
		text, ok := strings.CutPrefix(r.method, asktellPrefix)
		if !ok {
			continue
		}
		key := r.key()
		key.method = oursPrefix + text
		if twin := rs.index[key]; twin != nil && !slices.Equal(twin.path, r.path) {
			out = append(out, fmt.Sprintf("%s on %s, seed %d, %d workers", text, r.problem, r.seed, r.workers))
		}
	}
	return out
}
