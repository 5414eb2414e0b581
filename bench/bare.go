package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"qalam/engine"
	"qalam/experiment"
	"qalam/runner/process"
	"qalam/runner/provision"
	"qalam/runner/shim"
	"qalam/suggest"
)

// bare starts the shims of a trial's attempts and waits for them, and does nothing else.
type bare struct {
	dir       string
	folder    string // of the attempt that the others are made like
	isolation process.Isolation
	program   process.Program
}

// newBare has the runner prepare one attempt of an experiment, to start the very same.
func (b *bench) newBare(d document) (*bare, error) {
	dir, err := b.folder("bare")
	if err != nil {
		return nil, err
	}
	sp, err := load(d.yaml())
	if err != nil {
		return nil, err
	}
	x := engine.Experiment{Record: recordOf("bare", sp), Spec: sp}
	suggester, err := suggest.Builtin().NewSuggester(sp.Spec.Algorithm.Name, suggest.Problem{Space: sp.Spec.Space, Seed: 1}, sp.Spec.Algorithm.Settings)
	if err != nil {
		return nil, err
	}
	s, err := suggester.Ask(1, 1)
	if err != nil {
		return nil, err
	}
	task, err := engine.Prepare(x, experiment.NewTrial(sp.Spec, "bare", 1, s[0], time.Now()), nil)
	if err != nil {
		return nil, err
	}
	programs, err := b.programs()
	if err != nil {
		return nil, err
	}
	r, err := newRunner(b.ctx, order{Home: dir, Programs: programs}, d.width)
	if err != nil {
		return nil, err
	}
	if err := r.Start(context.Background(), task); err != nil {
		return nil, err
	}
	for rep := range r.Reports() {
		if rep.Ended {
			break
		}
	}
	out := &bare{dir: dir, folder: process.Folder(dir, task.ID), program: process.FindProgram(programs)}
	out.isolation = process.Detect(dir, out.program)
	return out, r.Close(false, 0)
}

// prepare makes the folders of attempts as the runner does before it starts a shim; it is not part of what is measured.
func (p *bare) prepare(count int) ([]string, error) {
	root, err := os.MkdirTemp(p.dir, "attempts-")
	if err != nil {
		return nil, err
	}
	dirs := make([]string, count)
	for i := range dirs {
		dirs[i] = filepath.Join(root, fmt.Sprint(i))
		if err := p.copy(dirs[i]); err != nil {
			return nil, err
		}
	}
	return dirs, nil
}

// copy makes an attempt's folder like the one the runner made, without what its shim left there.
func (p *bare) copy(dir string) error {
	return filepath.WalkDir(p.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(p.folder, path) // it lies below
		target := filepath.Join(dir, name)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o700)
		case name == shim.ControlFile:
			return unix.Mkfifo(target, 0o600)
		case name != shim.SpecFile && !strings.HasPrefix(name, "hosts") && !strings.HasPrefix(name, "pods/"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, bytes.ReplaceAll(text, []byte(p.folder), []byte(dir)), 0o600)
	})
}

// run starts shims, so many at once, and returns how long that took, and how much longer each of the last tenth took than of the
// first.
func (p *bare) run(dirs []string, width int) (took time.Duration, growth float64, err error) {
	trouble, err := os.Create(filepath.Join(p.dir, "shims.log"))
	if err != nil {
		return 0, 0, err
	}
	defer trouble.Close()
	if err := shim.Hear(trouble); err != nil {
		return 0, 0, err
	}
	var next, failed, early, late atomic.Int64
	tenth := int64(max(1, len(dirs)/10))
	var wg sync.WaitGroup
	begin := time.Now()
	for range width {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(dirs)); i = next.Add(1) - 1 {
				switch i {
				case tenth:
					early.Store(int64(time.Since(begin)))
				case int64(len(dirs)) - tenth:
					late.Store(int64(time.Since(begin)))
				}
				if p.one(dirs[i], trouble) != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	took = time.Since(begin)
	if n := failed.Load(); n > 0 {
		text, _ := os.ReadFile(trouble.Name())
		return 0, 0, fmt.Errorf("%d of %d shims failed: %s", n, len(dirs), text[:min(len(text), 1000)])
	}
	return took, float64(int64(took)-late.Load()) / float64(early.Load()), nil
}

// one forks, execs and waits.
func (p *bare) one(dir string, trouble *os.File) error {
	attr := &syscall.ProcAttr{Env: []string{"GOMAXPROCS=1"}, Files: []uintptr{trouble.Fd(), trouble.Fd(), trouble.Fd()}, Sys: p.attributes()}
	pid, err := shim.Fork(p.program.File(), dir, attr)
	if err != nil {
		return err
	}
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err != syscall.EINTR {
			break
		}
	}
	if status.ExitStatus() != 0 {
		return fmt.Errorf("exit code %d", status.ExitStatus())
	}
	return nil
}

// attributes are those with which the runner clones a shim.
func (p *bare) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if p.isolation.Tier != provision.Namespaces {
		return attr
	}
	attr.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET
	if p.isolation.PIDs {
		attr.Cloneflags |= unix.CLONE_NEWPID
	}
	if p.isolation.User {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
		attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN}
	}
	return attr
}
