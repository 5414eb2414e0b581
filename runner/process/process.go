// Package process runs trials as processes of this machine: one shim per attempt, which starts the containers of all its pods,
// in namespaces of its own where the machine allows. It keeps what it must know to adopt them in files. It decides nothing about
// restarts or outcomes (package workload does) and knows no experiment.
package process

import (
	"context"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/workload"
)

// Pool hands out the machine's resources. Package resources implements it.
type Pool interface {
	// Check says why a task can never run on this machine, and what to do; nil when it can.
	Check(task runner.Task) error
	// Acquire waits until everything that all pods of the task request is free, and takes it. It calls wait with the reason
	// whenever that is new. With ports, every port that the pods listen on also gets one on this machine, because the task
	// shares them with others. An error is that of ctx, or says why the task cannot run.
	Acquire(ctx context.Context, task runner.Task, ports bool, wait func(reason string)) (provision.Grant, error)
	// Restore takes what a task of an earlier run of this program holds.
	Restore(task runner.Task, grant provision.Grant) error
	// Release gives back what a task holds, when nothing of it runs any more; it does nothing for one that holds nothing.
	Release(id runner.ID)
}

// Provisioner turns pods into processes. Package provision implements it.
type Provisioner interface {
	// Check says why a task can never run on this machine (no command and no image map, a reference to a ConfigMap that is not
	// there, …), and what to do; nil when it can.
	Check(task runner.Task) error
	// Provision makes what one pod of the task needs below dir, which exists and is the pod's own, and returns its containers:
	// init containers first, all in the order of the pod's spec. It may be called again for a pod that starts anew. The pod's
	// hosts file and host name are the runner's.
	Provision(task runner.Task, pod workload.Pod, dir string, grant provision.Grant) ([]provision.Container, error)
}
