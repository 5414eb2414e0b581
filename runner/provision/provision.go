// Package provision turns a pod of a job into what processes on this machine need: command lines, environments, folders and
// mounts. It maps images to folders, materialises volumes, ConfigMaps and Secrets, and rewrites ports and paths where there are
// no namespaces. It starts nothing.
package provision

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
}

// Limits are what a container may use; zero means no limit.
type Limits struct {
	MilliCPU int64 `json:"milliCPU,omitempty"`
	Memory   int64 `json:"memory,omitempty"` // bytes
	Pids     int64 `json:"pids,omitempty"`
}
