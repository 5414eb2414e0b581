package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"qalam/store"
)

//go:embed mnist.sh
var mnist []byte

// tutorial measures the tutorial's experiment beside a shell script that starts the same 24 processes, in turns.
func (b *bench) tutorial() ([]figure, error) {
	if b.scale.Tutorial == 0 {
		return nil, nil
	}
	if err := exec.CommandContext(b.ctx, "/usr/bin/python3", "-c", "import torch").Run(); err != nil {
		b.say("tutorial: left out, since /usr/bin/python3 has no torch (make deps installs it)")
		return nil, nil
	}
	dir, err := b.folder("tutorial")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	programs, err := b.programs()
	if err != nil {
		return nil, err
	}
	qalam, script := filepath.Join(programs, "qalam"), filepath.Join(dir, "mnist.sh")
	if err := os.WriteFile(script, mnist, 0o700); err != nil {
		return nil, err
	}
	if _, err := b.byScript(script, dir, 0); err != nil { // warms up
		return nil, err
	}
	var with, without, overhead []float64
	for round := 1; round <= b.scale.Tutorial; round++ {
		var own, peer time.Duration
		for half := range 2 {
			if (round+half)%2 == 0 { // whoever comes first changes from round to round
				own, err = b.byQalam(qalam, dir, round)
			} else {
				peer, err = b.byScript(script, dir, round)
			}
			if err != nil {
				return nil, err
			}
		}
		with, without = append(with, own.Seconds()), append(without, peer.Seconds())
		overhead = append(overhead, 100*(own.Seconds()/peer.Seconds()-1))
		b.say("tutorial: %.2f s, by a script %.2f s, overhead %.1f %%", own.Seconds(), peer.Seconds(), overhead[round-1])
	}
	return []figure{
		measured("the tutorial's experiment by `qalam run`, 12 trials of 2 PyTorch processes, 3 trials at once", "s", with),
		measured("– the same processes by a shell script", "s", without),
		atMost(3, "– overhead", "%", overhead),
	}, nil
}

func (b *bench) byQalam(qalam, dir string, round int) (time.Duration, error) {
	home := filepath.Join(dir, "home-"+strconv.Itoa(round))
	defer os.RemoveAll(home)
	examples := filepath.Join(b.root, "examples")
	took, err := timed(exec.CommandContext(b.ctx, qalam, "run", filepath.Join(examples, "pytorchjob-mnist.yaml"),
		"--images", filepath.Join(examples, "images.yaml"), "--home", home, "--progress", "quiet"))
	if err != nil {
		return 0, err
	}
	st, err := store.Open(b.ctx, home, store.Options{})
	if err != nil {
		return 0, err
	}
	defer st.Close()
	list, err := st.List(b.ctx)
	if err == nil && (len(list) != 1 || list[0].Counts.Succeeded != tutorialTrials) {
		err = fmt.Errorf("of %d trials not all succeeded: %+v", tutorialTrials, list)
	}
	return took, err
}

const tutorialTrials = 12

func (b *bench) byScript(script, dir string, round int) (time.Duration, error) {
	logs := filepath.Join(dir, "logs-"+strconv.Itoa(round))
	if err := os.Mkdir(logs, 0o700); err != nil {
		return 0, err
	}
	defer os.RemoveAll(logs)
	const firstPort = 29500
	took, err := timed(exec.CommandContext(b.ctx, script, filepath.Join(b.root, "examples", "pytorch-mnist", "mnist.py"), logs,
		strconv.Itoa(firstPort+round*tutorialTrials)))
	if err != nil {
		return 0, err
	}
	masters, err := filepath.Glob(filepath.Join(logs, "*-0.log"))
	trained := 0
	for _, log := range masters {
		if text, _ := os.ReadFile(log); bytes.Contains(text, []byte("loss=")) {
			trained++
		}
	}
	if err == nil && trained != tutorialTrials {
		err = fmt.Errorf("of %d trainings by the script %d came to a result", tutorialTrials, trained)
	}
	return took, err
}

// timed runs a command and returns how long it took.
func timed(cmd *exec.Cmd) (time.Duration, error) {
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", cmd, err, out[max(0, len(out)-2000):])
	}
	return time.Since(begin), nil
}
