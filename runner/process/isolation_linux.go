package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"qalam/runner/provision"
	"qalam/runner/shim"
)

// Isolation says what separates trials on this machine.
type Isolation struct {
	Tier provision.Tier
	PIDs bool   // trials have PID namespaces
	User bool   // they are made in user namespaces, because this program is not root
	Why  string // why there is no more than that; "" when there is nothing more
}

// Detect finds the best isolation by really starting a process in it. The folder serves for that and is left as it was.
func Detect(home string) Isolation {
	iso := Isolation{Tier: provision.Namespaces, PIDs: true, User: os.Geteuid() != 0}
	err := iso.try(home)
	if err == nil {
		return iso
	}
	iso.Why = "no PID namespaces: " + err.Error()
	iso.PIDs = false
	if iso.try(home) == nil {
		return iso
	}
	return Isolation{Tier: provision.Plain, Why: "no namespaces: " + err.Error()}
}

// try starts a shim with one container that needs everything the tier promises.
func (iso Isolation) try(home string) error {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(home, "try-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	trouble, err := os.Create(filepath.Join(dir, "trouble"))
	if err != nil {
		return err
	}
	defer trouble.Close()
	run := shim.Run{Pod: "try", Container: "try", Argv: []string{"/bin/sh", "-c", ":"}, Hostname: "try", Log: "log",
		Mounts: []shim.Mount{{Source: "tmpfs", Target: filepath.Join(dir, "mount")}, {Source: filepath.Join(dir, "trouble"), Target: "/etc/hosts"}}}
	spec := shim.Spec{Marker: dir, Namespaces: true, PIDs: iso.PIDs, Network: true, Start: []shim.Run{run}, Final: true}
	if err := shim.WriteFile(dir, shim.SpecFile, spec, false); err != nil {
		return err
	}
	if err := unix.Mkfifo(filepath.Join(dir, shim.ControlFile), 0o600); err != nil {
		return err
	}
	ended := make(chan struct{}, 1)
	p, err := start(dir, iso, false, trouble, func() { ended <- struct{}{} })
	if err != nil {
		return fmt.Errorf("cloning: %w", err)
	}
	for range 2000 { // a container that cannot start leaves the shim waiting for a command
		select {
		case <-ended:
			if p.code == 0 {
				return nil
			}
			text, _ := os.ReadFile(trouble.Name())
			if i := bytes.Index(text, []byte(dir+": ")); i >= 0 {
				text = text[i+len(dir)+2:]
			}
			return fmt.Errorf("%s", strings.TrimSpace(string(text)))
		case <-time.After(5 * time.Millisecond):
		}
		var e shim.Exited
		if shim.ReadFile(filepath.Join(dir, run.Base()+shim.ExitedTail), &e) == nil && e.Code != 0 {
			p.kill()
			<-ended
			return fmt.Errorf("%s (exit code %d)", e.Error, e.Code)
		}
	}
	p.kill()
	<-ended
	return fmt.Errorf("a process started in them did not end")
}

// attributes says how a shim is cloned.
func (iso Isolation) attributes(hostNetwork bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if iso.Tier != provision.Namespaces {
		return attr
	}
	attr.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC
	if iso.PIDs {
		attr.Cloneflags |= unix.CLONE_NEWPID
	}
	if !hostNetwork {
		attr.Cloneflags |= unix.CLONE_NEWNET
	}
	if iso.User {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
		attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN} // for the shim; it clears them for containers
	}
	return attr
}
