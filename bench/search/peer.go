package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"qalam/space"
	"qalam/suggest"
)

// environments tells which folder of the virtual environments a peer lives in, where it is not main: peers that want other
// releases of the same packages have one of their own, and what is written in Go has a program.
var environments = map[string]string{"hebo": "hebo", "vizier": "vizier", "goptuna": program, "gocmaes": program, "gorandom": program}

// program is the folder of the peers that peers/goptuna speaks for.
const program = "goptuna"

// peerIDs are the peers that peers.py and peers/goptuna speak for.
var peerIDs = []string{
	"random", "hyperopt", "tpe4", "tpe5", "tperec", "tpegroup", "cmaes", "gp", "gpdet", "nsga2", "qmc", "optauto", "skgp", "skrf", "hebo",
	"smac", "smacgp", "vizier", "ax", "goptuna", "gocmaes", "gorandom",
}

// peer is a method that another process speaks for, by lines of JSON on its standard input and output. The objective is
// evaluated here, so that all methods see the same values.
type peer struct {
	id      string
	command []string
	limit   time.Duration // for one answer

	mu      sync.Mutex
	idle    []*process
	version string // of what searches, once it has said so
}

// newPeer finds the interpreter of a peer below the folder of virtual environments.
func newPeer(id, environmentsDir, script string, limit time.Duration) (*peer, error) {
	environment := "main"
	if e, ok := environments[id]; ok {
		environment = e
	}
	command := []string{filepath.Join(environmentsDir, environment, "bin", "python"), script}
	if environment == program {
		command = []string{filepath.Join(environmentsDir, environment, "bin", program)}
	}
	if _, err := os.Stat(command[0]); err != nil {
		return nil, fmt.Errorf("peer %q: there is no %s: run make peers, or name another folder with -environments", id, command[0])
	}
	return &peer{id: id, command: command, limit: limit}, nil
}

func (p *peer) name() string { return p.id }

// wireParameter is a parameter as peers read it.
type wireParameter struct {
	Name         string          `json:"name"`
	Type         string          `json:"type"`
	Min          float64         `json:"min"`
	Max          float64         `json:"max"`
	Step         float64         `json:"step,omitempty"`
	List         []string        `json:"list,omitempty"`
	Distribution string          `json:"distribution"`
	When         []wireCondition `json:"when,omitempty"`
}

type wireCondition struct {
	Parameter string   `json:"parameter"`
	Values    []string `json:"values"`
}

// request is a line to a peer: one of its fields is set.
type request struct {
	Open *wireOpen   `json:"open,omitempty"`
	Ask  int         `json:"ask,omitempty"`
	Tell []wireTrial `json:"tell,omitempty"`
	// Numbers asks qalam asktell for values as numbers; peers give them so anyway.
	Numbers bool `json:"numbers,omitempty"`
}

type wireOpen struct {
	Method      string          `json:"method"`
	Seed        int             `json:"seed"`
	Parameters  []wireParameter `json:"parameters"`
	Objectives  int             `json:"objectives"`
	Constraints int             `json:"constraints"`
	Trials      int             `json:"trials"`
	Workers     int             `json:"workers"`
}

type wireTrial struct {
	Number      int            `json:"number"`
	Assignments map[string]any `json:"assignments,omitempty"` // of a trial that the peer did not propose
	Value       *float64       `json:"value,omitempty"`
	Values      []float64      `json:"values,omitempty"`
	Constraints []float64      `json:"constraints,omitempty"`
	State       string         `json:"state,omitempty"`
}

// answer is a line from a peer.
type answer struct {
	Opened      string      `json:"opened"`
	Unsuited    string      `json:"unsuited"`
	Error       string      `json:"error"`
	Suggestions []wireTrial `json:"suggestions"`
	Exhausted   bool        `json:"exhausted"` // there are no further suggestions
	Waiting     bool        `json:"waiting"`   // the next one needs results
	Told        int         `json:"told"`
	Wall        float64     `json:"wall"` // seconds that the call took the peer
	CPU         float64     `json:"cpu"`
}

func (p *peer) open(t task) (session, error) {
	proc, err := p.take()
	if err != nil {
		return nil, err
	}
	open := &wireOpen{
		Method: p.id, Seed: t.seed, Parameters: wire(t.space), Objectives: t.problem.Objectives, Constraints: t.problem.Constraints,
		Trials: t.trials, Workers: t.workers,
	}
	a, err := proc.call(request{Open: open}, p.limit)
	if err != nil {
		proc.kill()
		return nil, err
	}
	s := &remote{proc: proc, space: t.space, limit: p.limit, release: p.release}
	if a.Unsuited != "" {
		s.close()
		return nil, errUnsuited{a.Unsuited}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.version = a.Opened
	return s, nil
}

// release leaves a process to the next session.
func (p *peer) release(proc *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, proc)
}

