package workload

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Severity says how bad a Warning is.
type Severity string

// The severities. An error is something that a cluster refuses or that can never work.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityNote    Severity = "note"
)

// Warning is something in a job that will go wrong, in a cluster if not here.
type Warning struct {
	ID       string // of the rule: L1, L2, …
	Path     string // of the field
	Message  string
	Fix      string
	Severity Severity
}

// LintOptions tell Lint of the experiment around a job.
type LintOptions struct {
	PrimaryContainer   string // trialTemplate.primaryContainerName
	PrimaryPodLabels   map[string]string
	ExplicitConditions bool // the trial template has success and failure conditions of its own
	ExplicitLabels     bool // the trial template has primary pod labels of its own
	Retain             bool // the trial template keeps jobs that are over
	Parallel           int  // trials at once; 0 means 1
	Runtimes           []map[string]any
	Capacity           map[string]Quantity // what the machine or the largest node has; nil means that it is not known
}

// Lint looks for what is bound to go wrong with a rendered job and can be seen without a cluster. Faults that Expand finds are left
// to it. Warnings are sorted by rule and place.
func Lint(object map[string]any, l LintOptions) []Warning {
	r := &reader{}
	c := &check{LintOptions: l, root: node{r: r, value: object}}
	c.kind, c.spec = c.root.get("kind").text(), c.root.get("spec")
	job, err := expand(r, object, Options{Runtimes: l.Runtimes, PrimaryContainer: l.PrimaryContainer})
	if err != nil {
		return nil // Expand's to tell
	}
	c.kubeflow = kubeflowKinds[c.kind]
	if job.APIVersion == "kubeflow.org/v2beta1" {
		c.kubeflow = mpi2Rules
	}
	c.job, c.sound = job, r.err() == nil
	c.templates = c.find()
	for _, rule := range []func(){
		c.processes, c.masterless, c.trainNodes, c.standalone, c.masters, c.names, c.primaryContainer, c.primaryLabels, c.conditions,
		c.limits, c.inject, c.capacity, c.resources, c.shm, c.cleaning, c.readiness, c.hostNetwork, c.shells, c.claims,
	} {
		rule()
	}
	slices.SortStableFunc(c.found, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Path, b.Path))
	})
	return c.found
}

// check is one run of the rules.
type check struct {
	LintOptions
	root, spec node
	kind       string
	kubeflow   *rules // nil for other kinds
	job        *Job
	sound      bool // job could be laid out without fault
	templates  []role
	found      []Warning
}

// role is a pod template of the job, with the pods made of it.
type role struct {
	node
	name string // replica type as the job spells it; "" where there is one template only
	pods []*Pod
}

func (c *check) warn(id string, s Severity, path, message, fix string) {
	c.found = append(c.found, Warning{ID: id, Path: path, Message: message, Fix: fix, Severity: s})
}

// find lists the pod templates.
func (c *check) find() []role {
	var roles []role
	of := func(n node, name string) {
		r := role{node: n, name: name}
		for i := range c.job.Pods {
			if p := &c.job.Pods[i]; name == "" || strings.EqualFold(p.Replica, name) {
				r.pods = append(r.pods, p)
			}
		}
		roles = append(roles, r)
	}
	switch {
	case c.kind == "Pod":
		of(c.root, "")
	case c.kind == "Job":
		of(c.spec.get("template"), "")
	case c.kubeflow != nil:
		specs := c.spec.get(c.kubeflow.field)
		for _, key := range specs.others() {
			of(specs.get(key).get("template"), key)
		}
	}
	return roles
}

// containers lists the containers of a role with their places.
func (r role) containers() []node { return r.get("spec").get("containers").list() }

func words(c node) []string {
	return slices.Concat(texts(c.get("command").value), texts(c.get("args").value))
}

// launcher says whether a command starts the processes of a node: yes, no, or not to be told from the command alone.
func launcher(words []string) (yes, known bool) {
	if len(words) == 0 {
		return false, false
	}
	text := strings.Join(words, " ")
	for _, w := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" \t\n;&|()\"'", c) }) {
		switch base := path.Base(w); {
		case base == "torchrun", base == "accelerate", base == "deepspeed", base == "tune", base == "mpirun", base == "mpiexec", base == "horovodrun",
			strings.HasPrefix(w, "torch.distributed."):
			return true, true
		case strings.HasSuffix(base, ".sh"):
			return false, false
		}
	}
	return false, true
}

// trains finds the container of a role that the kind's rules speak of.
func (c *check) trains(r role) node {
	list := r.containers()
	for _, n := range list {
		if c.kubeflow != nil && n.get("name").value == c.kubeflow.container {
			return n
		}
	}
	if len(list) > 0 {
		return list[0]
	}
	return node{c.root.r, r.at("spec.containers"), nil}
}
