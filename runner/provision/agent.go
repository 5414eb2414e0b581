package provision

import (
	"path/filepath"
	"slices"
	"strings"

	"qalam/workload"
)

// agentFile is the name of the program by which an MPI launcher starts a command on a worker: its arguments are the worker's name
// and the command's words, which a shell there puts together. In a cluster it calls kubectl exec.
const agentFile = "kubexec.sh"

// marker is the variable by which the runner finds the processes of an attempt; a command on a worker must keep it.
const marker = "QALAM_ATTEMPT"

// agent writes that program for this machine. The processes it starts are the launcher's children and see the launcher's files,
// but have their worker's variables and working directory. beside is where the program lies, below the pod's folder.
func (s *scene) agent(v *view, beside string) []byte {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n# Runs a command as if in the pod that the first argument names.\npod=$1\nshift\ncase \"$pod\" in\n")
	for i := range s.task.Job.Pods {
		w := &s.task.Job.Pods[i]
		if !w.Idle && w.Replica != "worker" {
			continue
		}
		if err := plainName("pod", w.Name); err != nil {
			s.fault("%w", err)
			continue
		}
		names := []string{quote(w.Name)}
		for _, n := range w.Names {
			if n != w.Name {
				names = append(names, quote(n))
			}
		}
		file := w.Name + ".sh"
		b.WriteString(strings.Join(names, "|") + ")\n\texec env -i " + marker + "=\"$" + marker + "\" /bin/sh \"${0%/*}\"/" + quote(file) + " \"$*\" ;;\n")
		s.worker(v, w, filepath.Join(filepath.Dir(beside), file))
	}
	b.WriteString("*)\n\techo \"$0: this job has no worker $pod\" >&2\n\texit 1 ;;\nesac\n")
	return []byte(b.String())
}

// worker lays out a worker's container, and writes the script that takes its place. The launcher gets what is mounted there and
// not in the launcher itself.
func (s *scene) worker(v *view, w *workload.Pod, rel string) {
	i := slices.IndexFunc(w.Spec.Containers, func(c workload.Container) bool { return c.Name == w.Default })
	if i < 0 && len(w.Spec.Containers) == 0 {
		return
	}
	c := &w.Spec.Containers[max(i, 0)]
	peer := s.scene(s.task, w, "", s.grant)
	if s.dir != "" {
		peer.dir = s.below("peers", w.Name)
	}
	peer.inside = true
	if w.Idle { // it need not run, so it need have no command; what it sleeps with is of no interest
		bare := *c
		bare.Command, bare.Args = nil, nil
		c = &bare
	}
	laid := peer.layout(c)
	s.take(peer)
	for _, m := range slices.Concat(laid.Process.Mounts, laid.Paths) {
		if have, _, ok := v.find(m.Target); ok && have.Target == m.Target {
			if have.Source != m.Source {
				s.note("%s of %s: what the launcher starts there sees the launcher's own", m.Target, w.Name)
			}
			continue
		}
		v.mount(m, "worker "+w.Name)
		v.live(m.Target, true)
	}
	s.files = append(s.files, file{path: s.below(rel), mode: 0o600, content: workerScript(laid.Process)})
}

// take makes what was laid out for a peer part of this scene.
func (s *scene) take(peer *scene) {
	s.files = append(s.files, peer.files...)
	s.checks = append(s.checks, peer.checks...)
	for _, f := range peer.folders {
		if rel, err := filepath.Rel(s.dir, f.root); err == nil && s.dir != "" && filepath.IsLocal(rel) {
			f = folder{root: s.dir, path: filepath.Join(rel, f.path), unless: f.unless}
		}
		s.folders = append(s.folders, f)
	}
	for _, secret := range peer.secrets {
		s.secret("", secret)
	}
	for _, n := range peer.notes {
		s.note("%s", n)
	}
	for _, f := range peer.faults {
		s.fault("worker %s: %w", peer.pod.Name, f)
	}
}

var shellName = pattern(`^[A-Za-z_][A-Za-z0-9_]*$`)

// workerScript sets a worker's variables and runs its one argument with a shell in the worker's working directory. Variables that
// a shell cannot set are left out.
func workerScript(p Process) []byte {
	var b strings.Builder
	for _, kv := range p.Env {
		name, value, _ := strings.Cut(kv, "=")
		if shellName().MatchString(name) && name != marker {
			b.WriteString("export " + name + "=" + quote(value) + "\n")
		}
	}
	b.WriteString("cd " + quote(p.Dir) + " || exit 1\nexec /bin/sh -c \"$1\"\n")
	return []byte(b.String())
}

// quote makes one word for a shell of any text.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
