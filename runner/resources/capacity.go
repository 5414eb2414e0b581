// Package resources hands out what this machine has: processors, memory, accelerators, ports and cgroups, to all pods of a task at
// once or to none. It starts nothing and decides nothing about trials.
package resources

import (
	"context"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"qalam/runner/provision"
)

// Capacity is what there is to hand out.
type Capacity struct {
	MilliCPU int64 // thousandths of a processor
	Memory   int64 // bytes
	Devices  []provision.Device
}

// Overrides replace what is found; zero or negative values leave it as it is (NoGPUs for GPUs: none).
type Overrides struct {
	CPUs   float64
	Memory int64 // bytes
	GPUs   int   // as many nvidia.com/gpu, counted from 0
}

// NoGPUs in Overrides says that no accelerators are to be used.
const NoGPUs = -1

// Detect finds out what this process may use: processors by affinity and cgroup quota, memory by what is installed and the
// cgroup's limit, accelerators by asking nvidia-smi and rocm-smi where they are installed.
func Detect(ctx context.Context, o Overrides) Capacity {
	c := Capacity{MilliCPU: int64(runtime.NumCPU()) * 1000, Memory: installed()}
	own := ownGroups(procRoot, sysRoot)
	if quota := own.quota(); quota > 0 {
		c.MilliCPU = min(c.MilliCPU, quota)
	}
	if limit := own.memory(); limit > 0 && (c.Memory == 0 || limit < c.Memory) {
		c.Memory = limit
	}
	if o.CPUs > 0 {
		c.MilliCPU = int64(math.Min(math.Ceil(o.CPUs*1000), 1<<40))
	}
	if o.Memory > 0 {
		c.Memory = o.Memory
	}
	switch {
	case o.GPUs > 0:
		for i := range min(o.GPUs, 1024) {
			c.Devices = append(c.Devices, provision.Device{Resource: nvidia, ID: strconv.Itoa(i)})
		}
	case o.GPUs == 0:
		c.Devices = accelerators(ctx)
	}
	return c
}

const (
	nvidia = "nvidia.com/gpu"
	amd    = "amd.com/gpu"
)

// installed is the machine's memory in bytes, 0 when it cannot be known.
func installed() int64 {
	b, err := os.ReadFile(procRoot + "/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" {
			kib, _ := strconv.ParseInt(f[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

func accelerators(ctx context.Context) []provision.Device {
	return append(
		visible(parseNVIDIA(ask(ctx, "nvidia-smi", "-L")), os.LookupEnv, "CUDA_VISIBLE_DEVICES"),
		visible(parseROCm(ask(ctx, "rocm-smi", "--showid")), os.LookupEnv, "ROCR_VISIBLE_DEVICES")...)
}

// ask runs a vendor's tool; what is not installed or does not answer has nothing to say.
func ask(ctx context.Context, name string, args ...string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return string(out)
}

var (
	nvidiaLine = pattern(`^GPU \d+: .*\(UUID: (GPU-[-0-9a-fA-F]+)\)`)
	migLine    = pattern(`^\s+MIG .*\(UUID: (MIG-[-/0-9a-fA-FGPU]+)\)`)
	rocmLine   = pattern(`^GPU\[(\d+)\]`)
)

// parseNVIDIA reads what nvidia-smi -L prints. A device that is cut into MIG slices is known by these.
func parseNVIDIA(out string) []provision.Device {
	var devices []provision.Device
	whole := false // the last device is not cut so far
	for line := range strings.Lines(out) {
		if m := nvidiaLine().FindStringSubmatch(line); m != nil {
			devices, whole = append(devices, provision.Device{Resource: nvidia, ID: m[1]}), true
		} else if m := migLine().FindStringSubmatch(line); m != nil {
			if whole {
				devices, whole = devices[:len(devices)-1], false
			}
			devices = append(devices, provision.Device{Resource: nvidia, ID: m[1]})
		}
	}
	return devices
}

// parseROCm reads what rocm-smi --showid prints: several lines for each device.
func parseROCm(out string) []provision.Device {
	var devices []provision.Device
	for line := range strings.Lines(out) {
		m := rocmLine().FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if d := (provision.Device{Resource: amd, ID: m[1]}); !slices.Contains(devices, d) {
			devices = append(devices, d)
		}
	}
	return devices
}

// visible keeps the devices that the user's own environment leaves visible.
func visible(devices []provision.Device, lookup func(string) (string, bool), name string) []provision.Device {
	list, ok := lookup(name)
	if !ok {
		return devices
	}
	var kept []provision.Device
	for id := range strings.SplitSeq(list, ",") {
		id = strings.TrimSpace(id)
		i := slices.IndexFunc(devices, func(d provision.Device) bool { return d.ID == id })
		if n, err := strconv.Atoi(id); i < 0 && err == nil && n >= 0 && n < len(devices) {
			i = n
		}
		if i < 0 {
			break // as CUDA does: nothing after an unknown device counts
		}
		kept = append(kept, devices[i])
	}
	return kept
}
