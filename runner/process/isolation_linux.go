package process

import (
	"cmp"
	"errors"
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
	// Layers says that what a trial writes into a folder can be kept apart from the folder, below the folder that was tried.
	Layers bool
}

// Detect finds the best isolation by really starting a process in it. The folder serves for that and is left as it was.
func Detect(home string, program Program) Isolation {
	iso := Isolation{Tier: provision.Namespaces, PIDs: true, User: os.Geteuid() != 0}
	err := iso.try(home, program, true)
	if iso.Layers = err == nil; iso.Layers {
		return iso
	}
	if iso.try(home, program, false) == nil {
		iso.Why = "trials share the folders of their images: " + err.Error()
		return iso
	}
	iso.Why = "no PID namespaces: " + err.Error()
	iso.PIDs = false
	if iso.Layers = iso.try(home, program, true) == nil; iso.Layers || iso.try(home, program, false) == nil {
		return iso
	}
	return Isolation{Tier: provision.Plain, Why: "no namespaces: " + err.Error()}
}

// try starts a shim with one container that needs everything the tier promises, and with layers that too.
func (iso Isolation) try(home string, program Program, layers bool) error {
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
	room := filepath.Join(dir, "room")
	if err := os.Mkdir(room, 0o700); err != nil {
		return err
	}
	run := shim.Run{Pod: "try", Container: "try", Argv: []string{"/bin/sh", "-c", ":"}, Hostname: "try", Log: "log",
		Mounts: []shim.Mount{{Source: "tmpfs", Target: filepath.Join(room, "mount")}, {Source: filepath.Join(dir, "trouble"), Target: "/etc/hosts"}}}
	if layers {
		source, written := filepath.Join(dir, "image"), filepath.Join(dir, "layer", "upper", "written")
		if err := os.Mkdir(source, 0o700); err != nil {
			return err
		}
		run.Mounts = append(run.Mounts, shim.Mount{Source: source, Target: source, Layer: filepath.Join(dir, "layer")})
		run.Argv = []string{"/bin/sh", "-c", "echo > " + quote(filepath.Join(source, "written")) + " && rm " + quote(written)}
	}
	spec := shim.Spec{Marker: dir, Namespaces: true, PIDs: iso.PIDs, Network: true, Start: []shim.Run{run}, Final: true}
	if err := shim.WriteFile(dir, shim.SpecFile, spec, false); err != nil {
		return err
	}
	if err := unix.Mkfifo(filepath.Join(dir, shim.ControlFile), 0o600); err != nil {
		return err
	}
	ended := make(chan struct{}, 1)
	p, err := program.start(dir, iso, false, trouble, nil, func() { ended <- struct{}{} })
	if err != nil {
		return fmt.Errorf("cloning: %w", err)
	}
	for range 2000 { // a container that cannot start leaves the shim waiting for a command
		select {
		case <-ended:
			if p.code == 0 {
				return nil
			}
			return errors.New(complaint(trouble.Name(), dir))
		case <-time.After(5 * time.Millisecond):
		}
		var e shim.Exited
		if shim.ReadFile(filepath.Join(dir, run.Base()+shim.ExitedTail), &e) == nil && e.Code != 0 {
			p.kill()
			<-ended
			return fmt.Errorf("%s (exit code %d)", cmp.Or(e.Error, complaint(trouble.Name(), dir)), e.Code)
		}
	}
	p.kill()
	<-ended
	return fmt.Errorf("a process started in them did not end")
}

// complaint is what the shim of a folder has said first.
func complaint(file, dir string) string {
	b, _ := os.ReadFile(file)
	text := string(b)
	if _, after, ok := strings.Cut(text, dir+": "); ok {
		text, _, _ = strings.Cut(after, "\n")
	}
	return strings.TrimSpace(text)
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
		// For the shim, which clears them for containers; overlayfs has a folder that nobody may read otherwise, and a mount namespace is
		// returned to only by who may change the root.
		attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_DAC_OVERRIDE, unix.CAP_SYS_CHROOT}
	}
	return attr
}

// quote makes one word for a shell of any text.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
