// Package provision turns a pod of a job into what processes on this machine need: command lines, environments, folders and
// mounts. It maps images to folders, materialises volumes, ConfigMaps and Secrets, and rewrites ports and paths where there are
// no namespaces. It starts nothing.
package provision

import "os"

// Tier is the degree of isolation that trials get on this machine.
type Tier string

// The tiers. Namespaces gives every trial a network, mounts, processes and host names of its own; Plain gives it processes only,
// so that ports, host names and paths are rewritten.
const (
	Namespaces Tier = "namespaces"
	Plain      Tier = "plain"
)

// Process is one container, ready to be started by a shim.
type Process struct {
	Argv    []string `json:"argv"`
	Env     []string `json:"env"` // NAME=value, each name once
	Dir     string   `json:"dir"` // working directory, as the process sees it
	Mounts  []Mount  `json:"mounts,omitempty"`
	Limits  Limits   `json:"limits,omitzero"`
	Secrets []string `json:"-"` // values that must not be shown
}

// Mount makes Source appear at Target (a folder or a file) for one container. Plain has no mounts.
type Mount struct {
	Source   string `json:"source"` // on this machine; "tmpfs" for memory
	Target   string `json:"target"` // absolute, as the container sees it
	ReadOnly bool   `json:"readOnly,omitempty"`
	Size     int64  `json:"size,omitempty"` // of a tmpfs, bytes; 0 means no limit
	// Layer is a folder of the container's own that holds what it writes below Target, so that Source stays as it is; "" means
	// that it writes to Source.
	Layer string   `json:"layer,omitempty"`
	Own   bool     `json:"own,omitempty"`  // nobody else uses Source: what is mounted below Target may be made room for there
	Keep  []string `json:"keep,omitempty"` // paths below Target that stay to be seen as they are outside, where they exist
}

// Limits are what a container may use; zero means no limit.
type Limits struct {
	MilliCPU int64 `json:"milliCPU,omitempty"`
	Memory   int64 `json:"memory,omitempty"` // bytes
	Pids     int64 `json:"pids,omitempty"`
}

// Tasks is how many processes and threads a container may have at once by default on a machine with so many processors: more than
// any training needs, and few enough for the machine to go on when a program starts them without end.
func Tasks(cores int) int64 { return max(4096, 256*int64(cores)) }

// Container is one container of a pod, as far as this machine is concerned.
type Container struct {
	Name    string  `json:"name"`
	Init    bool    `json:"init,omitempty"`    // one of the pod's init containers: they start in order, before the others
	Sidecar bool    `json:"sidecar,omitempty"` // an init container that keeps running beside the others
	Process Process `json:"process"`
	// Paths says where on this machine lies what the container writes, for what Process.Mounts does not tell: Target is the path
	// as the container's spec names it, Source the one here. The longest Target that holds a path counts.
	Paths []Mount `json:"paths,omitempty"`
	// Termination is the file on this machine that holds the container's termination message; "" means it has none.
	Termination string `json:"termination,omitempty"`
}

// Grant is what this machine has set aside for one task. Containers are named "pod/container".
type Grant struct {
	Devices    map[string][]Device `json:"devices,omitempty"`    // by container: accelerators it may use
	Ports      map[string]int      `json:"ports,omitempty"`      // by "pod/port": the port here instead of one the pod listens on
	Cgroups    map[string][]string `json:"cgroups,omitempty"`    // by container: existing cgroup folders to start it in; "" has the whole attempt's
	SoftMemory bool                `json:"softMemory,omitempty"` // the kernel does not enforce limits of memory: they are to be watched
	// Addresses holds every pod's IP address by its name, HostNetwork says that the task sees this machine's network. The
	// runner fills them in.
	Addresses   map[string]string `json:"addresses,omitempty"`
	HostNetwork bool              `json:"hostNetwork,omitempty"`
	// Locks are files whose locks (flock) keep Devices and Ports from other programs. The attempt's supervisor inherits them, so
	// that they hold as long as the attempt lives, whatever becomes of this program.
	Locks []*os.File `json:"-"`
}

// Device is one accelerator.
type Device struct {
	Resource string `json:"resource"` // nvidia.com/gpu, amd.com/gpu, …
	ID       string `json:"id"`       // what the vendor's *_VISIBLE_DEVICES takes
}
