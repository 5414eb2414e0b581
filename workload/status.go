package workload

import "time"

// PodPhase is the phase of a pod as Kubernetes names it.
type PodPhase string

// The phases of a pod.
const (
	PodPending   PodPhase = "Pending"
	PodRunning   PodPhase = "Running"
	PodSucceeded PodPhase = "Succeeded"
	PodFailed    PodPhase = "Failed"
)

// PodStatus is what was observed of one pod, in Kubernetes' vocabulary whether it runs there or here.
type PodStatus struct {
	Name            string            `json:"name"`
	Phase           PodPhase          `json:"phase"`
	Reason          string            `json:"reason,omitempty"` // Unschedulable, Evicted, DeadlineExceeded, …
	Message         string            `json:"message,omitempty"`
	StartTime       time.Time         `json:"startTime,omitzero"`
	PodIP           string            `json:"podIP,omitempty"`
	InitContainers  []ContainerStatus `json:"initContainerStatuses,omitempty"`
	Containers      []ContainerStatus `json:"containerStatuses,omitempty"`
	WaitingForPeers bool              `json:"waitingForPeers,omitempty"` // its WaitFor has not been met yet
}

// ContainerStatus is what was observed of one container. At most one of Waiting, Running and Terminated is set.
type ContainerStatus struct {
	Name           string      `json:"name"`
	Waiting        *Waiting    `json:"waiting,omitempty"`
	Running        *Running    `json:"running,omitempty"`
	Terminated     *Terminated `json:"terminated,omitempty"`
	LastTerminated *Terminated `json:"lastTerminated,omitempty"` // of the run before this one
	RestartCount   int32       `json:"restartCount"`
}

// Waiting says why a container has not started.
type Waiting struct {
	Reason  string `json:"reason"` // ContainerCreating, CreateContainerError, CreateContainerConfigError, CrashLoopBackOff, …
	Message string `json:"message,omitempty"`
}

// Running says since when a container runs.
type Running struct {
	StartedAt time.Time `json:"startedAt"`
}

// Terminated says how a container ended.
type Terminated struct {
	ExitCode   int       `json:"exitCode"`         // 128+signal when killed by a signal
	Signal     int       `json:"signal,omitempty"` // the signal that killed it, or 0
	Reason     string    `json:"reason"`           // Completed, Error, OOMKilled, StartError, DeadlineExceeded, Lost
	Message    string    `json:"message,omitempty"`
	StartedAt  time.Time `json:"startedAt,omitzero"`
	FinishedAt time.Time `json:"finishedAt,omitzero"`
}

// Phase is the state of a job as a whole.
type Phase string

// The phases of a job. Running means that the pod which speaks for the job (its master, or where there is none any pod) runs.
const (
	Unstarted  Phase = "Pending"
	Active     Phase = "Running"
	Restarting Phase = "Restarting"
	Succeeded  Phase = "Succeeded"
	Failed     Phase = "Failed"
)

// Status is what was observed of a job.
type Status struct {
	Pods      []PodStatus // in any order; restart counts go on over restarts of whole pods
	StartTime time.Time   // when the job's first pod first started; zero means the earliest start that the pods show
	Restarts  int32       // restarts that the pods' counts no longer show (pods that were deleted and made anew)
}

// Verdict is what a job's rules make of the status of its pods.
type Verdict struct {
	Phase   Phase
	Reason  string // PyTorchJobFailed, BackoffLimitExceeded, DeadlineExceeded, …: upstream's words
	Message string
	Start   []Restart // what to start (again), each not before its time; being named here lifts an earlier Stop
	Stop    []string  // pods to stop now: their job is over or a peer of theirs has failed; nothing of them starts until named in Start
	Wake    time.Time // when the rules must be asked again though nothing changes (deadline, back-off); zero means never
}

// Restart asks for one more run of what has ended in a pod.
type Restart struct {
	Pod       string
	Container string // "" means the whole pod, init containers first
	NotBefore time.Time
}
