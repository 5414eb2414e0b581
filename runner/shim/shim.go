// Package shim is the process that stands between an engine and one attempt of a trial: it starts the containers it is told to,
// writes down when each started and how it ended, kills what is told to end, and goes on when the engine dies. It knows no job
// kinds, no restart rules and no experiment. It imports little of the standard library and x/sys, so that it starts fast.
package shim

import (
	"os"
	"time"
)

// Argv0 is the name under which a process becomes a shim; its one argument is the attempt's folder.
const Argv0 = "qalam-shim"

// Files of an attempt's folder.
const (
	ClaimFile   = "claim"      // made once by the one shim that owns the attempt, and locked (flock) as long as that lives: a Claim
	SpecFile    = "spec.json"  // what to start first: a Spec
	ControlFile = "control"    // FIFO of Commands, one JSON line each, shorter than 4096 bytes
	StartedTail = ".run.json"  // <pod>.<container>.<number>.run.json: a Started, for runs that last more than a few milliseconds
	ExitedTail  = ".exit.json" // <pod>.<container>.<number>.exit.json: an Exited
)

// MarkerVariable is set in every container, so that its processes are found when their shim was killed.
// Its value is Spec.Marker/<pod>/<container>/<number>.
const MarkerVariable = "QALAM_ATTEMPT"

// Exit codes of a shim.
const (
	ExitTaken   = 75 // another shim owns the attempt
	ExitTrouble = 70 // it could not start work; it says why on stderr
)

// Spec is what a shim reads when it starts.
type Spec struct {
	Marker      string   `json:"marker"`               // identifies the attempt on this machine
	Namespaces  bool     `json:"namespaces,omitempty"` // it was cloned into mount, UTS and IPC namespaces of its own
	PIDs        bool     `json:"pids,omitempty"`       // and is the first process of a PID namespace
	Network     bool     `json:"network,omitempty"`    // and has a network namespace, whose loopback it brings up
	Cgroups     []string `json:"cgroups,omitempty"`    // folders that hold every process of the attempt
	Start       []Run    `json:"start,omitempty"`      // what to start at once
	Final       bool     `json:"final,omitempty"`      // to exit by itself when all of Start have ended with code 0
	Tasks       int64    `json:"tasks,omitempty"`      // most processes and threads it may have at once; 0 means no limit
	Locks       int      `json:"locks,omitempty"`      // files it has inherited, from descriptor 3 on, to hold while it lives
	ShmMegabyte int      `json:"shm,omitempty"`        // size of the attempt's own /dev/shm in MiB; 0 means half the memory
}

// Run is one run of one container.
type Run struct {
	Pod       string   `json:"pod"`
	Container string   `json:"container"`
	Number    int      `json:"number"` // from 0, counts the runs of this container
	Argv      []string `json:"argv"`
	Env       []string `json:"env"`
	Dir       string   `json:"dir,omitempty"`
	Log       string   `json:"log"`                // file for stdout and stderr, below the attempt's folder
	Hostname  string   `json:"hostname,omitempty"` // where there are namespaces
	Mounts    []Mount  `json:"mounts,omitempty"`   // where there are namespaces
	Cgroups   []string `json:"cgroups,omitempty"`
	Memory    int64    `json:"memory,omitempty"` // bytes above which it is killed, where the kernel does not see to that; 0 means never
}

// Base is the beginning of the names of the files that tell of a run.
func (r *Run) Base() string { return r.Pod + "." + r.Container + "." + itoa(r.Number) }

// Mount makes Source appear at Target. Source "tmpfs" is memory of at most Size bytes (0: no limit).
type Mount struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"readOnly,omitempty"`
	Size     int64  `json:"size,omitempty"`
	// Layer is a folder of the container's own that holds what it writes below Target, so that Source stays as it is; "" means
	// that it writes to Source.
	Layer string   `json:"layer,omitempty"`
	Own   bool     `json:"own,omitempty"`  // nobody else uses Source: what is mounted below Target may be made room for there
	Keep  []string `json:"keep,omitempty"` // paths below Target that stay to be seen as they are outside, where they exist
}

// Command is one line of the control FIFO. Exactly one of its first four fields is set.
type Command struct {
	Start string   `json:"start,omitempty"` // file in the attempt's folder with a []Run
	Stop  []string `json:"stop,omitempty"`  // "pod" or "pod/container": SIGTERM, after Grace SIGKILL to all of them
	Exit  string   `json:"exit,omitempty"`  // why: stop everything within Grace, then exit
	Fetch *Fetch   `json:"fetch,omitempty"`
	// Grace is how long what is stopped may take.
	Grace time.Duration `json:"grace,omitempty"`
}

// Fetch asks something of a TCP port on the loopback address of the attempt's network.
type Fetch struct {
	Port    int    `json:"port"`
	Request string `json:"request"` // what to say
	File    string `json:"file"`    // where the answer goes, in the attempt's folder: a Fetched
	Max     int    `json:"max"`     // most bytes to take
}

// Fetched is the answer to a Fetch: what was said until the other side hung up, or for ten seconds.
type Fetched struct {
	Answer []byte `json:"answer"`
	Error  string `json:"error,omitempty"`
}

// Claim says which process owns an attempt.
type Claim struct {
	PID       int    `json:"pid"`       // as this machine counts, not the PID namespace
	StartTime uint64 `json:"starttime"` // field 22 of /proc/PID/stat: with PID and BootID it names one process for ever
	BootID    string `json:"bootID"`
	Done      *Done  `json:"-"` // how the attempt ended; nil while it has not, and when its shim was killed
}

// Stamp is a moment by two clocks.
type Stamp struct {
	Wall time.Time     `json:"wall"`
	Boot time.Duration `json:"boot"` // CLOCK_BOOTTIME
}

// Started says that a run's process was started.
type Started struct {
	PID     int   `json:"pid"` // as the shim sees it: within its PID namespace, if it has one
	Started Stamp `json:"started"`
}

// Exited says how a run ended.
type Exited struct {
	Code     int    `json:"code"`             // 128+signal when a signal killed it, 126 or 127 when it could not be started
	Signal   int    `json:"signal,omitempty"` // the signal that killed it, or 0
	OOM      bool   `json:"oom,omitempty"`    // the kernel killed one of its processes for want of memory
	Over     string `json:"over,omitempty"`   // how far it was above Run.Memory, and so was killed
	Error    string `json:"error,omitempty"`  // why it could not be started
	Started  Stamp  `json:"started"`
	Finished Stamp  `json:"finished"`
}

// Done is the second line of a claim: it says that nothing of the attempt runs any more. It takes no new block of the disk, and so
// can be written when that is full.
type Done struct {
	Why string `json:"why"` // Command.Exit, or "final"
	At  Stamp  `json:"at"`
}

// Main turns this process into a shim if that is what it was started as, and never returns then. Otherwise it returns false at
// once. It must be called before anything else: first thing in main, or in TestMain.
func Main() bool {
	if len(os.Args) != 2 || os.Args[0] != Argv0 {
		return false
	}
	leave(run(os.Args[1]))
	return true
}
