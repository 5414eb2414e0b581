package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"qalam/runner/provision"
	"qalam/runner/resources"
	"qalam/workload"
)

// setup is how trials of an experiment run on this machine. It is kept in the home for as long as the experiment is, so that
// going on needs no flags.
type setup struct {
	Files       []string          `json:"files,omitempty"`  // image maps
	Images      []provision.Image `json:"images,omitempty"` // from flags; they come after those of the files
	PassEnv     []string          `json:"passEnv,omitempty"`
	HostNetwork bool              `json:"hostNetwork,omitempty"`
	ShareGPU    bool              `json:"shareGPU,omitempty"`
	CPUs        float64           `json:"cpus,omitempty"`
	Memory      int64             `json:"memory,omitempty"` // bytes
	GPUs        int               `json:"gpus,omitempty"`
	Tier        string            `json:"tier,omitempty"`
	HostPaths   []string          `json:"hostPaths,omitempty"` // folders that pods may mount by hostPath
}

// setupFlags are the flags that change a setup.
type setupFlags struct {
	files, images         []string
	hostPaths             []string
	network, tier, runner *format
	memory                string
	gpus                  int
	cpus                  float64
	shareGPU              bool
}

// addSetup adds the flags that say how trials run on this machine.
func addSetup(cmd *cobra.Command, network string) *setupFlags {
	f := &setupFlags{}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.files, "images", nil, "image map `file`: which folders stand for which images (see qalam explain images; default: images.yaml or qalam.yaml beside the experiment)")
	flags.StringArrayVar(&f.images, "image", nil, "folder for an image, as `GLOB=DIR[:PATH]`")
	flags.StringArrayVar(&f.hostPaths, "allow-host-path", nil, "`folder` of this machine that trials may mount by hostPath; may be given again")
	flags.Float64Var(&f.cpus, "cpus", 0, "processors to hand out (default: all)")
	flags.StringVar(&f.memory, "memory", "", "memory to hand out, as 8Gi (default: all)")
	flags.IntVar(&f.gpus, "gpus", 0, "accelerators to hand out; 0 means none (default: all)")
	flags.BoolVar(&f.shareGPU, "share-gpu", false, "let several containers use one accelerator")
	networks := []string{"isolated", "host"}
	if network == "host" {
		networks = []string{"host", "isolated"}
	}
	f.network = choiceFlag(cmd, "network", "whether a trial has a network of its own or sees this machine's", networks...)
	f.tier = choiceFlag(cmd, "tier", "how trials are kept apart: with namespaces or plainly; auto is the best there is", "auto", "namespaces", "plain")
	f.runner = &format{value: "process", allowed: []string{"process", "container", "kubernetes"}}
	flags.Var(f.runner, "runner", "what runs trials; this version knows process")
	return f
}

// apply changes a setup by the flags that were given. file is the experiment's, whose image map counts where none is named; ""
// leaves the image maps as they are.
func (f *setupFlags) apply(cmd *cobra.Command, s *setup, file string) error {
	if f.runner.value != "process" {
		return usage("--runner %s: this version runs trials as processes of this machine only; leave the flag out, or say --runner process", f.runner.value)
	}
	changed := cmd.Flags().Changed
	if changed("images") {
		s.Files = nil
		for _, name := range f.files {
			abs, err := filepath.Abs(name)
			if err != nil {
				return err
			}
			s.Files = append(s.Files, abs)
		}
	} else if file != "" {
		s.Files = nil
		for _, name := range provision.Find(file) {
			abs, err := filepath.Abs(name)
			if err != nil {
				return err
			}
			s.Files = append(s.Files, abs)
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	for _, text := range f.images {
		im, err := provision.Flag(text, dir)
		if err != nil {
			return usage("--image %w", err)
		}
		s.Images = append(s.Images, im)
	}
	if changed("allow-host-path") {
		s.HostPaths = nil
		for _, folder := range f.hostPaths {
			abs, err := filepath.Abs(folder)
			if err != nil {
				return err
			}
			s.HostPaths = append(s.HostPaths, abs)
		}
	}
	if changed("network") || s.Tier == "" {
		s.HostNetwork = f.network.value == "host"
	}
	if changed("tier") || s.Tier == "" {
		s.Tier = f.tier.value
	}
	if changed("share-gpu") {
		s.ShareGPU = f.shareGPU
	}
	return f.amounts(cmd, s)
}

// amounts takes over how much is to be handed out.
func (f *setupFlags) amounts(cmd *cobra.Command, s *setup) error {
	changed := cmd.Flags().Changed
	if changed("cpus") {
		if !(f.cpus > 0) {
			return usage("--cpus %v: must be above 0", f.cpus)
		}
		s.CPUs = f.cpus
	}
	if changed("memory") {
		amount, err := workload.Quantity(f.memory).Value()
		if err != nil || amount <= 0 {
			return usage("--memory %s: give an amount above 0, as 8Gi or 500M", f.memory)
		}
		s.Memory = amount
	}
	if changed("gpus") {
		switch {
		case f.gpus < 0:
			return usage("--gpus %d: must not be less than 0", f.gpus)
		case f.gpus == 0:
			s.GPUs = resources.NoGPUs
		default:
			s.GPUs = f.gpus
		}
	}
	return nil
}

// config reads the image maps.
func (s *setup) config() (provision.Config, error) {
	c, err := provision.Load(s.Files...)
	if err != nil {
		return c, &exitError{exitUsage, fmt.Errorf("image map: %w", err)}
	}
	return c.Join(provision.Config{Images: s.Images, PassEnv: s.PassEnv}), nil
}

func setupPath(home, uid string) string { return filepath.Join(home, "setups", uid+".json") }

// keep writes the setup into the home.
func (s *setup) keep(home, uid string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	path := setupPath(home, uid)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temp := path + ".new"
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// keptSetup reads the setup of an experiment; the zero one when none is kept.
func keptSetup(home, uid string) (setup, error) {
	var s setup
	data, err := os.ReadFile(setupPath(home, uid))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", setupPath(home, uid), err)
	}
	return s, nil
}

// attachFlags say how a run is shown and when it ends.
type attachFlags struct {
	grace, timeout time.Duration
	progress       *format
	output         *format
}

func addAttach(cmd *cobra.Command) *attachFlags {
	f := &attachFlags{}
	cmd.Flags().DurationVar(&f.grace, "grace", 30*time.Second, "how long trials that are ended may take, between SIGTERM and SIGKILL")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 0, "interrupt the experiment after this long (exit code 5); it can be resumed")
	f.progress = choiceFlag(cmd, "progress", "how progress is shown: tty redraws, plain is a line for each event", "auto", "tty", "plain", "quiet", "jsonl")
	f.output = outputFlag(cmd, "table", "wide", "json", "yaml", "jsonl", "name")
	return f
}

func (f *attachFlags) check() error {
	if f.grace < 0 || f.timeout < 0 {
		return usage("--grace and --timeout must not be less than 0")
	}
	return nil
}