// take starts a process, or takes one whose last session is over.
func (p *peer) take() (*process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		proc := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return proc, nil
	}
	return startProcess(p.command)
}

// stop ends the processes.
func (p *peer) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, proc := range p.idle {
		proc.kill()
	}
	p.idle = nil
}

func wire(s *space.Space) []wireParameter {
	var out []wireParameter
	for i, q := range s.Parameters() {
		w := wireParameter{
			Name: q.Name, Type: string(q.Type), Min: q.Min, Max: q.Max, Step: q.Step, List: s.Values(i), Distribution: string(q.Distribution),
		}
		for _, c := range q.When {
			w.When = append(w.When, wireCondition(c))
		}
		out = append(out, w)
	}
	return out
}

// remote is a session with a peer.
type remote struct {
	proc    *process
	space   *space.Space
	limit   time.Duration // for one answer
	release func(*process)
	told    int // the highest number that the peer has proposed or was told
	broken  bool
}

func (s *remote) call(r request) (answer, cost, error) {
	begin := time.Now()
	a, err := s.proc.call(r, s.limit)
	s.broken = s.broken || err != nil
	seconds := func(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }
	took := cost{seconds(a.Wall), seconds(a.CPU)}
	if took.wall == 0 { // it does not say
		took.wall = time.Since(begin)
	}
	return a, took, err
}

func (s *remote) ask(first, n int) ([]space.Assignment, cost, error) {
	a, took, err := s.call(request{Ask: n, Numbers: true})
	if err != nil {
		return nil, took, err
	}
	var out []space.Assignment
	for i, g := range a.Suggestions {
		if g.Number != first+i {
			return nil, took, fmt.Errorf("it proposes trial %d instead of %d", g.Number, first+i)
		}
		assignment, err := assignmentOf(s.space, g.Assignments)
		if err != nil {
			return nil, took, err
		}
		out = append(out, assignment)
		s.told = g.Number
	}
	switch {
	case a.Exhausted:
		err = suggest.ErrExhausted
	case a.Waiting:
		err = suggest.ErrWait
	}
	return out, took, err
}

func (s *remote) tell(trials []trial) (cost, error) {
	var told []wireTrial
	for _, t := range trials {
		w := wireTrial{Number: t.number, Constraints: t.result.Constraints}
		if t.number > s.told {
			w.Assignments, s.told = named(s.space, t.assignment), t.number
		}
		switch {
		case t.result.Failed:
			w.State = "Failed"
		case len(t.result.Values) == 1:
			w.Value = &t.result.Values[0]
		default:
			w.Values = t.result.Values
		}
		told = append(told, w)
	}
	_, took, err := s.call(request{Tell: told})
	return took, err
}

// close ends the session; a broken process is of no use to another.
func (s *remote) close() {
	if s.broken {
		s.proc.kill()
	} else {
		s.release(s.proc)
	}
}

// named writes an assignment by name, numbers as numbers, without what does not matter in it.
func named(s *space.Space, a space.Assignment) map[string]any {
	out := map[string]any{}
	active := s.Active(a, nil)
	for i, q := range s.Parameters() {
		if !active[i] {
			continue
		}
		out[q.Name] = a[i]
		if values := s.Values(i); values != nil {
			out[q.Name] = values[int(a[i])]
		}
	}
	return out
}

// assignmentOf reads values by name. What a peer rounds differently becomes the nearest feasible value; what is missing must not
// matter.
func assignmentOf(s *space.Space, values map[string]any) (space.Assignment, error) {
	a := make(space.Assignment, s.Len())
	missing := make([]bool, s.Len())
	for i, q := range s.Parameters() {
		v, given := values[q.Name]
		list := s.Values(i)
		switch v := v.(type) {
		case float64:
			a[i] = max(q.Min, min(q.Max, v))
		case string:
			at := slices.Index(list, v)
			if at < 0 {
				return nil, fmt.Errorf("its value %q of parameter %q is not in the list", v, q.Name)
			}
			a[i] = float64(at)
		default:
			if given {
				return nil, fmt.Errorf("its value %v of parameter %q is neither a number nor a text", v, q.Name)
			}
			missing[i] = true
		}
		if _, finite := s.Count(i); finite && list == nil && !missing[i] {
			a[i], _ = strconv.ParseFloat(s.Text(i, a[i]), 64) // it is written as the nearest feasible value
		}
	}
	s.Canonical(a)
	for i, active := range s.Active(a, nil) {
		if active && missing[i] {
			return nil, fmt.Errorf("it gives no value for parameter %q", s.Parameters()[i].Name)
		}
	}
	if !s.Contains(a) {
		return nil, fmt.Errorf("it proposes %v, which is outside the space", a)
	}
	return a, nil
}
