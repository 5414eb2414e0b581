package provision

import (
	_ "embed" // the Python module below
	"path"

	"qalam/runner"
	"qalam/workload"
)

// PushVariable names the variable that tells a trial's programs where that file is.
const PushVariable = "QALAM_METRICS_FILE"

// pushPython is where the Python module kubeflow.katib lies that a trial with a Push collector finds.
const pushPython = "/qalam-push-python"

//go:embed push.py
var pushModule []byte

// pushed gives a primary container of a trial with a Push collector the file to write to, and the module kubeflow.katib whose
// report_metrics does so: a program that was written for Katib runs as it is.
func (s *scene) pushed(v *view, c *workload.Container) {
	if s.task.Collect.Kind != "Push" || !s.primary(c) {
		return
	}
	s.files = append(s.files,
		file{path: s.below("push", c.Name, path.Base(runner.PushFile)), mode: 0o600, once: true},
		file{path: s.below("python", "kubeflow", "katib", "__init__.py"), mode: 0o600, content: pushModule})
	v.mount(Mount{Source: s.below("push", c.Name), Target: path.Dir(runner.PushFile)}, "metrics collector")
	v.mount(Mount{Source: s.below("python"), Target: pushPython, ReadOnly: true}, "metrics collector")
}

// checkpoint gives a primary container the folder of the trial's checkpoint.
func (s *scene) checkpoint(v *view, c *workload.Container) {
	if s.task.Checkpoint != nil && s.primary(c) {
		v.mount(Mount{Source: s.task.Checkpoint.Dir, Target: s.task.Checkpoint.Path}, "checkpoint")
	}
}

// pushEnv tells a container's programs about it.
func (s *scene) pushEnv(c *workload.Container, e *vars) {
	if s.task.Collect.Kind != "Push" || !s.primary(c) {
		return
	}
	target, python := runner.PushFile, pushPython
	if s.o.Tier == Plain {
		target, python = s.below("push", c.Name, path.Base(runner.PushFile)), s.below("python")
	}
	e.set(PushVariable, target)
	if had, ok := e.get("PYTHONPATH"); ok && had != "" {
		python += ":" + had
	}
	e.set("PYTHONPATH", python)
}
