// Package workload knows what a job kind means: given a rendered Job, PyTorchJob, TFJob, MPIJob, XGBoostJob, PaddleJob, JAXJob,
// TrainJob or Pod, which pods it stands for, with which names, ports and environment, when it has succeeded or failed, and
// what must be restarted. It runs nothing, reads no clock and knows no experiment.
package workload

import "time"

// Job is a rendered job laid out as pods.
type Job struct {
	APIVersion, Kind     string
	Namespace, Name, UID string
	Labels, Annotations  map[string]string
	Pods                 []Pod // in start order: the pod that others rendezvous with first
	Policy               Policy
	Files                []File   // files that the operator would mount into pods (MPI's hostfile and rsh agent)
	Notes                []string // what is handled otherwise than upstream or not at all, one line each with its field path

	source map[string]any // the rendered object, for Object; never changed
	speaks string         // replica type whose pods speak for the job, "" when any pod does
}

// Policy holds the rules by which a job ends. What Success says:
//
//	""           as many pods as Completions says, or every pod where that is 0
//	"any"        one pod has succeeded and none goes on (a Job with parallelism and no completions)
//	"worker-0"   the first worker has succeeded, or all workers (TFJob without chief)
//	"any worker" one worker has succeeded (elastic PyTorchJob)
//	otherwise    every pod of that replica type
type Policy struct {
	BackoffLimit   *int32        // restarts before the job fails; nil means no limit (batch/v1 Job: 6)
	Backoff        time.Duration // delay before the first restart, doubled for each one after it; 0 means 10 s
	Together       bool          // a restart is one of the whole job: the ranks that are left of a collective can only hang
	Recreate       bool          // pods with restart policy Never start again within the limit (batch/v1 Job and what is built on it)
	ActiveDeadline time.Duration // longest run from the first pod's start; 0 means none
	CleanPods      string        // All, Running or None: what is stopped when the job has ended (locally everything is)
	Completions    int32         // pods that must succeed (batch/v1 Job)
	Parallelism    int32         // pods that may run at once (batch/v1 Job); 0 means all
	Indexed        bool          // completionMode Indexed (batch/v1 Job)
	Success        string        // whose success is the job's, see above
	Suspended      bool          // the spec asks for it; it runs all the same where no queue could ever release it
}

// Pod is one pod of a job.
type Pod struct {
	Name                string
	Replica             string // replica type in lower case: master, worker, launcher, chief, ps, node, …; "" for Job and Pod
	Index               int    // index within its replica type
	Rank                int    // global rank where the kind has one, otherwise its place in Job.Pods
	Hostname, Subdomain string
	Names               []string // every name by which its peers may reach it: short, with namespace, with cluster domain
	Labels, Annotations map[string]string
	Restart             RestartPolicy
	Spec                PodSpec
	WaitFor             *WaitFor // what must listen before its containers start; nil means nothing
	Default             string   // the container that the kind's environment and exit code rules speak of (pytorch, tensorflow, …)
	Idle                bool     // need not be started locally: it only waits to be entered (an MPI worker that sleeps)
	Held                bool     // does not start with the job, but when a verdict's Start first names it
	After               []string // names of the pods that must have succeeded before a held pod starts

	spare bool // its failure is not the job's (a worker of a TFJob with enableDynamicWorker)
}

// WaitFor is the rendezvous that a pod waits for before it starts (upstream: the init-pytorch container, which asks DNS only).
type WaitFor struct {
	Pod  string
	Port int
	For  time.Duration // how long before it counts as failed
}

// File is a file that the operator of a kind provides inside pods.
type File struct {
	Path    string
	Mode    uint32
	Content string
	Pods    []string // names of the pods that see it
}

// RestartPolicy says what happens to a container that ended.
type RestartPolicy string

// The restart policies. ExitCode restarts on exit codes of 128 and above and fails on 1 to 127.
const (
	RestartAlways    RestartPolicy = "Always"
	RestartOnFailure RestartPolicy = "OnFailure"
	RestartNever     RestartPolicy = "Never"
	RestartExitCode  RestartPolicy = "ExitCode"
)
