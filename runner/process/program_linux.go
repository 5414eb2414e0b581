package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"qalam/runner/shim"
)

// Program is what shims are started from. The zero Program is this program itself, which must call shim.Main first of all.
type Program struct {
	path string
	made unix.Stat_t // as it was when it was looked at
	Why  string      // why it is this program itself, though there was another
}

// itself is this program, even when its file has been replaced.
const itself = "/proc/self/exe"

// FindProgram looks in a folder for the program that is nothing but a shim, and so starts faster than this one. One that was not made
// from the same sources is left alone.
func FindProgram(folder string) Program {
	p := Program{path: filepath.Join(folder, shim.Argv0)}
	err := p.look()
	if errors.Is(err, fs.ErrNotExist) {
		return Program{}
	}
	if err == nil {
		err = ask(p.path)
	}
	if err != nil {
		return Program{Why: fmt.Sprintf("%s is not used: %v", p.path, err)}
	}
	return p
}

// look notes what the program's file is like.
func (p *Program) look() error { return unix.Stat(p.path, &p.made) }

// ask has a program say what it is made from.
func ask(path string) error {
	const patience = 10 * time.Second // what is named like that may be anything
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path)
	cmd.Env, cmd.WaitDelay = shimEnv(), patience
	said, err := cmd.Output()
	if err != nil {
		return err
	}
	if !bytes.Equal(said, []byte(shim.Identity())) {
		return errors.New("it was built from other sources than this program: build and install both together (make build)")
	}
	return nil
}

// File is what to execute: nothing that has taken the program's place since it was looked at.
func (p *Program) File() string {
	var now unix.Stat_t
	if p.path == "" || unix.Stat(p.path, &now) != nil {
		return itself
	}
	if now.Dev != p.made.Dev || now.Ino != p.made.Ino || now.Size != p.made.Size || now.Mtim != p.made.Mtim || now.Ctim != p.made.Ctim {
		return itself
	}
	return p.path
}
